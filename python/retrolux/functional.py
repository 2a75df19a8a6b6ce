"""Light through a mesh as a differentiable function of torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

from retrolux import _ops, _plain, _transforms
from retrolux._autograd import ByMatrix, Matrices, Propagate
from retrolux.mesh.settings import FIELDS, Settings, setting_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrolux.mesh import Topology

__all__ = ["Route", "choose_route", "matrices", "propagate"]

Route: TypeAlias = Literal["auto", "mesh", "matrix"]

# The light that goes with real settings; torch.compile knows no dtype.to_complex.
LIGHT = {torch.float32: torch.complex64, torch.float64: torch.complex128}
_REAL_OF = {light: real for real, light in LIGHT.items()}
_LIGHT_OF_REAL = {torch.float16: torch.complex64, torch.bfloat16: torch.complex64, **LIGHT}


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

    Differentiable in `x` and in every setting, any number of times; gradients are PyTorch's, ∂L/∂Re + i ∂L/∂Im.

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
        Both agree to rounding. ``"auto"`` follows `choose_route`; in programs that ``torch.export`` and
        ``torch.jit.trace`` record, which serve batches of any size, it is the mesh on the CPU.

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
    MemoryError
        When there is no memory for the kernels' work.

    Notes
    -----
    The backward pass of the mesh route is the reversible adjoint: it recovers the fields from `y` column by column, so
    memory does not grow with the number of columns. Where losses differ so much that the way back would lose digits,
    light goes forward again instead, a few samples at a time: gradients are right for any losses.

    Parts of amplitudes below 1e-38 (complex64) or 1e-308 (complex128) become zero on the way, so that light fainter
    than 1e-31 or 1e-292 loses digits. On the matrix route these are the amplitudes that light of amplitude 1 would
    have: through more than 600 dB (complex64), strong light is lost there and not on the mesh route.

    Second derivatives, forward-mode derivatives and the transforms of ``torch.func`` go through the matrix, whatever
    the route, and where the kernels have no formula, through a mesh written in plain torch: right and slow. What
    ``torch.compile`` and ``torch.jit.trace`` make has first derivatives only.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018); Pai et al., Science 380, 398 (2023).
    """
    settings = Settings(theta, phi, gamma, coupler_error, loss_db)
    plain = _ops.takes(topology, settings, x)  # as nearly always, and found out in a tenth of the time of the rest
    if not plain:
        x = _checked(topology, settings, x)
        plain = _ops.takes(topology, settings, x)  # where real amplitudes have become light
    if route == "auto":
        batch = 0 if not plain and _recorded() else x.numel() // topology.modes
        route = choose_route(topology, batch, None if plain else x.device)
    if route not in ("mesh", "matrix"):
        raise ValueError(f"route must be 'auto', 'mesh' or 'matrix', got {route!r}")
    if route == "mesh" and not plain and not (x.is_cpu or x.is_meta):
        raise ValueError(f"route 'mesh' runs on the CPU, got tensors on {x.device}; use route 'matrix'")
    if not plain and not _all_plain((x, *settings)):
        return _unusual(topology, settings, x, route)
    if route == "matrix":
        return _plain.apply_to_plain(ByMatrix, topology, *settings, x)  # type: ignore[no-any-return]
    if not torch.is_grad_enabled():  # no graph to record: half the cost of a small batch
        return _ops.forward.kernel(topology, settings, x)  # type: ignore[no-any-return]
    return _plain.apply_to_plain(Propagate, topology, *settings, x)  # type: ignore[no-any-return]


def matrices(
    theta: Tensor,
    phi: Tensor,
    gamma: Tensor,
    topology: Topology,
    coupler_error: Tensor | None = None,
    loss_db: Tensor | None = None,
) -> Tensor:
    """Return the matrices U of many meshes of one topology, all in one call of the kernels.

    Differentiable in every setting, any number of times. Meshes are computed side by side on torch's threads, on the
    CPU; tensors on other devices are taken there and back.

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
    MemoryError
        When there is no memory for the kernels' work.
    """
    if not isinstance(theta, Tensor):
        raise TypeError(f"theta must be a tensor, got {type(theta).__name__}")
    if theta.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"theta must be float32 or float64, got {theta.dtype}")
    settings, stack, modes = Settings(theta, phi, gamma, coupler_error, loss_db), theta.shape[:-1], topology.modes
    _check_settings(topology, settings, theta.dtype, theta.device, stack)
    if _plain.is_transformed():
        return _transforms.matrices(topology, settings).mT
    meshes = gamma.reshape(-1, modes).shape[0]
    shapes = setting_shapes(topology, (meshes,)).values()  # one stack, whatever its shape
    flat = Settings(
        *[None if setting is None else setting.reshape(shape) for setting, shape in zip(settings, shapes, strict=True)]
    )
    if _all_plain(flat):
        transposed: Tensor = _plain.apply_to_plain(Matrices, topology, *flat)
    else:
        transposed = _ops.on(_ops.matrices.operator(topology, _ops.to_cpu(flat)), theta.device)
    return transposed.reshape(*stack, modes, modes).mT


