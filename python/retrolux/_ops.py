"""The kernels as torch sees them: functions of plain tensors, operators where torch traces, fakes or wraps them.

Derivatives are the business of `retrolux._autograd` and `retrolux._transforms`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from retrolux._kernels import TensorKernels, kernels
from retrolux._plain import Pass, is_plain
from retrolux.mesh import Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "adjoint",
    "fit",
    "forward",
    "library",
    "matrices",
    "matrices_adjoint",
    "on",
    "reverse",
    "to_cpu",
]

library = torch.library.Library("retrolux", "DEF")
_SETTINGS = "Tensor theta, Tensor phi, Tensor gamma, Tensor? coupler_error, Tensor? loss_db, str topology"
library.define(f"forward(Tensor x, {_SETTINGS}) -> Tensor")
library.define(f"reverse(Tensor grad_y, {_SETTINGS}) -> Tensor")
library.define(
    f"adjoint(Tensor y, Tensor grad_y, Tensor? x, {_SETTINGS}, bool input_gradient, bool error_gradients)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)

library.define(f"matrices({_SETTINGS}) -> Tensor")
library.define(
    f"matrices_adjoint(Tensor transposed, Tensor grad_transposed, {_SETTINGS}, bool error_gradients)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)

_kernels = TensorKernels(kernels.isa, torch.Tensor.__dlpack_c_exchange_api__)
# theta, phi, gamma, coupler_error, loss_db.
_Settings: TypeAlias = "tuple[Tensor | None, ...]"


def fit(x: Tensor, settings: _Settings, topology: Topology) -> bool:
    """Whether the kernels take light of shape (…, modes) and the settings of a mesh as they are."""
    return is_plain(x) and _kernels.fit(topology.layout, x, settings)


def to_cpu(tensors: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """Return tensors where the kernels are; those without memory as they are, for the operators."""
    return tuple(tensor if tensor is None or tensor.is_cpu or tensor.is_meta else tensor.cpu() for tensor in tensors)


def on(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device."""
    return tensor if tensor.device == device else tensor.to(device)


def _misfit(topology: Topology, light: tuple[Tensor | None, ...], settings: _Settings) -> ValueError:
    shown = [None if tensor is None else (tuple(tensor.shape), tensor.dtype) for tensor in (*light, *settings)]
    return ValueError(f"light and settings must fit {topology} in one precision on the CPU, got {shown}")


def _made_plain(
    topology: Topology, light: tuple[Tensor | None, ...], settings: _Settings
) -> tuple[tuple[Any, ...], tuple[Any, Any, Any, Any, Any]]:
    """Return light and settings that the kernels did not take as they are in memory that holds their elements in order.

    Raises
    ------
    ValueError
        When that changes none of them, so that they do not fit.
    """
    given = *light, *settings
    if all(tensor is None or _in_order(tensor) for tensor in given):
        raise _misfit(topology, light, settings)
    plain = tuple(tensor if tensor is None else tensor.resolve_conj().resolve_neg().contiguous() for tensor in given)
    *plain_light, theta, phi, gamma, coupler_error, loss_db = plain
    return tuple(plain_light), (theta, phi, gamma, coupler_error, loss_db)


def _in_order(tensor: Tensor) -> bool:
    """Whether memory holds the elements of a tensor as they are, one after the other."""
    return tensor.is_contiguous() and not (tensor.is_conj() or tensor.is_neg())


def _linear(
    backward: bool,
    light: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: Topology,
) -> Tensor:
    """Return what a mesh makes of light of shape (…, modes)."""
    settings = theta, phi, gamma, coupler_error, loss_db
    result = torch.empty_like(light)
    layout = topology.layout
    if _kernels.linear(backward, layout, light, settings, result, torch.get_num_threads()):
        return result
    (light,), plain = _made_plain(topology, (light,), settings)
    return _linear(backward, light, *plain, topology)


_forward, _reverse = partial(_linear, False), partial(_linear, True)


def _adjoint(
    y: Tensor,
    grad_y: Tensor,
    x: Tensor | None,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: Topology,
    input_gradient: bool,
    error_gradients: bool,
) -> tuple[Tensor | None, ...]:
    settings = theta, phi, gamma, coupler_error, loss_db
    grad_x = torch.empty_like(y) if input_gradient else None
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    if not _kernels.adjoint(topology.layout, y, grad_y, settings, x, grad_x, grads, torch.get_num_threads()):
        (y, grad_y, x), plain = _made_plain(topology, (y, grad_y, x), settings)
        return _adjoint(y, grad_y, x, *plain, topology, input_gradient, error_gradients)
    return (grad_x, *grads)


def _matrices(
    theta: Tensor, phi: Tensor, gamma: Tensor, coupler_error: Tensor | None, loss_db: Tensor | None, topology: Topology
) -> Tensor:
    settings = theta, phi, gamma, coupler_error, loss_db
    result = _room_for_matrices(theta, gamma)
    if _kernels.matrices(topology.layout, settings, result, torch.get_num_threads()):
        return result
    _, plain = _made_plain(topology, (), settings)
    return _matrices(*plain, topology)


