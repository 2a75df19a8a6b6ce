"""Light through a mesh as a differentiable function of torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from retrolux import _ops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrolux.mesh import Topology

__all__ = ["Route", "choose_route", "matrices", "propagate"]

Route: TypeAlias = Literal["auto", "mesh", "matrix"]

_REAL_OF = {torch.complex64: torch.float32, torch.complex128: torch.float64}
_COMPLEX_OF = {
    torch.float16: torch.complex64,
    torch.bfloat16: torch.complex64,
    torch.float32: torch.complex64,
    torch.float64: torch.complex128,
}


def propagate(
    x: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    topology: Topology,
    coupler_error: Tensor | None = None,
    loss_db: Tensor | None = None,
    route: Route = "auto",
) -> Tensor:
    """Send light through a mesh: ``y = x @ U.T``, with U as `retrolux.mesh.convention` defines it.

    Differentiable once in `x` and in every setting; gradients are PyTorch's, ∂L/∂Re + i ∂L/∂Im.

    Parameters
    ----------
    x : Tensor, shape (…, modes)
        Amplitudes, complex64 or complex128; real amplitudes are taken as light of phase 0.
    theta, phi : Tensor, shape (mzis,)
        Internal and external phases [rad], float32 for complex64 and float64 for complex128.
    gamma : Tensor, shape (modes,)
        Output phases [rad].
    topology : Topology
        Where the MZIs sit.
    coupler_error : Tensor, shape (mzis, 2), optional
        Angle errors (ε₁, ε₂) of the two couplers [rad].
    loss_db : Tensor, shape (mzis, 4), optional
        Losses of the arms t₀…t₃ [dB], at least 0.
    route : {"auto", "mesh", "matrix"}
        ``"mesh"`` sends every sample through the MZIs and gives the same bits for any number of threads;
        ``"matrix"`` builds U and multiplies, which is cheaper for large batches and serves other devices than the CPU.
        Both agree to rounding. ``"auto"`` follows `choose_route`.

    Returns
    -------
    Tensor, shape (…, modes)
        The complex output, on the device of `x`.

    Raises
    ------
    TypeError
        When a dtype does not fit.
    ValueError
        When a shape does not fit the topology, tensors are on different devices, the route is unknown or
        impossible, a setting is not finite or a loss is negative.
    RuntimeError
        In the backward pass, when losses are so unequal that light cannot be traced back in this precision.

    Notes
    -----
    The backward pass of the mesh route is the reversible adjoint: it recovers the fields from `y` column by column, so
    memory does not grow with the number of columns. It has no second derivative.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018); Pai et al., Science 380, 398 (2023).
    """
    settings = theta, phi, gamma, coupler_error, loss_db
    fit = _ops.fit(x, settings, topology)  # as nearly always, and found out in a tenth of the time of the rest
    if not fit:
        x = _checked(x, *settings, topology)
    if route == "auto":
        route = choose_route(topology, x.numel() // topology.modes, None if fit else x.device)
    if route == "mesh":
        if not x.is_cpu:
            raise ValueError(f"route 'mesh' runs on the CPU, got tensors on {x.device}; use route 'matrix'")
        if not torch.is_grad_enabled():  # no graph to record: half the cost of a small batch
            return _ops.forward(x, *settings, topology.key)  # type: ignore[no-any-return]
        return _ops.apply(_Propagate, x, *settings, topology.key)  # type: ignore[no-any-return]
    if route != "matrix":
        raise ValueError(f"route must be 'auto', 'mesh' or 'matrix', got {route!r}")
    return _ops.apply(_ByMatrix, x, *settings, topology.key)  # type: ignore[no-any-return]


def matrices(
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    topology: Topology,
    coupler_error: Tensor | None = None,
    loss_db: Tensor | None = None,
) -> Tensor:
    """Return the matrices U of many meshes of one topology, all in one call of the kernels.

    Differentiable once in every setting. Meshes are computed side by side on torch's threads, on the CPU; tensors on
    other devices are taken there and back.

    Parameters
    ----------
    theta, phi : Tensor, shape (…, mzis)
        Internal and external phases [rad], float32 or float64; the leading dimensions number the meshes.
    gamma : Tensor, shape (…, modes)
        Output phases [rad].
    topology : Topology
        Where the MZIs of every mesh sit.
    coupler_error : Tensor, shape (…, mzis, 2), optional
        Angle errors (ε₁, ε₂) of the two couplers [rad].
    loss_db : Tensor, shape (…, mzis, 4), optional
        Losses of the arms t₀…t₃ [dB], at least 0.

    Returns
    -------
    Tensor, shape (…, modes, modes)
        complex64 or complex128, on the device of `theta`.

    Raises
    ------
    TypeError
        When a dtype does not fit.
    ValueError
        When shapes do not fit the topology or each other, tensors are on different devices, a setting is not finite or
        a loss is negative.
    RuntimeError
        In the backward pass, when losses are so unequal that light cannot be traced back in this precision.
    """
    if theta.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"theta must be float32 or float64, got {theta.dtype}")
    stack, mzis, modes = theta.shape[:-1], topology.mzis, topology.modes
    named = {"theta": theta, "phi": phi, "gamma": gamma, "coupler_error": coupler_error, "loss_db": loss_db}
    sizes = {"theta": (mzis,), "phi": (mzis,), "gamma": (modes,), "coupler_error": (mzis, 2), "loss_db": (mzis, 4)}
    flat: list[Tensor | None] = []
    for name, setting in named.items():
        if setting is not None:
            _check_setting(name, setting, theta.dtype, theta.device, (*stack, *sizes[name]))
            setting = setting.reshape(-1, *sizes[name])  # noqa: PLW2901 - one stack, whatever its shape
        flat.append(setting)
    transposed: Tensor = _ops.apply(_Matrices, *flat, topology.key)
    return transposed.reshape(*stack, modes, modes).mT


def choose_route(topology: Topology, batch: int, device: torch.device | None = None) -> Literal["mesh", "matrix"]:
    """Return the cheaper route for a training step: the mesh for small batches, its matrix for large ones.

    Costs in crossings of one MZI by one sample: the mesh route takes ``batch · mzis``; the matrix route
    ``modes · mzis`` for U and its gradient, N² complex multiply-adds per sample, and some more operations of torch per
    call. Measured by ``bench/routes.py``. Other devices than the CPU take the matrix.
    """
    if device is not None and device.type != "cpu":
        return "matrix"
    mesh = batch * topology.mzis
    matrix = topology.modes * topology.mzis + _PRODUCT_COST * topology.modes**2 * batch + _CALL_COST
    return "mesh" if mesh <= matrix else "matrix"


# Costs in crossings of one MZI by one sample, in a training step.
_PRODUCT_COST = 0.2  # one complex multiply-add of a dense product
_CALL_COST = 1.7e5  # what a call of the matrix route costs beyond one of the mesh route


def _once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Do as torch's decorator does, which switches gradients off even where nobody has asked for second ones."""
    guarded = once_differentiable(backward)

    def run(ctx: Any, *grads: Tensor) -> Any:
        return (guarded if torch.is_grad_enabled() else backward)(ctx, *grads)

    return run


