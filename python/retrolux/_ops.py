"""The kernels as torch operators: CPU and fake tensors, no autograd (that is functional.py's)."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor

from retrolux._kernels import TensorKernels, kernels
from retrolux.mesh import Topology

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["adjoint", "apply", "direct", "fit", "forward", "is_plain", "matrices", "matrices_adjoint", "reverse"]

_library = torch.library.Library("retrolux", "DEF")
_SETTINGS = "Tensor theta, Tensor phi, Tensor gamma, Tensor? coupler_error, Tensor? loss_db, str topology"
_library.define(f"forward(Tensor x, {_SETTINGS}) -> Tensor")
_library.define(f"reverse(Tensor grad_y, {_SETTINGS}) -> Tensor")
_library.define(
    f"adjoint(Tensor y, Tensor grad_y, Tensor? x, {_SETTINGS}, bool input_gradient, bool error_gradients)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)

_library.define(f"matrices({_SETTINGS}) -> Tensor")
_library.define(
    f"matrices_adjoint(Tensor transposed, Tensor grad_transposed, {_SETTINGS}, bool error_gradients)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)

_kernels = TensorKernels(kernels.isa, torch.Tensor.__dlpack_c_exchange_api__)
# theta, phi, gamma, coupler_error, loss_db.
_Settings: TypeAlias = "tuple[Tensor | None, ...]"
_PLAIN = (Tensor, torch.nn.Parameter)
# Relative error in the recovered input above which an adjoint pass through unequal losses is refused.
_RECOVERY_TOLERANCE = {torch.complex64: 1e-3, torch.complex128: 1e-9}


def apply(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """Apply a Function; to plain tensors without torch's look-ups for those that are not.

    These take 5 µs where its `forward` has the context, and 80 µs where it has a `setup_context`.
    """
    if is_plain(arguments[0]):
        return super(torch.autograd.Function, function).apply(*arguments)  # type: ignore[misc]
    return function.apply(*arguments)


def fit(x: Tensor, settings: _Settings, topology: Topology) -> bool:
    """Whether the kernels take light of shape (…, modes) and the settings of a mesh as they are."""
    return is_plain(x) and _kernels.fit(topology.layout, x, settings)


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is one that torch neither traces nor fakes nor wraps."""
    return not (
        torch.compiler.is_compiling() or type(tensor) not in _PLAIN or torch._C._are_functorch_transforms_active()
    )


def _misfit(topology: str, light: tuple[Tensor, ...], settings: _Settings) -> ValueError:
    shown = [None if tensor is None else (tuple(tensor.shape), tensor.dtype) for tensor in (*light, *settings)]
    known = Topology.from_key(topology)
    return ValueError(f"light and settings must fit {known} in one precision on the CPU, got {shown}")


def _made_plain(
    topology: str, light: tuple[Tensor, ...], settings: _Settings
) -> tuple[tuple[Any, ...], tuple[Any, Any, Any, Any, Any]]:
    """Return light and settings that the kernels did not take as they are in memory that holds their elements in order.

    Raises
    ------
    ValueError
        When that changes none of them, so that they do not fit.
    """
    given = *light, *settings
    # Copies of conjugate and strided views; whatever else is returned as it is.
    plain = tuple(tensor if tensor is None else tensor.resolve_conj().resolve_neg().contiguous() for tensor in given)
    if all(after is before for after, before in zip(plain, given, strict=True)):
        raise _misfit(topology, light, settings)
    *plain_light, theta, phi, gamma, coupler_error, loss_db = plain
    return tuple(plain_light), (theta, phi, gamma, coupler_error, loss_db)


