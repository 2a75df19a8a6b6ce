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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrolux.mesh import Topology

__all__ = ["gradients", "matrices"]


def matrices(settings: Sequence[Tensor | None], topology: Topology) -> Tensor:
    """Return the transposed matrices of meshes, shape (…, modes, modes), differentiable any number of times.

    Parameters
    ----------
    settings : sequence of Tensor or None
        theta, phi, gamma, coupler_error, loss_db, as `retrolux.functional.matrices` takes them.
    topology : Topology
        Where the MZIs of every mesh sit.
    """
    if is_pushed():
        return _textbook.matrices(settings, topology)
    transposed: Tensor = _Matrices.apply(topology, *settings)  # type: ignore[no-untyped-call]
    return transposed


def gradients(
    grad_transposed: Tensor, settings: Sequence[Tensor | None], topology: Topology
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the settings from those of the transposed matrices, differentiable any number of times.

    None stands where a setting is None.
    """
    if is_pushed():
        present = iter(_pull(settings, topology)(grad_transposed, *_present(settings)))
    else:
        present = iter(_MatricesAdjoint.apply(topology, grad_transposed, *settings))  # type: ignore[no-untyped-call]
    return tuple(None if setting is None else next(present) for setting in settings)


class _Matrices(torch.autograd.Function):
    @staticmethod
    def forward(topology: Topology, *settings: Tensor | None) -> Tensor:
        stack, flat = _flattened(settings)
        transposed: Tensor = _ops.on(_ops.matrices(*_ops.to_cpu(flat), topology), flat[0].device)
        return transposed.reshape(*stack, *transposed.shape[1:])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.topology, *settings = inputs
        ctx.save_for_backward(*settings)

    @staticmethod
    def backward(ctx: Any, grad_transposed: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *gradients(grad_transposed, ctx.saved_tensors, ctx.topology))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], topology: Topology, *settings: Tensor | None) -> tuple[Tensor, int]:
        return matrices(_stacked(info, in_dims[1:], settings), topology), 0


class _MatricesAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(topology: Topology, grad_transposed: Tensor, *settings: Tensor | None) -> tuple[Tensor, ...]:
        _, flat = _flattened(settings)
        theta, *others = _ops.to_cpu(flat)
        grad = _ops.to_cpu([grad_transposed.reshape(-1, *grad_transposed.shape[-2:])])[0]
        transposed = _ops.matrices(theta, *others, topology)
        errors = any(setting is not None for setting in others[2:])
        grads = _ops.matrices_adjoint(transposed, grad, theta, *others, topology, errors)
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
        tensors = ctx.saved_tensors
        _, pull = _vjp(_pull(tensors[1:], ctx.topology), _present(tensors))
        pulled = iter(pull(grads))
        return (None, *(None if tensor is None else next(pulled) for tensor in tensors))

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], topology: Topology, *tensors: Tensor | None
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        grad_transposed, *settings = _stacked(info, in_dims[1:], tensors)
        grads: tuple[Tensor, ...] = _MatricesAdjoint.apply(topology, grad_transposed, *settings)  # type: ignore[no-untyped-call]
        return grads, (0,) * len(grads)


def _of_present(settings: Sequence[Tensor | None], topology: Topology) -> Callable[..., Tensor]:
    """Return the textbook's matrices as a function of those settings that there are."""

    def function(*present: Tensor) -> Tensor:
        given = iter(present)
        return _textbook.matrices([None if setting is None else next(given) for setting in settings], topology)

    return function


def _pull(settings: Sequence[Tensor | None], topology: Topology) -> Callable[..., tuple[Tensor, ...]]:
    """Return the textbook's gradients as a function of the matrices' gradient and the settings that there are."""

    def function(grad_transposed: Tensor, *present: Tensor) -> tuple[Tensor, ...]:
        grads: tuple[Tensor, ...] = _vjp(_of_present(settings, topology), present)[1](grad_transposed)
        return grads

    return function


def _vjp(function: Callable[..., Any], at: Sequence[Any]) -> tuple[Any, Callable[..., Any]]:
    """Return the value of a function, and what pulls a gradient by it back to its arguments."""
    value_and_pull: Any = torch.func.vjp(function, *at)
    return value_and_pull[0], value_and_pull[1]


def _present(tensors: Sequence[Tensor | None]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None]


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


def _flattened(settings: Sequence[Any]) -> tuple[torch.Size, list[Any]]:
    """Return the shape of a stack of meshes, and their settings with one dimension in its place."""
    gamma = settings[2]
    stack = gamma.shape[:-1]
    return stack, [
        None if setting is None else setting.reshape(stack.numel(), *setting.shape[len(stack) :])
        for setting in settings
    ]