class _Propagate(torch.autograd.Function):
    """The mesh route: forward pass of light, reversible adjoint backwards."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        theta: Tensor,
        phi: Tensor,
        gamma: Tensor,
        coupler_error: Tensor | None,
        loss_db: Tensor | None,
        topology: str,
    ) -> Tensor:
        y: Tensor = _ops.forward(x, theta, phi, gamma, coupler_error, loss_db, topology)
        # The input is kept only where the reversal has to be checked against it: under loss.
        ctx.save_for_backward(y, None if loss_db is None else x, theta, phi, gamma, coupler_error, loss_db)
        ctx.topology = topology
        return y

    @staticmethod
    @_once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        y, x, *settings = ctx.saved_tensors
        need_x, *need_settings, _ = ctx.needs_input_grad
        if not any(need_settings):
            return (_ops.reverse(grad_y, *settings, ctx.topology), *[None] * 6)
        grads = _ops.adjoint(y, grad_y, x, *settings, ctx.topology, need_x, any(need_settings[3:]))
        return (*_needed(grads, [need_x, *need_settings]), None)


class _Matrices(torch.autograd.Function):
    """The transposed matrices of a stack of meshes."""

    @staticmethod
    def forward(
        ctx: Any,
        theta: Tensor,
        phi: Tensor,
        gamma: Tensor,
        coupler_error: Tensor | None,
        loss_db: Tensor | None,
        topology: str,
    ) -> Tensor:
        settings = theta, phi, gamma, coupler_error, loss_db
        transposed = _on(_ops.matrices(*_to_cpu(settings), topology), theta.device)
        ctx.save_for_backward(transposed, *settings)
        ctx.topology = topology
        return transposed

    @staticmethod
    @_once_differentiable
    def backward(ctx: Any, grad_transposed: Tensor) -> tuple[Tensor | None, ...]:
        transposed, *settings = ctx.saved_tensors
        *need, _ = ctx.needs_input_grad
        return (*_matrix_gradients(transposed, grad_transposed, settings, ctx.topology, need), None)


class _ByMatrix(torch.autograd.Function):
    """The matrix route: the mesh sees the N modes, the batch sees a dense matrix, on whatever device it is."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        theta: Tensor,
        phi: Tensor,
        gamma: Tensor,
        coupler_error: Tensor | None,
        loss_db: Tensor | None,
        topology: str,
    ) -> Tensor:
        settings = theta, phi, gamma, coupler_error, loss_db
        transposed = _on(_ops.matrices(*_to_cpu(settings), topology), x.device)
        ctx.save_for_backward(x, transposed, *settings)
        ctx.topology = topology
        return x @ transposed

    @staticmethod
    @_once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, transposed, *settings = ctx.saved_tensors
        need_x, *need_settings, _ = ctx.needs_input_grad
        grad_x = grad_y @ transposed.mH if need_x else None
        if not any(need_settings):
            return (grad_x, *[None] * 6)
        if x.ndim != 2:
            x, grad_y = x.reshape(-1, x.shape[-1]), grad_y.reshape(-1, x.shape[-1])
        grad_transposed = x.mH @ grad_y
        return (grad_x, *_matrix_gradients(transposed, grad_transposed, settings, ctx.topology, need_settings), None)