def _linear(
    backward: bool,
    light: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
) -> Tensor:
    """Return what a mesh makes of light of shape (…, modes)."""
    settings = theta, phi, gamma, coupler_error, loss_db
    result = torch.empty_like(light)
    layout = Topology.from_key(topology).layout
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
    topology: str,
    input_gradient: bool,
    error_gradients: bool,
) -> tuple[Tensor | None, ...]:
    settings = theta, phi, gamma, coupler_error, loss_db
    recovered = None if x is None else torch.empty_like(y)
    grad_x = torch.empty_like(y) if input_gradient else None
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    layout = Topology.from_key(topology).layout
    if not _kernels.adjoint(layout, y, grad_y, settings, recovered, grad_x, grads, torch.get_num_threads()):
        (y, grad_y), plain = _made_plain(topology, (y, grad_y), settings)
        return _adjoint(y, grad_y, x, *plain, topology, input_gradient, error_gradients)
    if x is not None:
        _require_recovered(cast("Tensor", recovered), x)
    return (grad_x, *grads)


def _matrices(
    theta: Tensor, phi: Tensor, gamma: Tensor, coupler_error: Tensor | None, loss_db: Tensor | None, topology: str
) -> Tensor:
    settings = theta, phi, gamma, coupler_error, loss_db
    result = _room_for_matrices(theta, gamma)
    if _kernels.matrices(Topology.from_key(topology).layout, settings, result, torch.get_num_threads()):
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
    topology: str,
    error_gradients: bool,
) -> tuple[Tensor | None, ...]:
    settings = theta, phi, gamma, coupler_error, loss_db
    recovered = None if loss_db is None else torch.empty_like(transposed)
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    layout, threads = Topology.from_key(topology).layout, torch.get_num_threads()
    if not _kernels.matrices_adjoint(layout, transposed, grad_transposed, settings, recovered, grads, threads):
        (transposed, grad_transposed), plain = _made_plain(topology, (transposed, grad_transposed), settings)
        return _matrices_adjoint(transposed, grad_transposed, *plain, topology, error_gradients)
    if recovered is not None:
        _require_recovered(recovered, torch.eye(gamma.shape[-1], dtype=recovered.dtype))
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


def _require_recovered(recovered: Tensor, x: Tensor) -> None:
    """Refuse gradients when unequal losses have drowned light that the reversal needs in rounding errors."""
    if not x.numel():
        return
    scale = float(x.abs().max())
    error = float((recovered - x).abs().max())
    tolerance = _RECOVERY_TOLERANCE[x.dtype]
    if math.isfinite(scale) and not error <= tolerance * scale:
        raise RuntimeError(
            "light cannot be traced back through losses this unequal: the input is recovered with a relative error "
            f"of {error / scale:.1e} in {str(x.dtype).removeprefix('torch.')}, more than {tolerance:g}; "
            "use complex128 or smaller loss_db"
        )


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


_library.impl("forward", _forward, "CPU")
_library.impl("reverse", _reverse, "CPU")
_library.impl("adjoint", _filled_adjoint, "CPU")
_library.impl("matrices", _matrices, "CPU")
_library.impl("matrices_adjoint", _filled_matrices_adjoint, "CPU")
torch.library.register_fake("retrolux::forward", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::reverse", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::adjoint", _fake_adjoint, lib=_library)
torch.library.register_fake("retrolux::matrices", _fake_matrices, lib=_library)
torch.library.register_fake("retrolux::matrices_adjoint", _fake_matrices_adjoint, lib=_library)


def direct(operator: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of `kernel` that goes through `operator` where torch traces, fakes or wraps tensors.

    Plain tensors need no dispatcher, which takes 5 to 30 µs: as long as a small batch's whole pass. The caller has
    checked them.
    """

    def call(light: Tensor, *arguments: object) -> Any:
        return (kernel if is_plain(light) else operator)(light, *arguments)

    return call


forward = direct(torch.ops.retrolux.forward.default, _forward)
reverse = direct(torch.ops.retrolux.reverse.default, _reverse)
adjoint = direct(torch.ops.retrolux.adjoint.default, _adjoint)
matrices = direct(torch.ops.retrolux.matrices.default, _matrices)
matrices_adjoint = direct(torch.ops.retrolux.matrices_adjoint.default, _matrices_adjoint)
