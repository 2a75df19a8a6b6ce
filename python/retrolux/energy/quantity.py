"""A number with its unit and where it comes from, and how engineers write it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from retrolux.reading import shown

__all__ = ["Quantity", "engineering", "finite"]

# The units of each kind of quantity, and their sizes in the unit that is calculated with.
_UNITS: dict[str, dict[str, float]] = {
    "energy": {"J": 1.0, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15, "aJ": 1e-18, "TOPS/W": 1e12},
    "power": {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "nW": 1e-9},
    "rate": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "throughput": {"GOPS": 1e9, "TOPS": 1e12},
    "time": {"s": 1.0, "us": 1e-6, "ns": 1e-9, "ps": 1e-12},
    "length": {"m": 1.0, "mm": 1e-3, "um": 1e-6},
    "loss": {"dB": 1.0},
    "noise": {"": 1.0},
    "ratio": {"": 1.0},
    "fraction": {"": 1.0, "%": 1e-2},
    "responsivity": {"A/W": 1.0},
    "current noise": {"A/√Hz": 1.0, "pA/√Hz": 1e-12},
}
_SIZES = {unit: size for units in _UNITS.values() for unit, size in units.items()}
_LARGEST = sys.float_info.max
# Beyond any device, and such that what is calculated from several numbers is neither 0 nor infinite.
_LEAST, _MOST = 1e-30, 1e30
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_POSITIVE = ("rate", "throughput", "length", "ratio", "fraction", "responsivity")


@dataclass(frozen=True)
class Quantity:
    """A number of a device description.

    Attributes
    ----------
    value : float ≥ 0
        In the unit.
    unit : str
        As in ``"pJ"``; empty for a plain number. ``"TOPS/W"`` states an energy per operation by its inverse.
    source : str
        Where the number comes from.

    Raises
    ------
    ValueError
        When the value is as `finite` refuses it, the unit is unknown, or the source is no text.
    """

    value: float
    unit: str
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", finite("value", self.value))
        if not isinstance(self.unit, str) or self.unit not in _SIZES:
            units = ", ".join(unit for unit in _SIZES if unit)
            raise ValueError(f"unit must be one of {units}, or empty for a plain number, got {shown(self.unit)}")
        if self.unit == "TOPS/W" and self.value == 0:
            raise ValueError("value must be above 0 TOPS/W, got 0")
        if not isinstance(self.source, str):
            raise ValueError(f"source must be a text, got {shown(self.source)}")

    @property
    def si(self) -> float:
        """The value in SI units (a loss: in dB)."""
        size = _SIZES[self.unit]
        return 1 / (self.value * size) if self.unit == "TOPS/W" else self.value * size

    def check(self, name: str, kind: str) -> None:
        """Check that the quantity can be what its place in a description wants.

        Parameters
        ----------
        name : str
            Of the place, for the message.
        kind : str
            What stands there: energy, power, rate, throughput, time, length, loss, noise, ratio, fraction,
            responsivity or current noise.

        Raises
        ------
        ValueError
            When the unit is of another kind, or the value out of the range of this one.
        """
        units = _UNITS[kind]
        if self.unit not in units:
            allowed = " or ".join(unit or "none" for unit in units)
            raise ValueError(f"{name} must be a {kind} in {allowed}, got the unit {self.unit!r}")
        if kind in _POSITIVE and self.value == 0:
            raise ValueError(f"{name} must be above 0, got {self.value}")
        if kind == "fraction" and self.si > 1:
            raise ValueError(f"{name} must be at most 1, got {self}")

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".rstrip()


def finite(name: str, value: object) -> float:
    """Return a number of any kind as a float, after checking it.

    Raises
    ------
    ValueError
        When it is no number, negative, not finite, or neither 0 nor from 10⁻³⁰ to 10³⁰.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LARGEST:
        raise ValueError(f"{name} must be a finite number of at least 0, got {shown(value)}")
    if value != 0 and not _LEAST <= value <= _MOST:
        raise ValueError(f"{name} must be 0 or from {_LEAST:g} to {_MOST:g}, got {value!r}")
    return float(value)


def engineering(value: float, unit: str) -> str:
    """Return a number of at least 0 with three digits and the prefix that fits, as in ``"21.5 pJ"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    digits, power = f"{value:.2e}".split("e")  # rounded first: 999.9 pJ is 1.00 nJ
    exponent = min(max(3 * (int(power) // 3), min(_PREFIXES)), max(_PREFIXES))
    shift = int(power) - exponent
    return f"{float(digits) * 10.0**shift:.{min(max(2 - shift, 0), 2)}f} {_PREFIXES[exponent]}{unit}"
