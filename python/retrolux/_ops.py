"""The kernels as torch sees them: functions of plain tensors, operators where torch traces, fakes or wraps them.

Derivatives are the business of `retrolux._autograd` and `retrolux._transforms`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux._kernels import NotInOrderError, kernels
from retrolux._plain import Pass, is_plain
from retrolux.mesh import Topology
from retrolux.mesh.settings import FIELDS, OPTIONAL, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "adjoint",
    "flat",
    "forward",
    "library",
    "matrices",
    "matrices_adjoint",
    "on",
    "on_cpu",
    "reverse",
    "takes",
    "to_cpu",
]

# Arguments are those of the kernels in csrc/bindings: the mesh, its settings, what goes in. Operators take the settings
# one by one, as torch wants it, and a topology by its code, which programs that are saved hold.
library = torch.library.Library("retrolux", "DEF")
_MESH = ", ".join(["str topology", *(f"Tensor{'?' * field.optional} {name}" for name, field in FIELDS.items())])
_REQUIRED = OPTIONAL.index(True)  # so many settings, then the optional ones
_NONE = (None,) * len(FIELDS)
_GRADIENTS = ", ".join(["Tensor"] * len(FIELDS))
library.define(f"forward({_MESH}, Tensor x) -> Tensor")
library.define(f"reverse({_MESH}, Tensor grad_y) -> Tensor")
library.define(
    f"adjoint({_MESH}, Tensor y, Tensor grad_y, Tensor? x, bool input_gradient, bool optional_gradients)"
    f" -> (Tensor, {_GRADIENTS})"
)
library.define(f"matrices({_MESH}) -> Tensor")
library.define(
    f"matrices_adjoint({_MESH}, Tensor transposed, Tensor grad_transposed, bool optional_gradients) -> ({_GRADIENTS})"
)


def takes(topology: Topology, settings: Settings, x: Tensor) -> bool:
    """Whether the kernels take the settings of a mesh and light of shape (…, modes) as they are."""
    return is_plain(x) and kernels.takes_tensors(topology.layout, settings, x)


def to_cpu(settings: Iterable[Tensor | None]) -> Settings:
    """Return settings where the kernels are."""
    return Settings._make(map(on_cpu, settings))


def on_cpu(tensor: Tensor | None) -> Any:
    """Return a tensor where the kernels are; one without memory as it is, for the operators."""
    return tensor if tensor is None or tensor.is_cpu or tensor.is_meta else tensor.cpu()


def on(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device."""
    return tensor if tensor.device == device else tensor.to(device)


