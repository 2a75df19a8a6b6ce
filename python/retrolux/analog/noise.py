"""Noise of analog signals and weights, by its strength or by how many values it makes leave their level."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from retrolux.analog.draws import Drawing, draw
from retrolux.analog.gradient import Gradient, check_gradient, gradient_name, with_gradient
from retrolux.analog.leakage import GAUSSIAN, LAPLACIAN, POISSON, UNIFORM, Law, complete
from retrolux.analog.parts import Parts, by_parts, check_parts

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "GaussianNoise",
    "LaplacianNoise",
    "PoissonNoise",
    "UniformNoise",
    "gaussian_noise",
    "laplacian_noise",
    "poisson_noise",
    "uniform_noise",
]

# Of more counts the noise is below the rounding of float64, and the sampler's integers end at 2⁶³.
_COUNTABLE = 2.0**60


def gaussian_noise(
    x: Tensor,
    std: float,
    *,
    seed: int,
    step: int | Tensor = 0,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Add normal noise: y = x + σ n.

    Parameters
    ----------
    x : Tensor, any shape, real or complex
        Values. NaN stays NaN.
    std : float
        σ ≥ 0, in the unit of `x`.
    seed, step
        Which draw it is; see `retrolux.analog.draws`.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: the identity too, of real values and with ``parts="cartesian"``.
    parts : {"cartesian", "polar"}
        Of complex values, to which noise is added; see `by_parts`.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Raises
    ------
    TypeError
        When `x` holds integers.
    ValueError
        When an option is out of range or unknown.
    """
    _check_strength("std", std)

    def noisy(part: Tensor) -> Tensor:
        return part + std * draw("normal", part, seed, step)

    return with_gradient(partial(by_parts, noisy, parts=parts), x, gradient)


