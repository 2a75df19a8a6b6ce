"""Numbers as engineers write them."""

from __future__ import annotations

import math

__all__ = ["engineering"]

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def engineering(value: float, unit: str) -> str:
    """Return a number of at least 0 with three digits and the prefix that fits, as in ``"21.5 pJ"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    digits, power = f"{value:.2e}".split("e")  # rounded first: 999.9 pJ is 1.00 nJ
    exponent = min(max(3 * (int(power) // 3), min(_PREFIXES)), max(_PREFIXES))
    shift = int(power) - exponent
    return f"{float(digits) * 10.0**shift:.{min(max(2 - shift, 0), 2)}f} {_PREFIXES[exponent]}{unit}"
