"""Sending light of any power through a chip whose lasers have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrolux.hardware.chip import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.chip import TapMode

__all__ = ["normalised", "scaled", "send"]


class _Direction(Protocol):
    def __call__(self, x: NDArray[Any], *, taps: TapMode, weights: NDArray[Any] | None) -> Reading: ...


def send(
    direction: _Direction,
    light: NDArray[Any],
    taps: TapMode = "none",
    power: float | None = 1.0,
    weights: NDArray[Any] | None = None,
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

    Returns
    -------
    Reading
        Scaled back: amplitudes by the norm of each sample, powers by its square.
    """
    weights = np.ones(len(light), light.real.dtype) if weights is None else weights
    if power is None:
        return direction(light, taps=taps, weights=weights if taps == "sum" else None)
    norm = _norms(light)
    scale = norm / light.real.dtype.type(np.sqrt(power))
    sent = scaled(light, 1 / np.where(norm > 0, scale, 1))
    reading = direction(sent, taps=taps, weights=weights * scale**2 if taps == "sum" else None)
    return Reading(scaled(reading.output, scale), reading.taps)


def normalised(light: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples of total power 1, dark ones as they are, and the norms they had, shape (batch,)."""
    norm = _norms(light)
    return scaled(light, 1 / np.where(norm > 0, norm, 1)), norm


def scaled(light: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Return samples of light, shape (batch, modes), each times a real factor, shape (batch,)."""
    product: NDArray[Any] = (_parts(light) * factors[:, None]).view(light.dtype)
    return product


def _norms(light: NDArray[Any]) -> NDArray[Any]:
    """Return the root of the total power of each sample, shape (batch,)."""
    parts = _parts(light)
    norms: NDArray[Any] = np.sqrt(np.einsum("bm,bm->b", parts, parts))
    return norms


def _parts(light: NDArray[Any]) -> NDArray[Any]:
    """Return real and imaginary parts in turn, shape (batch, 2·modes): NumPy is slow where real meets complex."""
    return np.ascontiguousarray(light).view(light.real.dtype)
