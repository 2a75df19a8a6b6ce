"""--seeds, the number of repeats."""

from __future__ import annotations

__all__ = ["check_seeds"]

_MOST = 100_000


def check_seeds(seeds: int | None) -> None:
    """Check a number of repeats, if there is one.

    Raises
    ------
    ValueError
        When it is below 1 or above 100 000, which no sweep has.
    """
    if seeds is not None and not 1 <= seeds <= _MOST:
        raise ValueError(f"seeds must be from 1 to {_MOST}, got {seeds}")