def _matrices_adjoint(
    transposed: Tensor,
    grad_transposed: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: Topology,
    error_gradients: bool,
) -> tuple[Tensor | None, ...]:
    settings = theta, phi, gamma, coupler_error, loss_db
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    layout, threads = topology.layout, torch.get_num_threads()
    if not _kernels.matrices_adjoint(layout, transposed, grad_transposed, settings, grads, threads):
        (transposed, grad_transposed), plain = _made_plain(topology, (transposed, grad_transposed), settings)
        return _matrices_adjoint(transposed, grad_transposed, *plain, topology, error_gradients)
    return grads


def _room_for_matrices(theta: Tensor, gamma: Tensor) -> Tensor:
    """Return an uninitialised matrix for each of the stacked meshes."""
    return theta.new_empty((*gamma.shape, gamma.shape[-1]), dtype=theta.dtype.to_complex())


def _room_for_setting_gradients(
    theta: Tensor, phi: Tensor, gamma: Tensor, error_gradients: bool
) -> tuple[Tensor | None, ...]:
    """Return uninitialised gradients of theta, phi, gamma, coupler_error and loss_db; None where not wanted."""
    return (
        torch.empty_like(theta, memory_format=torch.contiguous_format),
        torch.empty_like(phi, memory_format=torch.contiguous_format),
        torch.empty_like(gamma, memory_format=torch.contiguous_format),
        theta.new_empty((*theta.shape, 2)) if error_gradients else None,
        theta.new_empty((*theta.shape, 4)) if error_gradients else None,
    )


def _filled(gradients: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
    """Return gradients as an operator has to, with an empty tensor for each that is not wanted."""
    like = next(gradient for gradient in gradients if gradient is not None)
    return tuple(like.new_empty((0,)) if gradient is None else gradient for gradient in gradients)


def _filled_adjoint(y: Tensor, grad_y: Tensor, x: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    # Kernels count samples; that these are the same ones, `functional` sees to.
    light = (y, grad_y) if x is None else (y, grad_y, x)
    if any((tensor.shape, tensor.dtype) != (y.shape, y.dtype) for tensor in light):
        raise _misfit(arguments[5], light, arguments[:5])
    return _filled(_adjoint(y, grad_y, x, *arguments))


def _filled_matrices_adjoint(*arguments: Any) -> tuple[Tensor, ...]:
    return _filled(_matrices_adjoint(*arguments))


def refuse_onnx() -> None:
    """Refuse to be exported to ONNX; asked where torch traces or fakes alone.

    Raises
    ------
    RuntimeError
        In an export.
    """
    if torch.onnx.is_in_onnx_export():
        raise RuntimeError(
            "ONNX has no operators for meshes; export retrolux.convert_back(model), which has digital layers of the "
            "same function in the place of Linear, Conv1d and Conv2d"
        )


def _fake_linear(light: Tensor, *settings: object) -> Tensor:
    refuse_onnx()
    return light.new_empty(light.shape)


def _fake_adjoint(
    y: Tensor,
    grad_y: Tensor,
    x: Tensor | None,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
    input_gradient: bool,
    error_gradients: bool,
) -> tuple[Tensor, ...]:
    grad_x = y.new_empty(y.shape) if input_gradient else None
    return _filled((grad_x, *_room_for_setting_gradients(theta, phi, gamma, error_gradients)))


def _fake_matrices(theta: Tensor, phi: Tensor, gamma: Tensor, *others: object) -> Tensor:
    refuse_onnx()
    return _room_for_matrices(theta, gamma)


def _fake_matrices_adjoint(
    transposed: Tensor,
    grad_transposed: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
    error_gradients: bool,
) -> tuple[Tensor, ...]:
    return _filled(_room_for_setting_gradients(theta, phi, gamma, error_gradients))


def _by_code(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return `kernel` as an operator is called: with the code of a topology in place of the topology."""
    return lambda *arguments: kernel(*(Topology.from_code(a) if isinstance(a, str) else a for a in arguments))


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _code(topology: Topology) -> str:
    return topology.code


def _recorded(operator: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of `operator` as the kernels are called: with a topology in place of its code."""
    return lambda *arguments: operator(*(_code(a) if isinstance(a, Topology) else a for a in arguments))


def _pass(
    name: str, kernel: Callable[..., Any], operator_kernel: Callable[..., Any], fake: Callable[..., Any], deciding: int
) -> Pass:
    """Register the operator `name`, and return what calls it or its kernel."""
    library.impl(name, _by_code(operator_kernel), "CPU")
    torch.library.register_fake(f"retrolux::{name}", fake, lib=library)
    return Pass(_recorded(getattr(torch.ops.retrolux, name).default), kernel, deciding)


forward = _pass("forward", _forward, _forward, _fake_linear, 0)
reverse = _pass("reverse", _reverse, _reverse, _fake_linear, 0)
adjoint = _pass("adjoint", _adjoint, _filled_adjoint, _fake_adjoint, 1)
matrices = _pass("matrices", _matrices, _matrices, _fake_matrices, 0)
matrices_adjoint = _pass("matrices_adjoint", _matrices_adjoint, _filled_matrices_adjoint, _fake_matrices_adjoint, 1)