def choose_route(topology: Topology, batch: int, device: torch.device | None = None) -> Literal["mesh", "matrix"]:
    """Return the cheaper route for a training step: the mesh for small batches, its matrix for large ones.

    Costs in crossings of one MZI by one sample: the mesh route takes ``batch · mzis``; the matrix route
    ``modes · mzis`` for U and its gradient, N² complex multiply-adds per sample, and some more operations of torch per
    call. Measured by ``bench/routes.py``. Other devices than the CPU take the matrix.
    """
    if device is not None and device.type not in ("cpu", "meta"):
        return "matrix"
    mesh = batch * topology.mzis
    matrix = topology.modes * topology.mzis + _PRODUCT_COST * topology.modes**2 * batch + _CALL_COST
    return "mesh" if mesh <= matrix else "matrix"


# Costs in crossings of one MZI by one sample, in a training step.
_PRODUCT_COST = 0.2  # one complex multiply-add of a dense product
_CALL_COST = 1.7e5  # what a call of the matrix route costs beyond one of the mesh route


def require_last(x: Tensor, name: str, size: int) -> None:
    """Refuse a tensor whose last dimension, called `name`, has another size; in traced programs, the kernels do.

    Raises
    ------
    ValueError
        When it has.
    """
    if not _plain.is_traced() and (x.ndim == 0 or x.shape[-1] != size):
        raise ValueError(f"x must have shape (…, {name}) = (…, {size}), got {tuple(x.shape)}")


def _recorded() -> bool:
    """Whether torch records a program, in which sizes are not known, though their numbers can be had."""
    return torch.compiler.is_exporting() or _plain.is_traced()


def _all_plain(tensors: Sequence[Tensor | None]) -> bool:
    """Whether torch neither traces, fakes nor wraps any of the tensors, and all have memory."""
    return all(tensor is None or _plain.is_plain(tensor) for tensor in tensors)


def _unusual(topology: Topology, settings: Settings, x: Tensor, route: Literal["mesh", "matrix"]) -> Tensor:
    """Send light that torch transforms, traces, fakes or wraps through a mesh."""
    if _plain.is_transformed():
        return x @ _transforms.matrices(topology, settings)
    if route == "mesh":
        return _ops.forward.operator(topology, settings, x)  # type: ignore[no-any-return]
    return x @ _ops.on(_ops.matrices.operator(topology, _ops.to_cpu(settings)), x.device)


def _checked(topology: Topology, settings: Settings, x: Tensor) -> Tensor:
    """Return `x` as complex amplitudes after checking that all tensors belong together."""
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a tensor, got {type(x).__name__}")
    given = x.dtype
    if x.dtype in _LIGHT_OF_REAL:
        x = x.to(_LIGHT_OF_REAL[x.dtype])
    if x.dtype not in _REAL_OF:
        raise TypeError(f"x must be complex64 or complex128 (or real floating point), got {x.dtype}")
    require_last(x, "modes", topology.modes)
    real = _REAL_OF[x.dtype]
    if {getattr(setting, "dtype", None) for setting in settings if setting is not None} == set(LIGHT) - {real}:
        phases = settings.theta.dtype
        raise TypeError(f"x must be {phases.to_complex()} or {phases} for phases in {phases}, got {given}")
    _check_settings(topology, settings, real, x.device)
    return x


def _check_settings(
    topology: Topology, settings: Settings, real: torch.dtype, device: torch.device, stack: Sequence[int] = ()
) -> None:
    """Refuse settings that are not of a mesh or a stack of meshes, all of one precision on one device."""
    shapes = setting_shapes(topology, stack)
    for (name, field), setting in zip(FIELDS.items(), settings, strict=True):
        if setting is None and field.optional:
            continue
        if not isinstance(setting, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(setting).__name__}")
        if not _plain.is_traced() and setting.shape != shapes[name]:
            raise ValueError(f"{name} must have shape {shapes[name]}, got {tuple(setting.shape)}")
        if setting.dtype != real:
            raise TypeError(f"{name} must be {real} for light in {real.to_complex()}, got {setting.dtype}")
        if setting.device != device:
            raise ValueError(f"{name} must be on the device of the others, {device}, got {setting.device}")
