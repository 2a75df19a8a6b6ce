"""Strength of noise, precision of levels and leakage from a level: any two give the third.

Leakage ℓ is the probability that noise carries a value from its level k/p beyond the middle between neighbours, by
more than 1/(2p); Shah and Youngblood, APL Machine Learning 1 (2023), doi:10.1063/5.0134156. Precision p need not be
whole here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GAUSSIAN", "LAPLACIAN", "POISSON", "UNIFORM", "Law", "complete"]


class Law(Protocol):
    """The relation of strength, leakage and precision for a kind of noise."""

    def leakage(self, strength: float, precision: float) -> float:
        """Return ℓ."""
        ...

    def strength(self, leakage: float, precision: float) -> float:
        """Return the strength, in the unit of the values."""
        ...

    def precision(self, strength: float, leakage: float) -> float:
        """Return p; 0 where there is none."""
        ...


@dataclass(frozen=True)
class _Additive:
    """Noise that is the same for every value: ℓ is a function of the strength in units of the level spacing.

    Attributes
    ----------
    relative : callable
        strength · p for a leakage.
    outside : callable
        The leakage for strength · p, its inverse.
    """

    relative: Callable[[float], float]
    outside: Callable[[float], float]

    def leakage(self, strength: float, precision: float) -> float:
        return self.outside(strength * precision)

    def strength(self, leakage: float, precision: float) -> float:
        return self.relative(leakage) / precision

    def precision(self, strength: float, leakage: float) -> float:
        return self.relative(leakage) / strength if strength else 0.0


# 1/(2√2 erf⁻¹(1−ℓ)) = −1/(2 Φ⁻¹(ℓ/2)), without the rounding of 1 − ℓ
GAUSSIAN: Law = _Additive(
    lambda leakage: -0.5 / NormalDist().inv_cdf(leakage / 2) if leakage else 0.0,
    lambda relative: math.erfc(1 / (2 * math.sqrt(2) * relative)) if relative else 0.0,
)
LAPLACIAN: Law = _Additive(
    lambda leakage: -0.5 / math.log(leakage) if leakage else 0.0,
    lambda relative: math.exp(-0.5 / relative) if relative else 0.0,
)
# Up to a width of 1/p nothing leaks: no leakage means this width.
UNIFORM: Law = _Additive(lambda leakage: 1 / (1 - leakage), lambda relative: 1 - 1 / max(relative, 1.0))


class _Poisson:
    """Counting noise at full scale, |x| = 1, where it is largest: the level is `strength` counts wide there.

    Counts are whole numbers, so that ℓ jumps as a count enters or leaves the level, and not every ℓ exists. `strength`
    and `precision` go by the continuous curve through these jumps, the incomplete gamma function; `leakage` is exact.
    """

    def leakage(self, strength: float, precision: float) -> float:
        middle = strength * precision
        return _outside(math.floor(middle - strength / 2), math.floor(middle + strength / 2), middle)

    def strength(self, leakage: float, precision: float) -> float:
        return _root(lambda strength: _smooth(strength, precision), leakage)

    def precision(self, strength: float, leakage: float) -> float:
        if _smooth(strength, 1.0) > leakage:  # the coarsest levels, 0 and ±1
            return 0.0
        return 1 / _root(lambda spacing: _smooth(strength, 1 / spacing), leakage)


POISSON: Law = _Poisson()


def complete(
    law: Law, name: str, strength: float | None, leakage: float | None, precision: float | None
) -> tuple[float, float, float]:
    """Return strength, leakage and precision, of which two are given and one is None.

    Parameters
    ----------
    law : Law
        `GAUSSIAN` (σ = 1/(2√2 p erf⁻¹(1−ℓ))), `LAPLACIAN` (scale = −1/(2p ln ℓ)), `UNIFORM` (width = 1/(p(1−ℓ))) or
        `POISSON` (scale = λ/p with λ counts at |x| = 1). The leakage of Poisson noise is the exact one of the result,
        also where another was given, which counts may miss by the probability of one of them.
    name : str
        What the strength is called.
    strength : float, optional
        At least 0, for `POISSON` above 0.
    leakage : float, optional
        In [0, 1), for `POISSON` in (0, 1).
    precision : float, optional
        Levels per unit, above 0.

    Raises
    ------
    ValueError
        When not two are given, one is out of range, or there is no third.
    """
    additive = law is not POISSON
    if strength is not None and not (0 < strength < math.inf or (additive and strength == 0)):
        raise ValueError(f"{name} must be a finite number {'of at least' if additive else 'above'} 0, got {strength}")
    if leakage is not None and not (0 < leakage < 1 or (additive and leakage == 0)):
        raise ValueError(f"leakage must lie in {'[' if additive else '('}0, 1), got {leakage}")
    if precision is not None and not 0 < precision < math.inf:
        raise ValueError(f"precision must be a finite number above 0, got {precision}")
    if leakage is None and strength is not None and precision is not None:
        return strength, law.leakage(strength, precision), precision
    if strength is None and leakage is not None and precision is not None:
        strength = law.strength(leakage, precision)
        return strength, leakage if additive else law.leakage(strength, precision), precision
    if precision is None and strength is not None and leakage is not None:
        precision = law.precision(strength, leakage)
        if precision == 0:
            raise ValueError(f"no precision goes with {name}={strength} and leakage={leakage}")
        return strength, leakage if additive else law.leakage(strength, precision), precision
    given = f"{name}={strength}, leakage={leakage} and precision={precision}"
    raise ValueError(f"give two of {name}, leakage and precision, got {given}")


def _smooth(strength: float, precision: float) -> float:
    middle = strength * precision
    return _outside(middle - strength / 2, middle + strength / 2, middle)


def _outside(low: float, high: float, mean: float) -> float:
    """Return the probability of a count ≤ low or > high, continued to counts that are not whole."""
    edges = torch.tensor([max(low + 1, 0.0), high + 1], dtype=torch.float64, device="cpu")
    rate = torch.tensor(mean, dtype=torch.float64, device="cpu")
    return float(torch.special.gammaincc(edges[0], rate) + torch.special.gammainc(edges[1], rate))


def _root(falling: Callable[[float], float], value: float) -> float:
    """Return where a falling function of a positive number has this value."""
    low = high = 1.0
    while falling(low) < value:
        low /= 2
    while falling(high) > value:
        high *= 2
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if falling(middle) > value else (low, middle)
    return high
