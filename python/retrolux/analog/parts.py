"""Which real numbers of a complex one an analog layer acts on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Parts", "by_parts", "check_parts", "modulus", "widened"]

Parts: TypeAlias = Literal["cartesian", "polar"]


def by_parts(function: Callable[[Tensor], Tensor], x: Tensor, parts: Parts) -> Tensor:
    """Apply a function of real numbers to `x`, to each part of it where `x` is complex.

    Parameters
    ----------
    function : callable
        Takes and returns float32 or float64, element by element.
    x : Tensor, any shape, real or complex
        Half precision is computed in single precision.
    parts : {"cartesian", "polar"}
        Of a complex number: real and imaginary part, or modulus and phase. The phase is taken in units of π, in
        [−1, 1] as signals are. Light weaker than the root of the smallest normal number counts as none, of phase 0.

    Returns
    -------
    Tensor, shape and dtype of `x`

    Raises
    ------
    TypeError
        When `x` holds integers.
    ValueError
        When `parts` is unknown.
    """
    check_parts(parts)
    wide = widened(x)
    if not wide.is_complex():
        result = function(wide)
    elif parts == "cartesian":
        result = torch.view_as_complex(function(torch.view_as_real(wide.resolve_conj()).contiguous()))
    else:
        light = _lit(wide)
        size, half_turns = function(torch.stack((light.abs(), light.angle() / math.pi), dim=-1)).unbind(-1)
        phase = math.pi * half_turns
        result = torch.complex(size * phase.cos(), size * phase.sin())
    return result.to(x.dtype)


def check_parts(parts: Parts) -> None:
    """Check that `parts` is a choice that `by_parts` knows.

    Raises
    ------
    ValueError
        When it is not.
    """
    if parts not in get_args(Parts):
        raise ValueError(f"parts must be 'cartesian' or 'polar', got {parts!r}")


def widened(x: Tensor) -> Tensor:
    """Return `x` in single precision where it comes in half, else as it is.

    Raises
    ------
    TypeError
        When `x` holds integers.
    """
    if not (x.is_floating_point() or x.is_complex()):
        raise TypeError(f"x must be real or complex floating point, got {x.dtype}")
    return x.to(torch.promote_types(x.dtype, torch.float32))


def modulus(x: Tensor) -> Tensor:
    """Return |x|, with a finite gradient everywhere: 0 where a complex `x` counts as none."""
    return _lit(x).abs() if x.is_complex() else x.abs()


def _lit(z: Tensor) -> Tensor:
    # Of weaker light 1/|z|², which is in the derivative of its phase, overflows.
    return torch.where(z.abs() < math.sqrt(torch.finfo(z.dtype).tiny), 0.0, z)