def _in_any_order(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return `kernel` for tensors of any memory: where it refuses them, it gets copies that lie in order."""

    @wraps(kernel)
    def call(topology: Topology, settings: Settings, *arguments: Any) -> Any:
        try:
            return kernel(topology, settings, *arguments)
        except NotInOrderError:
            settings, arguments = Settings._make(map(_in_order, settings)), tuple(map(_in_order, arguments))
        return kernel(topology, settings, *arguments)

    return call


def _in_order(argument: Any) -> Any:
    """Return a tensor whose memory holds its elements one after the other as they are; what is no tensor as it is."""
    return argument.resolve_conj().resolve_neg().contiguous() if isinstance(argument, Tensor) else argument


@_in_any_order
def _forward(topology: Topology, settings: Settings, x: Tensor) -> Tensor:
    y = torch.empty_like(x)
    kernels.forward(topology.layout, settings, x, y, torch.get_num_threads())
    return y


@_in_any_order
def _reverse(topology: Topology, settings: Settings, grad_y: Tensor) -> Tensor:
    grad_x = torch.empty_like(grad_y)
    kernels.reverse(topology.layout, settings, grad_y, grad_x, torch.get_num_threads())
    return grad_x


@_in_any_order
def _adjoint(
    topology: Topology,
    settings: Settings,
    y: Tensor,
    grad_y: Tensor,
    x: Tensor | None,
    input_gradient: bool,
    optional_gradients: bool,
) -> tuple[Tensor | None, ...]:
    grad_x = torch.empty_like(y) if input_gradient else None
    grads = _room_for_gradients(settings, optional_gradients)
    kernels.adjoint(topology.layout, settings, y, grad_y, x, grad_x, grads, torch.get_num_threads())
    return (grad_x, *grads)


@_in_any_order
def _matrices(topology: Topology, settings: Settings) -> Tensor:
    transposed = _room_for_matrices(settings)
    kernels.matrices(topology.layout, settings, transposed, torch.get_num_threads())
    return transposed


@_in_any_order
def _matrices_adjoint(
    topology: Topology, settings: Settings, transposed: Tensor, grad_transposed: Tensor, optional_gradients: bool
) -> tuple[Tensor | None, ...]:
    grads = _room_for_gradients(settings, optional_gradients)
    kernels.matrices_adjoint(topology.layout, settings, transposed, grad_transposed, grads, torch.get_num_threads())
    return grads


def _room_for_matrices(settings: Settings) -> Tensor:
    """Return an uninitialised matrix for each of the stacked meshes."""
    gamma: Tensor = settings.gamma
    return gamma.new_empty((*gamma.shape, gamma.shape[-1]), dtype=gamma.dtype.to_complex())


def _room_for_gradients(settings: Settings, optional_gradients: bool) -> tuple[Tensor | None, ...]:
    """Return uninitialised gradients of the settings that there are; None for the optional ones if not wanted."""
    wanted = settings if optional_gradients else settings[:_REQUIRED]
    room = [None if setting is None else torch.empty_like(setting) for setting in wanted]
    return (*room, *_NONE[len(room) :])


def _filled(kernel: Callable[..., tuple[Tensor | None, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """Return `kernel` with gradients as an operator has to return them: an empty tensor for each that is not wanted."""

    def call(*arguments: Any) -> tuple[Tensor, ...]:
        gradients = kernel(*arguments)
        like = next(gradient for gradient in gradients if gradient is not None)
        return tuple(like.new_empty((0,)) if gradient is None else gradient for gradient in gradients)

    return call


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


def _fake_linear(topology: Topology, settings: Settings, light: Tensor) -> Tensor:
    refuse_onnx()
    return light.new_empty(light.shape)


def _fake_adjoint(
    topology: Topology,
    settings: Settings,
    y: Tensor,
    grad_y: Tensor,
    x: Tensor | None,
    input_gradient: bool,
    optional_gradients: bool,
) -> tuple[Tensor | None, ...]:
    grad_x = y.new_empty(y.shape) if input_gradient else None
    return (grad_x, *_room_for_gradients(settings, optional_gradients))


def _fake_matrices(topology: Topology, settings: Settings) -> Tensor:
    refuse_onnx()
    return _room_for_matrices(settings)


def _fake_matrices_adjoint(
    topology: Topology, settings: Settings, transposed: Tensor, grad_transposed: Tensor, optional_gradients: bool
) -> tuple[Tensor | None, ...]:
    return _room_for_gradients(settings, optional_gradients)


def flat(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return `kernel` as an operator is called."""
    count = len(FIELDS)
    return lambda code, *rest: kernel(Topology.from_code(code), Settings._make(rest[:count]), *rest[count:])


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _code(topology: Topology) -> str:
    return topology.code


def _recorded(operator: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of `operator` as the kernels are called."""
    return lambda topology, settings, *arguments: operator(_code(topology), *settings, *arguments)


def _pass(
    name: str,
    kernel: Callable[..., Any],
    fake: Callable[..., Any],
    deciding: int,
    filled: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda kernel: kernel,
) -> Pass:
    """Register the operator `name`, and return what calls it or its kernel."""
    library.impl(name, flat(filled(kernel)), "CPU")
    torch.library.register_fake(f"retrolux::{name}", flat(filled(fake)), lib=library)
    return Pass(_recorded(getattr(torch.ops.retrolux, name).default), kernel, deciding)


forward = _pass("forward", _forward, _fake_linear, 2)
reverse = _pass("reverse", _reverse, _fake_linear, 2)
adjoint = _pass("adjoint", _adjoint, _fake_adjoint, 3, _filled)
matrices = _pass("matrices", _matrices, _fake_matrices, 1)  # settings are no tensor, so that it is the operator
matrices_adjoint = _pass("matrices_adjoint", _matrices_adjoint, _fake_matrices_adjoint, 3, _filled)
