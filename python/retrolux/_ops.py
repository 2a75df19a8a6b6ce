"""The kernels as torch operators: CPU and fake tensors, no autograd (that is functional.py's)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux._kernels import address_kernels
from retrolux.mesh import Topology

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["adjoint", "forward", "matrices", "matrices_adjoint", "reverse"]

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

_PLAIN = (Tensor, torch.nn.Parameter)
# Relative error in the recovered input above which an adjoint pass through unequal losses is refused.
_RECOVERY_TOLERANCE = {torch.complex64: 1e-3, torch.complex128: 1e-9}


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor whose memory holds its elements in C order: itself, or a copy of a conjugate or strided view."""
    if tensor.is_contiguous() and not tensor.is_conj() and not tensor.is_neg():
        return tensor
    return tensor.resolve_conj().resolve_neg().contiguous()


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


class _Settings:
    """The settings of a mesh as the kernels take them; keeps their tensors alive."""

    def __init__(self, *settings: Tensor | None) -> None:
        self.tensors = [None if setting is None else _plain(setting) for setting in settings]
        self.addresses = [_address(tensor) for tensor in self.tensors]


def _linear(backward: bool, light: Tensor, settings: tuple[Tensor | None, ...], topology: str) -> Tensor:
    """Return what a mesh makes of light of shape (…, modes)."""
    layout = Topology.from_key(topology).layout
    passed, plain = _Settings(*settings), _plain(light)
    result = torch.empty_like(plain)
    address_kernels.linear(
        backward,
        light.dtype == torch.complex128,
        layout,
        plain.data_ptr(),
        plain.numel() // layout.modes,
        *passed.addresses,
        result.data_ptr(),
        torch.get_num_threads(),
    )
    return result


def _forward(
    x: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
) -> Tensor:
    return _linear(False, x, (theta, phi, gamma, coupler_error, loss_db), topology)


def _reverse(
    grad_y: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
) -> Tensor:
    return _linear(True, grad_y, (theta, phi, gamma, coupler_error, loss_db), topology)


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
    layout = Topology.from_key(topology).layout
    settings = _Settings(theta, phi, gamma, coupler_error, loss_db)
    light, gradient = _plain(y), _plain(grad_y)
    recovered = None if x is None else torch.empty_like(light)
    grad_x = torch.empty_like(light) if input_gradient else None
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    address_kernels.adjoint(
        y.dtype == torch.complex128,
        layout,
        light.data_ptr(),
        light.numel() // layout.modes,
        gradient.data_ptr(),
        *settings.addresses,
        _address(recovered),
        _address(grad_x),
        *map(_address, grads),
        torch.get_num_threads(),
    )
    if x is not None and recovered is not None:
        _require_recovered(recovered, x)
    return (grad_x, *grads)


def _matrices(
    theta: Tensor, phi: Tensor, gamma: Tensor, coupler_error: Tensor | None, loss_db: Tensor | None, topology: str
) -> Tensor:
    settings = _Settings(theta, phi, gamma, coupler_error, loss_db)
    result = _room_for_matrices(theta, gamma)
    address_kernels.matrices(
        theta.dtype == torch.float64,
        Topology.from_key(topology).layout,
        _stack(theta),
        *settings.addresses,
        result.data_ptr(),
        torch.get_num_threads(),
    )
    return result


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
    settings = _Settings(theta, phi, gamma, coupler_error, loss_db)
    light, gradient = _plain(transposed), _plain(grad_transposed)
    recovered = None if loss_db is None else torch.empty_like(light)
    grads = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    address_kernels.matrices_adjoint(
        theta.dtype == torch.float64,
        Topology.from_key(topology).layout,
        _stack(theta),
        light.data_ptr(),
        gradient.data_ptr(),
        *settings.addresses,
        _address(recovered),
        *map(_address, grads),
        torch.get_num_threads(),
    )
    if recovered is not None:
        _require_recovered(recovered, torch.eye(gamma.shape[-1], dtype=recovered.dtype))
    return grads


def _stack(theta: Tensor) -> int:
    """Return how many meshes are stacked, -1 for the settings of one."""
    return -1 if theta.ndim == 1 else len(theta)


def _room_for_matrices(theta: Tensor, gamma: Tensor) -> Tensor:
    """Return an uninitialised matrix for each of the stacked meshes."""
    return theta.new_empty((*gamma.shape, gamma.shape[-1]), dtype=theta.dtype.to_complex())


