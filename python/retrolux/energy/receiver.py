"""Noise of detectors at a given optical power, and the optical power for a given noise.

A photocurrent I has shot noise of variance 2qIB in the bandwidth B (Schottky, Ann. Phys. 362, 541 (1918)); what
amplifies it adds thermal noise of variance i²B, whatever the light. An integration over the time τ has B = 1/(2τ).

**Taps.** Let P be the total power of a sample where it enters the mesh, p the part of it that is in a waveguide, f the
part of that which a tap takes to its detector, and ℜ the responsivity. Then I = ℜfPp, and the reading I/(ℜfP) has the
mean p and the variance

    2qBp/(ℜfP) + B(i/(ℜfP))².

The first term is the s²p of `Imperfections.tap_noise`, a noise s √p n, with s² = 2qB/(ℜfP); that is one over the number
of photoelectrons that p = 1 gives in τ, so that the readings are Poisson counts over their scale. The second term does
not depend on p, so that s √p n cannot describe it. It is counted at the average power of N modes, p = 1/N:

    s² = 2qB/(ℜfP) + N B (i/(ℜfP))².

The variance is linear in p, so the noise of all taps of a column together is right, dark taps get too little of it, and
bright ones too much. That sum is what the error of a gradient depends on.

**Outputs.** A coherent receiver splits the signal over two quadratures and lets each beat with a local oscillator.
When the shot noise of that dominates, a quadrature of a field of total power P has the variance qB/(ℜP) in units of P,
which is σ² of `Imperfections.detector_noise`, whatever the field (Shapiro and Wagner, IEEE J. Quantum Electron. 20, 803
(1984)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["detector_noise_from_power", "noise_from_power", "power_from_detector_noise", "power_from_noise"]

_ELEMENTARY_CHARGE = 1.602176634e-19  # C


def noise_from_power(
    power: ArrayLike,
    modes: ArrayLike,
    *,
    bandwidth: float,
    responsivity: float,
    tap_fraction: float,
    thermal_current: float = 0.0,
) -> NDArray[np.float64]:
    """Return the noise of tap readings at a given light: s² = 2qB/(ℜfP) + N B (i/(ℜfP))².

    Parameters
    ----------
    power : array_like of float
        Total optical power P of a sample where it enters the mesh (W), above 0.
    modes : array_like of float
        Modes N that share it, so that a tap sees P/N on average: the number of modes in a mesh without loss, more
        where light is lost. It matters for thermal noise alone, and broadcasts against `power`.
    bandwidth : float
        Of the receiver, B (Hz), above 0.
    responsivity : float
        ℜ (A/W), above 0.
    tap_fraction : float
        Part f of the light that a tap takes, in (0, 1].
    thermal_current : float
        Thermal noise i of the amplifier (A/√Hz), at least 0.

    Returns
    -------
    ndarray of float64
        `Imperfections.tap_noise`.

    Raises
    ------
    ValueError
        When an argument is out of range.
    """
    shot, thermal = _tap_terms(modes, bandwidth, responsivity, tap_fraction, thermal_current)
    total = _positive("power", power)
    return np.asarray(np.sqrt(shot / total + thermal / total**2))


def power_from_noise(
    noise: ArrayLike,
    modes: ArrayLike,
    *,
    bandwidth: float,
    responsivity: float,
    tap_fraction: float,
    thermal_current: float = 0.0,
) -> NDArray[np.float64]:
    """Return the light that gives tap readings their noise; the inverse of `noise_from_power`.

    Parameters
    ----------
    noise : array_like of float
        `Imperfections.tap_noise`, above 0.
    modes, bandwidth, responsivity, tap_fraction, thermal_current
        As there.

    Returns
    -------
    ndarray of float64
        Total optical power P of a sample where it enters the mesh (W).

    Raises
    ------
    ValueError
        When an argument is out of range.
    """
    shot, thermal = _tap_terms(modes, bandwidth, responsivity, tap_fraction, thermal_current)
    variance = _positive("noise", noise) ** 2
    return np.asarray((shot + np.sqrt(shot**2 + 4 * variance * thermal)) / (2 * variance))


def detector_noise_from_power(power: ArrayLike, bandwidth: float, responsivity: float) -> NDArray[np.float64]:
    """Return the noise of each quadrature of the outputs at a given light: σ² = qB/(ℜP).

    Parameters
    ----------
    power : array_like of float
        Total optical power P of a sample where it enters the mesh (W), above 0.
    bandwidth : float
        Of the receiver, B (Hz), above 0.
    responsivity : float
        ℜ (A/W), above 0.

    Returns
    -------
    ndarray of float64
        `Imperfections.detector_noise`.

    Raises
    ------
    ValueError
        When an argument is out of range.
    """
    return np.asarray(np.sqrt(_quadrature(bandwidth, responsivity) / _positive("power", power)))


def power_from_detector_noise(noise: ArrayLike, bandwidth: float, responsivity: float) -> NDArray[np.float64]:
    """Return the light (W) that gives the outputs their noise; the inverse of `detector_noise_from_power`."""
    return np.asarray(_quadrature(bandwidth, responsivity) / _positive("noise", noise) ** 2)


def _tap_terms(
    modes: ArrayLike, bandwidth: float, responsivity: float, tap_fraction: float, thermal_current: float
) -> tuple[float, NDArray[np.float64]]:
    """Return 2qB/(ℜf) and N B (i/(ℜf))²: s² = shot/P + thermal/P²."""
    if not 0 < tap_fraction <= 1:
        raise ValueError(f"tap_fraction must be above 0 and at most 1, got {tap_fraction}")
    if not 0 <= thermal_current < np.inf:
        raise ValueError(f"thermal_current must be finite and at least 0, got {thermal_current}")
    current = float(_positive("responsivity", responsivity)) * tap_fraction  # A per W in the waveguide
    hertz = float(_positive("bandwidth", bandwidth))
    shot = 2 * _ELEMENTARY_CHARGE * hertz / current
    return shot, np.asarray(_positive("modes", modes) * hertz * (thermal_current / current) ** 2)


def _quadrature(bandwidth: float, responsivity: float) -> float:
    return float(_ELEMENTARY_CHARGE * _positive("bandwidth", bandwidth) / _positive("responsivity", responsivity))


def _positive(name: str, values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    bad = numbers[~((numbers > 0) & (numbers < np.inf))]
    if bad.size:
        raise ValueError(f"{name} must be finite and above 0, got {bad.flat[0]}")
    return numbers
