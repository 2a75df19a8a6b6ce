"""The kernels as torch operators: CPU and fake tensors, no autograd (that is functional.py's)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from retrolux._kernels import kernels
from retrolux.mesh import Topology

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

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

# Relative error in the recovered input above which an adjoint pass through unequal losses is refused.
_RECOVERY_TOLERANCE = {"complex64": 1e-3, "complex128": 1e-9}


def _array(tensor: Tensor) -> NDArray[Any]:
    """Return a C-ordered NumPy view of a tensor; a copy where it is a conjugate, negated or strided view."""
    return np.ascontiguousarray(tensor.numpy(force=True))


def _arrays(
    theta: Tensor, phi: Tensor, gamma: Tensor, coupler_error: Tensor | None, loss_db: Tensor | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
    return (
        _array(theta),
        _array(phi),
        _array(gamma),
        None if coupler_error is None else _array(coupler_error),
        None if loss_db is None else _array(loss_db),
    )


def _rows(light: Tensor, modes: int) -> NDArray[Any]:
    """Return light of shape (…, modes) as plain rows of shape (batch, modes)."""
    return _array(light).reshape(-1, modes)


def _linear(
    run: Callable[..., None], light: Tensor, settings: tuple[NDArray[Any] | None, ...], topology: str
) -> Tensor:
    """Return what one of the kernels makes of light of shape (…, modes)."""
    layout = Topology.from_key(topology).layout
    result = torch.empty(light.shape, dtype=light.dtype)
    run(layout, _rows(light, layout.modes), *settings, _rows(result, layout.modes), torch.get_num_threads())
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
    return _linear(kernels.forward, x, _arrays(theta, phi, gamma, coupler_error, loss_db), topology)


def _reverse(
    grad_y: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: str,
) -> Tensor:
    return _linear(kernels.reverse, grad_y, _arrays(theta, phi, gamma, coupler_error, loss_db), topology)


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
) -> tuple[Tensor, ...]:
    layout = Topology.from_key(topology).layout
    settings = _arrays(theta, phi, gamma, coupler_error, loss_db)
    light = _rows(y, layout.modes)
    recovered = None if x is None else np.empty_like(light)
    gradients = _room_for_gradients(y, theta, phi, gamma, input_gradient, error_gradients)
    grad_x, grad_theta, grad_phi, grad_gamma, grad_coupler_error, grad_loss_db = gradients
    kernels.adjoint(
        layout,
        light,
        _rows(grad_y, layout.modes),
        *settings,
        recovered,
        _rows(grad_x, layout.modes) if input_gradient else None,
        grad_theta.numpy(),
        grad_phi.numpy(),
        grad_gamma.numpy(),
        grad_coupler_error.numpy() if error_gradients else None,
        grad_loss_db.numpy() if error_gradients else None,
        torch.get_num_threads(),
    )
    if x is not None and recovered is not None:
        _require_recovered(recovered, _rows(x, layout.modes))
    return gradients


def _matrices(
    theta: Tensor, phi: Tensor, gamma: Tensor, coupler_error: Tensor | None, loss_db: Tensor | None, topology: str
) -> Tensor:
    layout = Topology.from_key(topology).layout
    settings = _arrays(theta, phi, gamma, coupler_error, loss_db)
    result = _room_for_matrices(theta, gamma)
    kernels.matrices(layout, *settings, result.numpy(), torch.get_num_threads())
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
) -> tuple[Tensor, ...]:
    layout = Topology.from_key(topology).layout
    settings = _arrays(theta, phi, gamma, coupler_error, loss_db)
    gradients = _room_for_setting_gradients(theta, phi, gamma, error_gradients)
    grad_theta, grad_phi, grad_gamma, grad_coupler_error, grad_loss_db = gradients
    recovered = None if loss_db is None else np.empty(transposed.shape, _array(transposed).dtype)
    kernels.matrices_adjoint(
        layout,
        _array(transposed),
        _array(grad_transposed),
        *settings,
        recovered,
        grad_theta.numpy(),
        grad_phi.numpy(),
        grad_gamma.numpy(),
        grad_coupler_error.numpy() if error_gradients else None,
        grad_loss_db.numpy() if error_gradients else None,
        torch.get_num_threads(),
    )
    if recovered is not None:
        _require_recovered(recovered, np.eye(layout.modes, dtype=recovered.dtype))
    return gradients


def _room_for_matrices(theta: Tensor, gamma: Tensor) -> Tensor:
    """Return an uninitialised matrix for each of the stacked meshes."""
    return theta.new_empty((*gamma.shape, gamma.shape[-1]), dtype=theta.dtype.to_complex())


def _room_for_gradients(
    y: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, input_gradient: bool, error_gradients: bool
) -> tuple[Tensor, ...]:
    """Return uninitialised gradients of x, theta, phi, gamma, coupler_error and loss_db; empty where not wanted."""
    grad_x = y.new_empty(y.shape if input_gradient else (0,))
    return (grad_x, *_room_for_setting_gradients(theta, phi, gamma, error_gradients))


def _room_for_setting_gradients(theta: Tensor, phi: Tensor, gamma: Tensor, error_gradients: bool) -> tuple[Tensor, ...]:
    errors = theta.shape if error_gradients else (0,)
    return (
        *(torch.empty_like(setting, memory_format=torch.contiguous_format) for setting in (theta, phi, gamma)),
        theta.new_empty((*errors, 2)),
        theta.new_empty((*errors, 4)),
    )


def _require_recovered(recovered: NDArray[Any], x: NDArray[Any]) -> None:
    """Refuse gradients when unequal losses have drowned light that the reversal needs in rounding errors."""
    if not x.size:
        return
    scale = float(np.abs(x).max())
    error = float(np.abs(recovered - x).max())
    tolerance = _RECOVERY_TOLERANCE[x.dtype.name]
    if np.isfinite(scale) and not error <= tolerance * scale:
        raise RuntimeError(
            "light cannot be traced back through losses this unequal: the input is recovered with a relative error "
            f"of {error / scale:.1e} in {x.dtype.name}, more than {tolerance:g}; use complex128 or smaller loss_db"
        )


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
    return _room_for_gradients(y, theta, phi, gamma, input_gradient, error_gradients)


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
    return _room_for_setting_gradients(theta, phi, gamma, error_gradients)


_library.impl("forward", _forward, "CPU")
_library.impl("reverse", _reverse, "CPU")
_library.impl("adjoint", _adjoint, "CPU")
_library.impl("matrices", _matrices, "CPU")
_library.impl("matrices_adjoint", _matrices_adjoint, "CPU")
torch.library.register_fake("retrolux::forward", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::reverse", _fake_linear, lib=_library)
torch.library.register_fake("retrolux::adjoint", _fake_adjoint, lib=_library)

torch.library.register_fake("retrolux::matrices", _fake_matrices, lib=_library)
torch.library.register_fake("retrolux::matrices_adjoint", _fake_matrices_adjoint, lib=_library)


def _direct(operator: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of `kernel` that goes through `operator` where torch traces, fakes or wraps tensors.

    Plain tensors need no dispatcher, which takes 5 to 30 µs: as long as a small batch's whole pass.
    """

    def call(light: Tensor, *arguments: object) -> Any:
        if torch.compiler.is_compiling() or type(light) is not Tensor:
            return operator(light, *arguments)
        return kernel(light, *arguments)

    return call


forward = _direct(torch.ops.retrolux.forward.default, _forward)
reverse = _direct(torch.ops.retrolux.reverse.default, _reverse)
adjoint = _direct(torch.ops.retrolux.adjoint.default, _adjoint)
matrices = _direct(torch.ops.retrolux.matrices.default, _matrices)
matrices_adjoint = _direct(torch.ops.retrolux.matrices_adjoint.default, _matrices_adjoint)
