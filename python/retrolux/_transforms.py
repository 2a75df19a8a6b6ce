"""Matrices of meshes under torch's transforms: vmap, forward mode, and derivatives of derivatives.

Values and first derivatives come from the kernels, those of a batch of settings from the kernels for stacks of meshes.
Derivatives of derivatives come from `retrolux._textbook`, and so does all of it in forward mode: what a Function of
torch says of its derivative forwards is a constant to the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux import _ops, _textbook
from retrolux._plain import is_pushed
from retrolux.mesh.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from retrolux.mesh import Topology

__all__ = ["gradients", "matrices"]


def matrices(topology: Topology, settings: Settings) -> Tensor:
    """Return the transposed matrices of meshes, shape (…, modes, modes), differentiable any number of times.

    Parameters
    ----------
    topology : Topology
        Where the MZIs of every mesh sit.
    settings : Settings of Tensor
        Of all meshes, as `retrolux.functional.matrices` takes them.
    """
    if is_pushed():
        return _textbook.matrices(topology, settings)
    transposed: Tensor = _Matrices.apply(topology, *settings)  # type: ignore[no-untyped-call]
    return transposed


def gradients(topology: Topology, settings: Settings, grad_transposed: Tensor) -> Settings:
    """Return the gradients of the settings from those of the transposed matrices, differentiable any number of times.

    None stands where a setting is None.
    """
    if is_pushed():
        present = _pull(topology, settings)(*_present(settings), grad_transposed)
    else:
        present = _MatricesAdjoint.apply(topology, *settings, grad_transposed)  # type: ignore[no-untyped-call]
    return _in_place(settings, present)


class _Matrices(torch.autograd.Function):
    @staticmethod
    def forward(topology: Topology, *settings: Tensor | None) -> Tensor:
        stack, flat = _flattened(Settings(*settings))
        transposed: Tensor = _ops.on(_ops.matrices(topology, _ops.to_cpu(flat)), flat.theta.device)
        return transposed.reshape(*stack, *transposed.shape[1:])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.topology, *settings = inputs
        ctx.save_for_backward(*settings)

    @staticmethod
    def backward(ctx: Any, grad_transposed: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *gradients(ctx.topology, Settings(*ctx.saved_tensors), grad_transposed))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], topology: Topology, *settings: Tensor | None) -> tuple[Tensor, int]:
        return matrices(topology, Settings(*_stacked(info, in_dims[1:], settings))), 0


class _MatricesAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(topology: Topology, *tensors: Any) -> tuple[Tensor, ...]:
        *settings, grad_transposed = tensors
        _, flat = _flattened(Settings(*settings))
        flat = _ops.to_cpu(flat)
        grad = _ops.on_cpu(grad_transposed.reshape(-1, *grad_transposed.shape[-2:]))
        transposed = _ops.matrices(topology, flat)
        grads = _ops.matrices_adjoint(topology, flat, transposed, grad, True)
        return tuple(
            _ops.on(grad.reshape(setting.shape), setting.device)
            for grad, setting in zip(grads, settings, strict=True)
            if setting is not None
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.topology, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        *settings, grad_transposed = ctx.saved_tensors
        _, pull = _vjp(_pull(ctx.topology, Settings(*settings)), [*_present(settings), grad_transposed])
        *pulled, into_grad = pull(grads)
        return (None, *_in_place(settings, pulled), into_grad)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], topology: Topology, *tensors: Tensor | None
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        grads: tuple[Tensor, ...] = _MatricesAdjoint.apply(topology, *_stacked(info, in_dims[1:], tensors))  # type: ignore[no-untyped-call]
        return grads, (0,) * len(grads)


def _pull(topology: Topology, settings: Settings) -> Callable[..., tuple[Tensor, ...]]:
    """Return the textbook's gradients as a function of the settings that there are and of the matrices' gradient."""

    def textbook(*present: Tensor) -> Tensor:
        return _textbook.matrices(topology, _in_place(settings, present))

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        *present, grad_transposed = tensors
        grads: tuple[Tensor, ...] = _vjp(textbook, present)[1](grad_transposed)
        return grads

    return function


def _vjp(function: Callable[..., Any], at: Sequence[Any]) -> tuple[Any, Callable[..., Any]]:
    """Return the value of a function, and what pulls a gradient by it back to its arguments."""
    value_and_pull: Any = torch.func.vjp(function, *at)
    return value_and_pull[0], value_and_pull[1]


def _present(tensors: Sequence[Tensor | None]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None]


def _in_place(settings: Sequence[Tensor | None], present: Iterable[Tensor]) -> Settings:
    """Return what there is for each setting that there is, in its place."""
    given = iter(present)
    return Settings(*[None if setting is None else next(given) for setting in settings])


def _stacked(info: Any, in_dims: Sequence[Any], tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return the tensors with the dimension that vmap maps over in front of all others."""
    return [
        tensor
        if tensor is None
        else tensor.expand(info.batch_size, *tensor.shape)
        if dim is None
        else tensor.movedim(dim, 0)
        for tensor, dim in zip(tensors, in_dims, strict=True)
    ]


def _flattened(settings: Settings) -> tuple[torch.Size, Settings]:
    """Return the shape of a stack of meshes, and their settings with one dimension in its place."""
    stack = settings.gamma.shape[:-1]
    return stack, Settings(
        *[
            None if setting is None else setting.reshape(stack.numel(), *setting.shape[len(stack) :])
            for setting in settings
        ]
    )
