"""First derivatives of light through a mesh: by the kernels, on plain tensors and in traced programs.

Where a derivative is asked for that is to be differentiated again, it comes from `retrolux._transforms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux import _ops, _transforms
from retrolux._plain import is_transformed
from retrolux.mesh import Topology

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ByMatrix", "Matrices", "Propagate"]


class Propagate(torch.autograd.Function):
    """The mesh route: forward pass of light, reversible adjoint backwards.

    The inputs are x, theta, phi, gamma, coupler_error, loss_db and the topology; those of `Matrices` have no x.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        y: Tensor = _ops.forward.kernel(*inputs)
        _keep(ctx, inputs, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        y, x, *settings = ctx.saved_tensors
        need_x, *need_settings, _ = ctx.needs_input_grad
        if _differentiable():
            return (*_gradients(y, x, grad_y, settings, ctx.topology), None)
        if not any(need_settings):
            return (_ops.reverse(grad_y, *settings, ctx.topology), *[None] * 6)
        grads = _ops.adjoint(y, grad_y, x, *settings, ctx.topology, need_x, any(need_settings[3:]))
        return (*_needed(grads, [need_x, *need_settings]), None)


class Matrices(torch.autograd.Function):
    """The transposed matrices of a stack of meshes."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *settings, topology = inputs
        transposed = _ops.on(_ops.matrices.kernel(*_ops.to_cpu(settings), topology), settings[0].device)
        _keep_matrices(ctx, inputs, transposed)
        return transposed

    @staticmethod
    def backward(ctx: Any, grad_transposed: Tensor) -> tuple[Tensor | None, ...]:
        transposed, *settings = ctx.saved_tensors
        *need, _ = ctx.needs_input_grad
        if _differentiable():
            return (*_transforms.gradients(grad_transposed, settings, ctx.topology), None)
        return (*_matrix_gradients(transposed, grad_transposed, settings, ctx.topology, need), None)


class ByMatrix(torch.autograd.Function):
    """The matrix route: the mesh sees the N modes, the batch sees a dense matrix, on whatever device it is."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        x, *settings, ctx.topology = inputs
        transposed = _ops.on(_ops.matrices.kernel(*_ops.to_cpu(settings), ctx.topology), x.device)
        ctx.save_for_backward(x, transposed, *settings)
        return x @ transposed  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, transposed, *settings = ctx.saved_tensors
        if _differentiable():
            return (*_gradients(None, x, grad_y, settings, ctx.topology), None)
        need_x, *need_settings, _ = ctx.needs_input_grad
        grad_x = grad_y @ transposed.mH if need_x else None
        if not any(need_settings):
            return (grad_x, *[None] * 6)
        grad_transposed = _by_sample(x, grad_y)
        return (grad_x, *_matrix_gradients(transposed, grad_transposed, settings, ctx.topology, need_settings), None)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Save what the backward pass of light needs."""
    x, *settings, topology = inputs
    # The input is kept only where the reversal cannot do without it: under loss.
    ctx.save_for_backward(output, None if settings[-1] is None else x, *settings)
    ctx.topology = topology


def _keep_matrices(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Save what the backward pass of matrices needs."""
    *settings, topology = inputs
    ctx.save_for_backward(output, *settings)
    ctx.topology = topology


def _differentiable() -> bool:
    """Whether gradients may be differentiated again, or mapped over.

    Traced programs have first derivatives only, as torch.compile has.
    """
    return not torch.compiler.is_compiling() and (torch.is_grad_enabled() or is_transformed())


def _gradients(
    y: Tensor | None, x: Tensor | None, grad_y: Tensor, settings: Sequence[Tensor | None], topology: Topology
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the light and of the settings by operations that torch can differentiate and map."""
    transposed = _transforms.matrices(settings, topology)
    if x is None:  # only without loss, where the matrix is unitary
        assert y is not None
        x = y @ transposed.mH
    grads = _transforms.gradients(_by_sample(x, grad_y), settings, topology)
    return (grad_y @ transposed.mH, *grads)


def _by_sample(x: Tensor, grad_y: Tensor) -> Tensor:
    """Return the gradient of the transposed matrix, the sum over the samples."""
    if x.ndim != 2:
        x, grad_y = x.reshape(-1, x.shape[-1]), grad_y.reshape(-1, x.shape[-1])
    return x.mH @ grad_y


def _matrix_gradients(
    transposed: Tensor, grad_transposed: Tensor, settings: list[Tensor | None], topology: Topology, need: list[bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the settings that are needed, from those of the matrices, wherever these are."""
    passed = _ops.to_cpu((transposed, grad_transposed, *settings))
    grads = _ops.matrices_adjoint(*passed, topology, any(need[3:]))
    return tuple(None if grad is None else _ops.on(grad, transposed.device) for grad in _needed(grads, need))


def _needed(grads: Sequence[Tensor | None], need: Sequence[bool]) -> tuple[Tensor | None, ...]:
    return tuple(grad if wanted else None for grad, wanted in zip(grads, need, strict=True))


def _of_code(keep: Any) -> Any:
    """Return `keep` for an operator, which is given the code of a topology in place of the topology."""
    return lambda ctx, inputs, output: keep(ctx, (*inputs[:-1], Topology.from_code(inputs[-1])), output)


# Where torch traces, it records the operators; these are what it differentiates.
torch.library.register_autograd(
    "retrolux::forward", Propagate.backward, setup_context=_of_code(_keep), lib=_ops.library
)
torch.library.register_autograd(
    "retrolux::matrices", Matrices.backward, setup_context=_of_code(_keep_matrices), lib=_ops.library
)