def _room_for_setting_gradients(
    theta: Tensor, phi: Tensor, gamma: Tensor, error_gradients: bool
) -> tuple[Tensor | None, ...]:
    """Return uninitialised gradients of theta, phi, gamma, coupler_error and loss_db; None where not wanted."""
    return (
        *(torch.empty_like(setting, memory_format=torch.contiguous_format) for setting in (theta, phi, gamma)),
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


def _require_fit(light: tuple[Tensor, ...], settings: tuple[Tensor | None, ...], topology: str) -> None:
    """Refuse tensors that do not belong together, before addresses are taken; `functional` says it more kindly."""
    known = Topology.from_key(topology)
    theta, gamma = settings[0], settings[2]
    assert theta is not None
    assert gamma is not None
    stack, real = theta.shape[:-1], theta.dtype
    shapes = ((known.mzis,), (known.mzis,), (known.modes,), (known.mzis, 2), (known.mzis, 4))
    fit = len(stack) <= 1 and real in (torch.float32, torch.float64)
    for setting, shape in zip(settings, shapes, strict=True):
        fit &= setting is None or (setting.shape == (*stack, *shape) and setting.dtype == real)
    for tensor in light:
        fit &= (
            tensor.shape[-1:] == (known.modes,) and tensor.shape == light[0].shape and tensor.dtype == real.to_complex()
        )
    if not fit:
        shown = [None if tensor is None else (tuple(tensor.shape), tensor.dtype) for tensor in (*light, *settings)]
        raise ValueError(f"light and settings must fit {known} in one precision, got {shown}")


def _checked_linear(run: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def operator(light: Tensor, *arguments: Any) -> Tensor:
        _require_fit((light,), arguments[:5], arguments[5])
        return run(light, *arguments)

    return operator


def _checked_adjoint(y: Tensor, grad_y: Tensor, x: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    _require_fit((y, grad_y) if x is None else (y, grad_y, x), arguments[:5], arguments[5])
    return _filled(_adjoint(y, grad_y, x, *arguments))


def _checked_matrices(*arguments: Any) -> Tensor:
    _require_fit((), arguments[:5], arguments[5])
    return _matrices(*arguments)


def _checked_matrices_adjoint(transposed: Tensor, grad_transposed: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    _require_fit((transposed, grad_transposed), arguments[:5], arguments[5])
    if transposed.shape != (*arguments[2].shape, arguments[2].shape[-1]):
        raise ValueError(f"transposed must be a matrix for each gamma, got shape {tuple(transposed.shape)}")
    return _filled(_matrices_adjoint(transposed, grad_transposed, *arguments))


def _fake_linear(light: Tensor, *settings: object) -> Tensor:
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


_library.impl("forward", _checked_linear(_forward), "CPU")
_library.impl("reverse", _checked_linear(_reverse), "CPU")
_library.impl("adjoint", _checked_adjoint, "CPU")
_library.impl("matrices", _checked_matrices, "CPU")
_library.impl("matrices_adjoint", _checked_matrices_adjoint, "CPU")
torch.library.register_fake("retrolux::forward", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::reverse", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::adjoint", _fake_adjoint, lib=_library)
torch.library.register_fake("retrolux::matrices", _fake_matrices, lib=_library)
torch.library.register_fake("retrolux::matrices_adjoint", _fake_matrices_adjoint, lib=_library)


def _direct(operator: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of `kernel` that goes through `operator` where torch traces, fakes or wraps tensors.

    Plain tensors need no dispatcher, which takes 5 to 30 µs: as long as a small batch's whole pass. `functional` has
    checked them.
    """

    def call(light: Tensor, *arguments: object) -> Any:
        if torch.compiler.is_compiling() or type(light) not in _PLAIN:
            return operator(light, *arguments)
        return kernel(light, *arguments)

    return call


forward = _direct(torch.ops.retrolux.forward.default, _forward)
reverse = _direct(torch.ops.retrolux.reverse.default, _reverse)
adjoint = _direct(torch.ops.retrolux.adjoint.default, _adjoint)
matrices = _direct(torch.ops.retrolux.matrices.default, _matrices)
matrices_adjoint = _direct(torch.ops.retrolux.matrices_adjoint.default, _matrices_adjoint)
