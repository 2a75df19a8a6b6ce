"""Which gradient flows back through an analog layer, chosen apart from what the layer computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import Tensor

from retrolux._plain import apply, is_traced, is_transformed

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
        (Bengio et al., arXiv:1308.3432 (2013)), forwards and backwards. A callable takes (x, g_y) and returns g_x, of
        the shape of `x`; made of torch operations it can be differentiated again. Forwards it says nothing, and
        ``torch.jit.save`` does not take it.

    Raises
    ------
    ValueError
        When `gradient` is none of these.
    """
    check_gradient(gradient)
    if gradient == "true":
        return function(x)
    if gradient == "straight_through" and (is_traced() or is_transformed()):
        return _composed_straight_through(function, x)
    backward = _identity if gradient == "straight_through" else gradient
    return cast("Tensor", apply(_ChosenBackwards if is_transformed() else _Chosen, x, function, backward))


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


def _composed_straight_through(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return ``function(x)`` by operations of torch alone, for programs that are saved and for nested derivatives."""
    nothing = torch.where(x.isfinite(), x - x.detach(), 0.0)  # ∞ − ∞ is none
    return function(x.detach()).detach() + nothing


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


class _ChosenBackwards(_Chosen):
    # Says what is missing at any depth, which torch does only at the first. torch.compile takes no Function with a jvp.
    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Chosen.setup_context(ctx, inputs, output)
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        raise NotImplementedError(
            "a gradient that is a function of (x, grad_y) goes backwards alone; forward-mode differentiation "
            "(jvp, jacfwd, hessian) needs 'true' or 'straight_through'"
        )
