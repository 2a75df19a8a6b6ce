"""Precision: values rounded to the levels that a converter between digital and analog can tell apart."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from retrolux.analog.draws import Drawing, draw
from retrolux.analog.gradient import Gradient, check_gradient, gradient_name, with_gradient
from retrolux.analog.parts import Parts, by_parts, check_parts

__all__ = ["ReducePrecision", "StochasticReducePrecision", "levels", "reduce_precision", "stochastic_reduce_precision"]


def levels(bits: int) -> int:
    """Return the precision of a converter, p = 2^bits − 1: the levels above 0, up to 1.

    Raises
    ------
    ValueError
        When `bits` is less than 1.
    """
    if bits < 1:
        raise ValueError(f"bits must be at least 1, got {bits}")
    return (1 << bits) - 1


def reduce_precision(
    x: Tensor,
    precision: int,
    divide: float = 0.5,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Round to the levels k/p: y = sgn(x) ⌈|p x| − d⌉ / p.

    Parameters
    ----------
    x : Tensor, any shape, real or complex
        Values, in single precision at least. NaN stays NaN.
    precision : int
        p ≥ 1, levels per unit.
    divide : float
        d in [0, 1]: which share of the way to the next level still rounds towards 0; ½ rounds to the nearest.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: 0, the derivative almost everywhere.
    parts : {"cartesian", "polar"}
        Of complex values; see `by_parts`.

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
    _check_precision(precision)
    _check_divide(divide)

    def rounded(part: Tensor) -> Tensor:
        return part.sgn() * ((precision * part).abs() - divide).ceil() / precision

    return with_gradient(partial(by_parts, rounded, parts=parts), x, gradient)


def stochastic_reduce_precision(
    x: Tensor,
    precision: int,
    *,
    seed: int,
    step: int | Tensor = 0,
    gradient: Gradient = "straight_through",
    parts: Parts = "cartesian",
) -> Tensor:
    """Round to one of the two levels next to a value, so that the mean is the value.

    With g = |p x|: y = sgn(x)/p · (⌊g⌋ with probability 1 − (g − ⌊g⌋), else ⌈g⌉).

    Parameters
    ----------
    x, precision, parts
        As in `reduce_precision`.
    seed, step
        Which draw it is; see `retrolux.analog.draws`.
    gradient : {"true", "straight_through"} or callable
        See `with_gradient`. True: 0, the derivative of a draw almost everywhere; straight-through is the derivative
        of the mean.

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
    _check_precision(precision)

    def rounded(part: Tensor) -> Tensor:
        size = (precision * part).abs()
        below = size.floor()
        up = draw("uniform", size, seed, step) < size - below
        return part.sgn() * (below + up) / precision

    return with_gradient(partial(by_parts, rounded, parts=parts), x, gradient)


class ReducePrecision(nn.Module):
    """`reduce_precision` as a layer: values rounded to the levels k/p.

    Parameters
    ----------
    precision, divide, gradient, parts
        As in `reduce_precision`; ``levels(bits)`` is the precision of a number of bits.

    Raises
    ------
    ValueError
        When one of them is out of range or unknown.
    """

    def __init__(
        self,
        precision: int,
        divide: float = 0.5,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
    ) -> None:
        _check_precision(precision)
        _check_divide(divide)
        check_gradient(gradient)
        check_parts(parts)
        super().__init__()
        self.precision = int(precision)
        self.divide = divide
        self.gradient: Gradient = gradient
        self.parts: Parts = parts

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return (
            f"precision={self.precision}, divide={self.divide:g}, "
            f"gradient={gradient_name(self.gradient)}, parts={self.parts}"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded values, with the shape and dtype of `x`."""
        return reduce_precision(x, self.precision, self.divide, self.gradient, self.parts)


class StochasticReducePrecision(Drawing):
    """`stochastic_reduce_precision` as a layer; in evaluation mode it rounds to the nearest level.

    Parameters
    ----------
    precision, gradient, parts
        As in `stochastic_reduce_precision`.
    seed, eval_noise
        See `Drawing`; with `eval_noise` it draws in evaluation mode too.

    Raises
    ------
    ValueError
        When one of them is out of range or unknown.
    """

    def __init__(
        self,
        precision: int,
        gradient: Gradient = "straight_through",
        parts: Parts = "cartesian",
        *,
        seed: int | None = None,
        eval_noise: bool = False,
    ) -> None:
        _check_precision(precision)
        check_gradient(gradient)
        check_parts(parts)
        super().__init__(seed, eval_noise=eval_noise)
        self.precision = int(precision)
        self.gradient: Gradient = gradient
        self.parts: Parts = parts

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return (
            f"precision={self.precision}, gradient={gradient_name(self.gradient)}, parts={self.parts}"
            f"{', eval_noise=True' if self.eval_noise else ''}"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded values, with the shape and dtype of `x`."""
        if not self.drawing:
            return reduce_precision(x, self.precision, gradient=self.gradient, parts=self.parts)
        return stochastic_reduce_precision(
            x, self.precision, seed=self.seed, step=self.next_step(), gradient=self.gradient, parts=self.parts
        )


def _check_precision(precision: int) -> None:
    if not (precision >= 1 and precision % 1 == 0):
        raise ValueError(f"precision must be a whole number of at least 1, got {precision}")


def _check_divide(divide: float) -> None:
    if not 0 <= divide <= 1:
        raise ValueError(f"divide must lie in [0, 1], got {divide}")
