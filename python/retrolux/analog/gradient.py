"""Which gradient flows back through an analog layer: a choice of its own, apart from what the layer computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import Tensor

from retrolux._plain import apply

__all__ = ["Gradient", "check_gradient", "gradient_name", "with_gradient"]

Gradient: TypeAlias = Literal["true", "straight_through"] | Callable[[Tensor, Tensor], Tensor]


def with_gradient(function: Callable[[Tensor], Tensor], x: Tensor, gradient: Gradient) -> Tensor:
    """Return ``function(x)``, with the chosen gradient.

    Gradients are torch's: g = ∂L/∂Re z + i ∂L/∂Im z for complex z.

    Parameters
    ----------
    function : callable
        Takes `x` and returns a tensor of its shape and dtype.
    x : Tensor, any shape, real or complex
        What flows in.
    gradient : {"true", "straight_through"} or callable
        ``"true"``: the derivative of `function` where it exists. ``"straight_through"``: the identity, g_x = g_y
        (Bengio et al., arXiv:1308.3432 (2013)). A callable takes (x, g_y) and returns g_x, of the shape of `x`; made
        of torch operations it can be differentiated again.

    Raises
    ------
    ValueError
        When `gradient` is none of these.
    """
    check_gradient(gradient)
    if gradient == "true":
        return function(x)
    backward = _identity if gradient == "straight_through" else gradient
    return cast("Tensor", apply(_Chosen, x, function, backward))


def check_gradient(gradient: Gradient) -> None:
    """Check that `gradient` is a choice that `with_gradient` knows.

    Raises
    ------
    ValueError
        When it is not.
    """
    if gradient not in ("true", "straight_through") and not callable(gradient):
        raise ValueError(f"gradient must be 'true', 'straight_through' or a function of (x, grad_y), got {gradient!r}")


def gradient_name(gradient: Gradient) -> str:
    """Return what the repr of a layer calls its gradient."""
    return gradient if isinstance(gradient, str) else getattr(gradient, "__name__", repr(gradient))


def _identity(x: Tensor, grad_y: Tensor) -> Tensor:
    return grad_y


class _Chosen(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, function: Callable[[Tensor], Tensor], backward: Any) -> Tensor:
        return function(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, _, ctx.gradient = inputs
        ctx.save_for_backward(None if ctx.gradient is _identity else x)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return ctx.gradient(x, grad_y), None, None
