"""Sending light of any power through a chip whose lasers have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrolux.hardware.chip import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.chip import TapMode

__all__ = ["conjugate", "normalised", "quarter_behind", "scaled", "send"]


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
        Scaled back: amplitudes by the norm of each sample, powers by its square.
    """
    if power is None or (unit and power == 1):
        return direction(light, taps=taps, weights=weights, detect=detect)
    norm = np.ones(len(light), light.real.dtype) if unit else _norms(light)
    scale = norm / light.real.dtype.type(np.sqrt(power))
    sent = scaled(light, 1 / np.where(norm > 0, scale, 1))
    if taps == "sum":
        weights = scale**2 if weights is None else weights * scale**2
    reading = direction(sent, taps=taps, weights=weights, detect=detect)
    return Reading(scaled(reading.output, scale) if detect else reading.output, reading.taps)


def quarter_behind(light: NDArray[Any], retraced: NDArray[Any]) -> NDArray[Any]:
    """Return light − i conj(retraced), which interferes with the adjoint field as the gradient needs it.

    Shapes (batch, modes). −i conj(u + iv) = −v − iu: no product is needed.
    """
    both = np.empty_like(light)
    np.subtract(light.real, retraced.imag, out=both.real)
    np.subtract(light.imag, retraced.real, out=both.imag)
    return both


def conjugate(light: NDArray[Any]) -> NDArray[Any]:
    """Return light conjugated in place."""
    np.negative(light.imag, out=light.imag)
    return light


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
