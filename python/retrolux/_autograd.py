"""First derivatives of light through a mesh: by the kernels, on plain tensors and in traced programs.

Where a derivative is asked for that is to be differentiated again, it comes from `retrolux._transforms`.
"""

from __future__ import annotations

from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux import _ops, _transforms
from retrolux._plain import is_transformed
from retrolux.mesh import Topology
from retrolux.mesh.settings import FIELDS, OPTIONAL, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ByMatrix", "Matrices", "Propagate"]


class Propagate(torch.autograd.Function):
    """The mesh route: forward pass of light, reversible adjoint backwards.

    The inputs are the topology, the settings one by one, and the light; those of `Matrices` have no light.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        topology, *tensors, x = inputs
        settings = Settings._make(tensors)
        y: Tensor = _ops.forward.kernel(topology, settings, x)
        _keep(ctx, topology, settings, x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        y, x, *tensors = ctx.saved_tensors
        settings = Settings._make(tensors)
        _, *need_settings, need_x = ctx.needs_input_grad
        if _differentiable():
            return _gradients(ctx.topology, settings, y, grad_y, x)
        if not any(need_settings):
            return (*_NO_GRADIENTS, _ops.reverse(ctx.topology, settings, grad_y))
        grad_x, *grads = _ops.adjoint(ctx.topology, settings, y, grad_y, x, need_x, _needs_optional(need_settings))
        return (None, *_needed(grads, need_settings), grad_x if need_x else None)


class Matrices(torch.autograd.Function):
    """The transposed matrices of a stack of meshes."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        topology, *tensors = inputs
        settings = Settings._make(tensors)
        transposed = _ops.on(_ops.matrices.kernel(topology, _ops.to_cpu(settings)), settings.theta.device)
        _keep_matrices(ctx, topology, settings, transposed)
        return transposed

    @staticmethod
    def backward(ctx: Any, grad_transposed: Tensor) -> tuple[Tensor | None, ...]:
        transposed, *tensors = ctx.saved_tensors
        settings = Settings._make(tensors)
        _, *need = ctx.needs_input_grad
        if _differentiable():
            return (None, *_transforms.gradients(ctx.topology, settings, grad_transposed))
        return (None, *_matrix_gradients(ctx.topology, settings, transposed, grad_transposed, need))


class ByMatrix(torch.autograd.Function):
    """The matrix route: the mesh sees the N modes, the batch sees a dense matrix, on whatever device it is."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        ctx.topology, *settings, x = inputs
        transposed = _ops.on(_ops.matrices.kernel(ctx.topology, _ops.to_cpu(settings)), x.device)
        ctx.save_for_backward(x, transposed, *settings)
        return x @ transposed  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, transposed, *tensors = ctx.saved_tensors
        settings = Settings._make(tensors)
        if _differentiable():
            return _gradients(ctx.topology, settings, None, grad_y, x)
        _, *need_settings, need_x = ctx.needs_input_grad
        grad_x = grad_y @ transposed.mH if need_x else None
        if not any(need_settings):
            return (*_NO_GRADIENTS, grad_x)
        grads = _matrix_gradients(ctx.topology, settings, transposed, _by_sample(x, grad_y), need_settings)
        return (None, *grads, grad_x)


_NO_GRADIENTS = (None,) * (1 + len(FIELDS))  # of the topology and of the settings


def _keep(ctx: Any, topology: Topology, settings: Settings, x: Tensor, output: Tensor) -> None:
    """Save what the backward pass of light needs."""
    ctx.topology = topology
    # The input is kept only where the reversal cannot do without it: under loss.
    ctx.save_for_backward(output, None if settings.loss_db is None else x, *settings)


def _keep_matrices(ctx: Any, topology: Topology, settings: Settings, output: Tensor) -> None:
    """Save what the backward pass of matrices needs."""
    ctx.topology = topology
    ctx.save_for_backward(output, *settings)


def _differentiable() -> bool:
    """Whether gradients may be differentiated again, or mapped over.

    Traced programs have first derivatives only, as torch.compile has.
    """
    return not torch.compiler.is_compiling() and (torch.is_grad_enabled() or is_transformed())


def _gradients(
    topology: Topology, settings: Settings, y: Tensor | None, grad_y: Tensor, x: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Return all gradients of `Propagate` by operations that torch can differentiate and map."""
    transposed = _transforms.matrices(topology, settings)
    if x is None:  # only without loss, where the matrix is unitary
        assert y is not None
        x = y @ transposed.mH
    grads = _transforms.gradients(topology, settings, _by_sample(x, grad_y))
    return (None, *grads, grad_y @ transposed.mH)


def _by_sample(x: Tensor, grad_y: Tensor) -> Tensor:
    """Return the gradient of the transposed matrix, the sum over the samples."""
    if x.ndim != 2:
        x, grad_y = x.reshape(-1, x.shape[-1]), grad_y.reshape(-1, x.shape[-1])
    return x.mH @ grad_y


def _matrix_gradients(
    topology: Topology, settings: Settings, transposed: Tensor, grad_transposed: Tensor, need: list[bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the settings that are needed, from those of the matrices, wherever these are."""
    on_cpu = _ops.to_cpu(settings), _ops.on_cpu(transposed), _ops.on_cpu(grad_transposed)
    grads = _ops.matrices_adjoint(topology, *on_cpu, _needs_optional(need))
    return tuple(None if grad is None else _ops.on(grad, transposed.device) for grad in _needed(grads, need))


def _needed(grads: Sequence[Tensor | None], need: Sequence[bool]) -> tuple[Tensor | None, ...]:
    return tuple([grad if wanted else None for grad, wanted in zip(grads, need, strict=True)])


def _needs_optional(need: Sequence[bool]) -> bool:
    """Whether the gradient of an optional setting is needed."""
    return any(compress(need, OPTIONAL))


def _of_operator(keep: Callable[..., None]) -> Callable[..., None]:
    """Return `keep` as torch calls it for an operator."""
    return lambda ctx, inputs, output: _ops.flat(partial(keep, ctx))(*inputs, output)


# Where torch traces, it records the operators; these are what it differentiates.
torch.library.register_autograd(
    "retrolux::forward", Propagate.backward, setup_context=_of_operator(_keep), lib=_ops.library
)
torch.library.register_autograd(
    "retrolux::matrices", Matrices.backward, setup_context=_of_operator(_keep_matrices), lib=_ops.library
)
