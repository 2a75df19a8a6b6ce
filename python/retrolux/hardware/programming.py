"""How a chip sets the phases that are written to it, and how they drift afterwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.philox import Stream, with_noise
from retrolux.mesh.phases import few_turns, wrap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.hardware.crosstalk import Crosstalk
    from retrolux.hardware.fabrication import Fabrication
    from retrolux.hardware.imperfections import Imperfections

__all__ = ["drift_step", "program", "quantise"]

_TURN = 2 * math.pi


def quantise(phases: ArrayLike, bits: int | None) -> NDArray[np.float64]:
    """Return the nearest phases that a converter of `bits` bits can set.

    The levels are k · 2π/2^bits for k = 0 … 2^bits − 1. The nearest level to a phase just below 2π is 0.
    Half way between two levels the even k is taken.

    Parameters
    ----------
    phases : array_like of float, any shape
        rad.
    bits : int ≥ 1 or None
        None: phases are only wrapped.

    Returns
    -------
    ndarray of float64, same shape
        In [0, 2π).

    Raises
    ------
    ValueError
        When a phase is not finite.
    """
    return _quantised(_finite("phases", np.asarray(phases, dtype=np.float64)), bits)


def _quantised(phases: NDArray[np.float64], bits: int | None) -> NDArray[np.float64]:
    if bits is None:
        return wrap(phases)
    levels = 2.0**bits
    level = np.asarray(few_turns(phases) * (levels / _TURN))
    np.rint(level, out=level)
    # The remainder by a power of two is exact without np.mod, which takes each number by itself.
    level -= levels * np.floor(level / levels)
    level *= _TURN / levels
    return level


def program(
    theta: ArrayLike,
    phi: ArrayLike,
    gamma: ArrayLike,
    *,
    imperfections: Imperfections,
    fabrication: Fabrication,
    crosstalk: Crosstalk,
    seed: int,
    write: int,
) -> NDArray[np.float64]:
    """Return the phases which light meets after phases have been written.

    phase = (I + K) (quantise(wanted) + phase_std · n) + offset, in the order in which it happens:

    1. the electronics picks the nearest level in [0, 2π), the range over which a shifter is driven;
    2. the driver misses that level by the write error;
    3. the heaters warm each other, by what they are in fact driven to;
    4. light meets the offset of the waveguide on top, which is there without any heat and so spreads to nobody.

    Parameters
    ----------
    theta, phi : array_like of float, shape (mzis,)
        Wanted phases (rad).
    gamma : array_like of float, shape (modes,)
        Wanted output phases (rad).
    imperfections : Imperfections
        Of which `phase_bits` and `phase_std` count.
    fabrication : Fabrication
        The chip; its phase offsets count.
    crosstalk : Crosstalk
        Of that chip.
    seed : int, 0 to 2⁶⁴ − 1
        Of that chip.
    write : int, 0 to 2⁶⁴ − 1
        How many times phases were written before: each write has draws of its own.

    Returns
    -------
    ndarray of float64, shape (shifters,)
        rad, in the order of `Crosstalk`: theta, phi, gamma.

    Raises
    ------
    ValueError
        When a shape does not fit the chip, a phase is not finite, or `seed` or `write` is out of range.
    """
    offsets = {"theta": fabrication.theta_offset, "phi": fabrication.phi_offset, "gamma": fabrication.gamma_offset}
    wanted = np.concatenate(
        [
            _checked(name, phases, offsets[name].shape)
            for name, phases in (("theta", theta), ("phi", phi), ("gamma", gamma))
        ]
    )
    driven = _quantised(wanted, imperfections.phase_bits)
    if imperfections.phase_std > 0:
        driven = with_noise(driven, imperfections.phase_std, seed, Stream.PHASE_WRITE, write)
    met = crosstalk.apply(driven)
    met += np.concatenate(list(offsets.values()))
    return met


def drift_step(
    imperfections: Imperfections, elapsed_s: float, shifters: int, *, seed: int, tick: int
) -> NDArray[np.float64]:
    """Return how far the phases walk between two readings of the clock.

    The drift of a chip is the sum of its steps since phases were last written; it is added to what `program`
    returns. The steps of a Brownian motion are independent and normal, of variance drift_std_per_s² · elapsed_s,
    so that any way to cut a stretch of time into ticks gives a walk of the same law, and adding steps to where the
    walk stands keeps its earlier points as they were::

        drift = np.zeros(shifters)  # when phases are written
        drift += drift_step(imperfections, elapsed_s, shifters, seed=seed, tick=tick)  # at each tick of the clock

    Parameters
    ----------
    imperfections : Imperfections
        Of which `drift_std_per_s` counts.
    elapsed_s : float ≥ 0
        Time since the last tick (s).
    shifters : int
        Number of phase shifters.
    seed : int, 0 to 2⁶⁴ − 1
        Of the chip.
    tick : int, 0 to 2⁶⁴ − 1
        Number of the tick; never used twice in the life of a chip, also not after a write.

    Returns
    -------
    ndarray of float64, shape (shifters,)
        rad, in the order of `Crosstalk`.

    Raises
    ------
    ValueError
        When `elapsed_s` is negative or not finite, or `seed` or `tick` is out of range.
    """
    if not 0 <= elapsed_s < math.inf:
        raise ValueError(f"elapsed_s must be finite and at least 0, got {elapsed_s!r}")
    std = imperfections.drift_std_per_s * math.sqrt(elapsed_s)
    return with_noise(np.zeros(shifters), std, seed, Stream.DRIFT, tick)


def _checked(name: str, phases: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return phases in float64, checked for shape and value."""
    array = np.asarray(phases, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return _finite(name, array)


def _finite(name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
    bad = array[~np.isfinite(array)]
    if bad.size:
        raise ValueError(f"{name} must be finite, got {bad[0]}")
    return array
