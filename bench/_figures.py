"""Numbers as the tables show them."""

from __future__ import annotations

__all__ = ["figure"]


def figure(value: float) -> str:
    """Return three significant figures without an exponent: "0.0123", "1.23", "12300"."""
    return f"{float(f'{value:.3g}'):.12f}".rstrip("0").rstrip(".")
