"""The precision of layers made of meshes: their settings stay real, light stays complex, and both follow ``to``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from retrolux.functional import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_light", "in_full_precision", "keeping_kind", "stay_real"]

_HALVES = (torch.float16, torch.bfloat16)


def keeping_kind(fn: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function for ``Module._apply`` that leaves real tensors real and complex ones complex.

    Only the precision of the wanted dtype counts: a phase in complex128 has no meaning, and a complex matrix in float64
    loses its imaginary part.
    """

    def run(tensor: Tensor) -> Tensor:
        if tensor.is_complex():
            return torch.view_as_complex(run(torch.view_as_real(tensor)))
        result = fn(tensor)
        if result.is_complex() and tensor.is_floating_point():
            return tensor.to(result.device, result.dtype.to_real())
        return result

    return run


def in_full_precision(fn: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return what `keeping_kind` returns, but refuse less than single precision.

    Raises
    ------
    TypeError
        In the returned function, when the wanted dtype is neither float32 nor float64.
    """
    kept = keeping_kind(fn)

    def run(tensor: Tensor) -> Tensor:
        result = kept(tensor)
        if tensor.is_floating_point() and result.dtype not in LIGHT:
            raise TypeError(f"the settings of a mesh must be in float32 or float64, got {result.dtype}")
        return result

    return run


def stay_real(fn: Callable[[Tensor], Tensor], dtype: torch.dtype) -> None:
    """Refuse a function for ``Module._apply`` that makes real settings complex.

    Raises
    ------
    TypeError
        When it does.
    """
    if fn(torch.empty(0, dtype=dtype, device="cpu")).is_complex():
        raise TypeError(f"a layer made in {dtype} stays real; make it with dtype=torch.complex64 or torch.complex128")


def as_light(x: Tensor, dtype: torch.dtype, name: str = "x") -> Tensor:
    """Return `x` as complex light of a dtype, complex64 or complex128; real numbers are light of phase 0.

    Raises
    ------
    TypeError
        When `x` has another precision, or is not of floating point; half precision is taken for complex64, as autocast
        gives it.
    """
    if x.dtype == dtype:
        return x
    fits = LIGHT.get(x.dtype) == dtype or (x.dtype in _HALVES and dtype == torch.complex64)
    if not fits:
        real = next(real for real, light in LIGHT.items() if light == dtype)
        raise TypeError(f"{name} must be {dtype} or {real}, got {x.dtype}")
    return x.to(dtype)
