"""Sends light of any power through a chip whose lasers have one power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrolux._kernels import kernels, max_threads
from retrolux.hardware.chip import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.chip import TapMode

__all__ = ["interfere", "normalised", "scaled", "send"]


class _Direction(Protocol):
    def __call__(
        self, x: NDArray[Any], *, taps: TapMode, weights: NDArray[Any] | None, detect: bool = True
    ) -> Reading: ...


def send(
    direction: _Direction,
    light: NDArray[Any],
    taps: TapMode = "none",
    power: float | None = 1.0,
    weights: NDArray[Any] | None = None,
    *,
    detect: bool = True,
    unit: bool = False,
) -> Reading:
    """Send each sample at the same total power, and return what `light` itself would have given.

    Parameters
    ----------
    direction : callable
        ``chip.forward`` or ``chip.backward``.
    light : ndarray of complex, shape (batch, modes)
        The light meant.
    taps : {"none", "sum"}
        What the taps are to read.
    power : float or None
        Total power of every sample that is really sent, in units of the power for which the chip's noise is stated;
        None sends the light as it is.
    weights : ndarray of float, shape (batch,), optional
        By how much each sample counts in the sum of tap powers; default 1.
    detect : bool
        Whether the output is wanted; without it, it is empty.
    unit : bool
        Every sample is known to be of total power 1, or dark.

    Returns
    -------
    Reading
        Scaled back: amplitudes by the norm of each sample, powers by its square. The arrays are the caller's own, even
        where a driver uses its memory again.
    """
    if power is None or (unit and power == 1):
        reading = direction(light, taps=taps, weights=weights, detect=detect)
        return Reading(np.array(reading.output), _kept(reading.taps))
    sent, norm = (light, np.ones(len(light), light.real.dtype)) if unit else normalised(light)
    if power != 1:
        amplitude = light.real.dtype.type(np.sqrt(power))
        sent = scaled(sent, np.full_like(norm, amplitude))
        norm /= amplitude
    if taps == "sum":
        weights = norm**2 if weights is None else weights * norm**2
    reading = direction(sent, taps=taps, weights=weights, detect=detect)
    return Reading(scaled(reading.output, norm) if detect else reading.output, _kept(reading.taps))


def _kept(taps: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if taps is None else np.array(taps)


def interfere(
    direction: _Direction,
    light: NDArray[Any],
    retraced: NDArray[Any],
    turn: complex,
    power: float | None,
    weights: NDArray[Any],
) -> NDArray[Any]:
    """Send light + turn · conj(retraced) and return the sums of its tap powers.

    Parameters
    ----------
    direction : callable
        ``chip.forward``.
    light, retraced : ndarray of complex, shape (batch, modes)
        The forward light, and the adjoint light as it came out at the inputs.
    turn : complex
        Factor of the retraced light; −i makes it interfere as the gradient needs it.
    power, weights
        As for `send`.

    Returns
    -------
    ndarray of float, shape (mzis, 2)

    Raises
    ------
    RuntimeError
        When the chip reads no taps.
    """
    both, norm = _superposed(light, retraced, turn, normalise=power is not None)
    if power is not None:
        weights = weights * norm**2
    taps = send(direction, both, "sum", power, weights, detect=False, unit=True).taps
    if taps is None:
        raise RuntimeError("a gradient from interference needs taps, got a chip that reads none")
    return taps


def normalised(light: NDArray[Any], *, conjugate: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples of total power 1, dark ones as they are, and the norms they had, shape (batch,).

    With `conjugate` the samples are conjugated.
    """
    return _superposed(light, None, 0, normalise=True, conjugate=conjugate)


def scaled(light: NDArray[Any], factors: NDArray[Any], *, conjugate: bool = False) -> NDArray[Any]:
    """Return samples of light, shape (batch, modes), each times a real factor, shape (batch,); conjugated if asked."""
    light = np.ascontiguousarray(light)
    product = np.empty_like(light)
    kernels.scale(light, np.ascontiguousarray(factors, light.real.dtype), conjugate, product, max_threads())
    return product


def _superposed(
    light: NDArray[Any],
    other: NDArray[Any] | None,
    turn: complex,
    *,
    normalise: bool,
    conjugate: bool = False,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return light + turn · conj(other), or light alone, and the norms of its samples before they are normalised."""
    light = np.ascontiguousarray(light)
    if other is not None:
        other = np.ascontiguousarray(other, light.dtype)
    both, norm = np.empty_like(light), np.empty(len(light), light.real.dtype)
    kernels.superpose(light, other, turn, normalise, conjugate, both, norm, max_threads())
    return both, norm
