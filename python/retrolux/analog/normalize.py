"""Normalisation: values brought into the range that a modulator or a weight can hold."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from retrolux.analog.gradient import Gradient, check_gradient, gradient_name, with_gradient
from retrolux.analog.parts import Parts, by_parts, check_parts, modulus, widened

__all__ = [
    "Clamp",
    "Clamp01",
    "LPNorm",
    "LPNormM",
    "LPNormW",
    "LPNormWM",
    "clamp",
    "clamp01",
    "lp_norm",
    "lp_norm_m",
    "lp_norm_w",
    "lp_norm_wm",
]

_SMALLEST_NORM = 1e-4


def clamp(x: Tensor, gradient: Gradient = "true", parts: Parts = "cartesian") -> Tensor:
    """Limit values to [−1, 1].

    Parameters
    ----------
    x : Tensor, any shape, real or complex
        Values. NaN stays NaN.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: 1 where |x| ≤ 1, else 0.
    parts : {"cartesian", "polar"}
        Of complex values: real and imaginary part each, or the modulus, which keeps the phase.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Raises
    ------
    TypeError
        When `x` holds integers.
    ValueError
        When `gradient` or `parts` is unknown.
    """
    return with_gradient(partial(_clamped, low=-1.0, parts=parts), x, gradient)


def clamp01(x: Tensor, gradient: Gradient = "true", parts: Parts = "cartesian") -> Tensor:
    """Limit values to [0, 1]; otherwise as `clamp`. The modulus, with ``parts="polar"``, is never below 0."""
    return with_gradient(partial(_clamped, low=0.0, parts=parts), x, gradient)


def lp_norm(x: Tensor, p: float = 2.0, gradient: Gradient = "true") -> Tensor:
    """Divide each row by its norm: x / max(‖x‖_p, 1e-4).

    A row is an entry of the first axis with all that belongs to it, a sample of a batch or an output of a weight; a
    tensor of one axis or none is a row. ‖x‖_p = (Σ|x|^p)^(1/p), real for complex `x`.

    Parameters
    ----------
    x : Tensor, any shape, real or complex
        Values. NaN makes its row NaN.
    p : float
        1 to infinity.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: the Jacobian, with a constant divisor where ‖x‖_p < 1e-4; where |x| has no
        derivative, its 0.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Raises
    ------
    TypeError
        When `x` holds integers.
    ValueError
        When `p` is less than 1 or `gradient` is unknown.
    """
    _check_p(p)
    return with_gradient(partial(_normalized, p=p, whole=False, unit_peak=False), x, gradient)


def lp_norm_w(x: Tensor, p: float = 2.0, gradient: Gradient = "true") -> Tensor:
    """Divide the whole tensor by its norm, x / max(‖x‖_p, 1e-4); otherwise as `lp_norm`."""
    _check_p(p)
    return with_gradient(partial(_normalized, p=p, whole=True, unit_peak=False), x, gradient)


def lp_norm_m(x: Tensor, p: float = 2.0, gradient: Gradient = "true") -> Tensor:
    """Divide each row by its norm, then the whole tensor by its largest |y|; otherwise as `lp_norm`.

    The largest |y| is that of all rows, so that the samples of a batch depend on each other. All zeros stay zeros.
    Where several elements share the maximum they share its gradient. NaN makes everything NaN.
    """
    _check_p(p)
    return with_gradient(partial(_normalized, p=p, whole=False, unit_peak=True), x, gradient)


def lp_norm_wm(x: Tensor, p: float = 2.0, gradient: Gradient = "true") -> Tensor:
    """Divide the whole tensor by its norm, then by its largest |y|; otherwise as `lp_norm_m`."""
    _check_p(p)
    return with_gradient(partial(_normalized, p=p, whole=True, unit_peak=True), x, gradient)


class Clamp(nn.Module):
    """`clamp` as a layer: values limited to [−1, 1].

    Shah and Youngblood, "AnalogVNN", APL Machine Learning 1 (2023), doi:10.1063/5.0134156, as all layers here.

    Parameters
    ----------
    gradient, parts
        As in `clamp`.

    Raises
    ------
    ValueError
        When one of them is unknown.
    """

    def __init__(self, gradient: Gradient = "true", parts: Parts = "cartesian") -> None:
        check_gradient(gradient)
        check_parts(parts)
        super().__init__()
        self.gradient: Gradient = gradient
        self.parts: Parts = parts

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"gradient={gradient_name(self.gradient)}, parts={self.parts}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the limited values, with the shape and dtype of `x`."""
        return clamp(x, self.gradient, self.parts)


class Clamp01(Clamp):
    """`clamp01` as a layer: values limited to [0, 1]; otherwise as `Clamp`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the limited values, with the shape and dtype of `x`."""
        return clamp01(x, self.gradient, self.parts)


class LPNorm(nn.Module):
    """`lp_norm` as a layer: each row divided by its norm.

    Parameters
    ----------
    p, gradient
        As in `lp_norm`.

    Raises
    ------
    ValueError
        When `p` is less than 1 or `gradient` is unknown.
    """

    def __init__(self, p: float = 2.0, gradient: Gradient = "true") -> None:
        _check_p(p)
        check_gradient(gradient)
        super().__init__()
        self.p = p
        self.gradient: Gradient = gradient

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"p={self.p:g}, gradient={gradient_name(self.gradient)}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised values, with the shape and dtype of `x`."""
        return lp_norm(x, self.p, self.gradient)


class LPNormW(LPNorm):
    """`lp_norm_w` as a layer: the whole tensor divided by its norm; otherwise as `LPNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised values, with the shape and dtype of `x`."""
        return lp_norm_w(x, self.p, self.gradient)


class LPNormM(LPNorm):
    """`lp_norm_m` as a layer: each row divided by its norm, all by the largest |y|; otherwise as `LPNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised values, with the shape and dtype of `x`."""
        return lp_norm_m(x, self.p, self.gradient)


class LPNormWM(LPNorm):
    """`lp_norm_wm` as a layer: the tensor divided by its norm and its largest |y|; otherwise as `LPNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised values, with the shape and dtype of `x`."""
        return lp_norm_wm(x, self.p, self.gradient)


def _clamped(x: Tensor, low: float, parts: Parts) -> Tensor:
    if parts == "polar" and x.is_complex():
        # What is inside keeps its bits, and the derivative of |z| is taken outside alone.
        y: Tensor = x / torch.where(x.abs() > 1.0, x, 1.0).abs()
        return y
    return by_parts(lambda part: part.clamp(low, 1.0), x, parts)


def _normalized(x: Tensor, p: float, whole: bool, unit_peak: bool) -> Tensor:
    if x.numel() == 0:
        return x.clone()
    wide = widened(x)
    axes = None if whole or x.ndim < 2 else tuple(range(1, x.ndim))
    norm = torch.linalg.vector_norm(modulus(wide), p, dim=axes, keepdim=axes is not None)
    y: Tensor = wide / norm.clamp(min=_SMALLEST_NORM)
    if unit_peak:
        peak = modulus(y).amax()
        y = y / torch.where(peak == 0.0, 1.0, peak)
    return y.to(x.dtype)


def _check_p(p: float) -> None:
    if not p >= 1:
        raise ValueError(f"p must be at least 1, got {p}")