def laplacian_noise(
    x: Tensor,
    scale: float,
    *,
    seed: int,
    step: int | Tensor = 0,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Add noise of density exp(−|n|/scale) / (2 scale), scale ≥ 0 in the unit of `x`; else as `gaussian_noise`."""
    _check_strength("scale", scale)

    def noisy(part: Tensor) -> Tensor:
        # Uniform on the middles of the generator's steps: symmetric, and never ±1, where the logarithm ends.
        even = 2 * draw("uniform", part, seed, step) - (1 - torch.finfo(part.dtype).eps / 2)
        return part - scale * even.sgn() * (-even.abs()).log1p()

    return with_gradient(partial(by_parts, noisy, parts=parts), x, gradient)


def uniform_noise(
    x: Tensor,
    width: float,
    *,
    seed: int,
    step: int | Tensor = 0,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Add noise uniform on ±width/2, width ≥ 0 in the unit of `x`; otherwise as `gaussian_noise`."""
    _check_strength("width", width)

    def noisy(part: Tensor) -> Tensor:
        return part + width * (draw("uniform", part, seed, step) - 0.5)

    return with_gradient(partial(by_parts, noisy, parts=parts), x, gradient)


def poisson_noise(
    x: Tensor,
    rate: float,
    *,
    seed: int,
    step: int | Tensor = 0,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Count: y = sgn(x) Pois(λ|x|) / λ, of mean x.

    Parameters
    ----------
    x : Tensor, any shape, real or complex
        Values. NaN stays NaN, infinity stays infinite.
    rate : float
        λ > 0, counts at |x| = 1.
    seed, step
        Which draw it is; see `retrolux.analog.draws`.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: 0, the derivative of a draw almost everywhere; straight-through is the derivative
        of the mean.
    parts : {"cartesian", "polar"}
        Of complex values, which are counted; see `by_parts`.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Raises
    ------
    TypeError
        When `x` holds integers.
    ValueError
        When an option is out of range or unknown.
    """
    if not 0 < rate < float("inf"):
        raise ValueError(f"rate must be a finite number above 0, got {rate}")

    def noisy(part: Tensor) -> Tensor:
        mean = rate * part.abs()
        countable = mean < _COUNTABLE
        counts = draw("poisson", torch.where(countable, mean, 0.0), seed, step)
        return part.sgn() * torch.where(countable, counts, mean) / rate

    return with_gradient(partial(by_parts, noisy, parts=parts), x, gradient)


class _Noise(Drawing):
    """What the noise layers share: two of strength, leakage and precision, and noise in training mode."""

    law: ClassVar[Law]
    strength_name: ClassVar[str]
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        strength: float | None,
        leakage: float | None,
        precision: float | None,
        gradient: Gradient,
        parts: Parts,
        seed: int | None,
        eval_noise: bool,
    ) -> None:
        triple = complete(self.law, self.strength_name, strength, leakage, precision)
        check_gradient(gradient)
        check_parts(parts)
        super().__init__(seed, eval_noise=eval_noise)
        self.strength, self.leakage, self.precision = triple
        self.gradient: Gradient = gradient
        self.parts: Parts = parts

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return (
            f"{self.strength_name}={self.strength:.4g}, leakage={self.leakage:.4g}, precision={self.precision:.4g}, "
            f"gradient={gradient_name(self.gradient)}, parts={self.parts}"
            f"{', eval_noise=True' if self.eval_noise else ''}"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return noisy values, with the shape and dtype of `x`; in evaluation mode `x`, without `eval_noise`."""
        if not self.drawing:
            return x
        return type(self).function(
            x, self._amount(), seed=self.seed, step=self.next_step(), gradient=self.gradient, parts=self.parts
        )

    def _amount(self) -> float:
        return self.strength


class GaussianNoise(_Noise):
    """`gaussian_noise` as a layer, in training mode: y = x + σ n.

    Parameters
    ----------
    std, leakage, precision : float, optional
        σ, ℓ and p: two of them, which give the third by σ = 1/(2√2 p erf⁻¹(1−ℓ)); see `retrolux.analog.leakage`.
    gradient, parts
        As in `gaussian_noise`.
    seed, eval_noise
        See `Drawing`; with `eval_noise` there is noise in evaluation mode too.

    Raises
    ------
    ValueError
        When not two of `std`, `leakage` and `precision` are given, or an option is out of range or unknown.
    """

    law = GAUSSIAN
    strength_name = "std"
    function = staticmethod(gaussian_noise)

    def __init__(
        self,
        std: float | None = None,
        leakage: float | None = None,
        precision: float | None = None,
        *,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
        seed: int | None = None,
        eval_noise: bool = False,
    ) -> None:
        super().__init__(std, leakage, precision, gradient, parts, seed, eval_noise)


class LaplacianNoise(_Noise):
    """`laplacian_noise` as a layer; scale = −1/(2p ln ℓ), otherwise as `GaussianNoise`."""

    law = LAPLACIAN
    strength_name = "scale"
    function = staticmethod(laplacian_noise)

    def __init__(
        self,
        scale: float | None = None,
        leakage: float | None = None,
        precision: float | None = None,
        *,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
        seed: int | None = None,
        eval_noise: bool = False,
    ) -> None:
        super().__init__(scale, leakage, precision, gradient, parts, seed, eval_noise)


class UniformNoise(_Noise):
    """`uniform_noise` as a layer; width = 1/(p(1−ℓ)), otherwise as `GaussianNoise`."""

    law = UNIFORM
    strength_name = "width"
    function = staticmethod(uniform_noise)

    def __init__(
        self,
        width: float | None = None,
        leakage: float | None = None,
        precision: float | None = None,
        *,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
        seed: int | None = None,
        eval_noise: bool = False,
    ) -> None:
        super().__init__(width, leakage, precision, gradient, parts, seed, eval_noise)


class PoissonNoise(_Noise):
    """`poisson_noise` as a layer: counts of λ = scale · p at |x| = 1; otherwise as `GaussianNoise`.

    The leakage is that at |x| = 1, where it is largest. Counts are whole, so that not every leakage exists: the one
    asked for is met to the probability of a count, and the attribute `leakage` says exactly what came out.
    """

    law = POISSON
    strength_name = "scale"
    function = staticmethod(poisson_noise)

    def __init__(
        self,
        scale: float | None = None,
        leakage: float | None = None,
        precision: float | None = None,
        *,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
        seed: int | None = None,
        eval_noise: bool = False,
    ) -> None:
        super().__init__(scale, leakage, precision, gradient, parts, seed, eval_noise)

    def _amount(self) -> float:
        return self.strength * self.precision


def _check_strength(name: str, strength: float) -> None:
    if not 0 <= strength < float("inf"):
        raise ValueError(f"{name} must be a finite number of at least 0, got {strength}")