def _matrix_gradients(
    transposed: Tensor, grad_transposed: Tensor, settings: list[Tensor | None], topology: str, need: list[bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the settings that are needed, from those of the matrices, wherever these are."""
    passed = _to_cpu((transposed, grad_transposed, *settings))
    grads = _ops.matrices_adjoint(*passed, topology, any(need[3:]))
    return tuple(None if grad is None else _on(grad, transposed.device) for grad in _needed(grads, need))


def _needed(grads: Sequence[Tensor | None], need: Sequence[bool]) -> tuple[Tensor | None, ...]:
    return tuple(grad if wanted else None for grad, wanted in zip(grads, need, strict=True))


def _to_cpu(tensors: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
    return tuple(tensor if tensor is None or tensor.is_cpu else tensor.cpu() for tensor in tensors)


def _on(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor if tensor.device == device else tensor.to(device)


def _checked(
    x: Tensor,
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    coupler_error: Tensor | None,
    loss_db: Tensor | None,
    topology: Topology,
) -> Tensor:
    """Return `x` as complex amplitudes after checking that all tensors belong together."""
    given = x.dtype
    if x.dtype in _COMPLEX_OF:
        x = x.to(_COMPLEX_OF[x.dtype])
    if x.dtype not in _REAL_OF:
        raise TypeError(f"x must be complex64 or complex128 (or real floating point), got {x.dtype}")
    modes, mzis = topology.modes, topology.mzis
    if x.ndim == 0 or x.shape[-1] != modes:
        raise ValueError(f"x must have shape (…, modes) = (…, {modes}), got {tuple(x.shape)}")
    real, device = _REAL_OF[x.dtype], x.device
    if {getattr(phase, "dtype", None) for phase in (theta, phi, gamma)} == {torch.float32, torch.float64} - {real}:
        phases = theta.dtype
        raise TypeError(f"x must be {phases.to_complex()} or {phases} for phases in {phases}, got {given}")
    _check_setting("theta", theta, real, device, (mzis,))
    _check_setting("phi", phi, real, device, (mzis,))
    _check_setting("gamma", gamma, real, device, (modes,))
    if coupler_error is not None:
        _check_setting("coupler_error", coupler_error, real, device, (mzis, 2))
    if loss_db is not None:
        _check_setting("loss_db", loss_db, real, device, (mzis, 4))
    return x


def _check_setting(name: str, setting: Tensor, real: torch.dtype, device: torch.device, shape: tuple[int, ...]) -> None:
    if not isinstance(setting, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(setting).__name__}")
    if setting.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {tuple(setting.shape)}")
    if setting.dtype != real:
        raise TypeError(f"{name} must be {real} for light in {real.to_complex()}, got {setting.dtype}")
    if setting.device != device:
        raise ValueError(f"{name} must be on the device of the others, {device}, got {setting.device}")
