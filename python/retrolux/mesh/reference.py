"""The oracle: light and gradients through a mesh, one MZI at a time, in plain complex128.

The reference is slow and obvious; every kernel is tested against it. The matrices come from `convention`. The gradients
keep the field at every MZI and differentiate its matrix by the product rule; the reversible adjoint of the kernels
keeps nothing and has formulas of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrolux.mesh.convention import arms, coupler, mzi

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["ReferenceGradients", "gradients", "propagate"]


class ReferenceGradients(NamedTuple):
    """The gradient of a real loss L by everything that light meets, summed over the batch.

    Attributes
    ----------
    x : ndarray of complex128, shape (..., modes)
        ∂L/∂Re x + i ∂L/∂Im x.
    theta, phi : ndarray of float64, shape (mzis,)
        Per rad.
    gamma : ndarray of float64, shape (modes,)
        Per rad.
    coupler_error : ndarray of float64, shape (mzis, 2)
        Per rad.
    loss_db : ndarray of float64, shape (mzis, 4)
        Per dB.
    """

    x: NDArray[np.complex128]
    theta: NDArray[np.float64]
    phi: NDArray[np.float64]
    gamma: NDArray[np.float64]
    coupler_error: NDArray[np.float64]
    loss_db: NDArray[np.float64]


def propagate(
    topology: Topology,
    x: ArrayLike,
    theta: ArrayLike,
    phi: ArrayLike,
    gamma: ArrayLike,
    *,
    coupler_error: ArrayLike | None = None,
    loss_db: ArrayLike | None = None,
) -> NDArray[np.complex128]:
    """Send light through a mesh.

    Parameters
    ----------
    topology : Topology
        The mesh.
    x : array_like of complex, shape (..., modes)
        Input field.
    theta, phi : array_like of float, shape (mzis,)
        Internal and external phases (rad).
    gamma : array_like of float, shape (modes,)
        Output phases (rad).
    coupler_error : array_like of float, shape (mzis, 2), optional
        Errors of the coupling angles (rad). None: ideal couplers.
    loss_db : array_like of float, shape (mzis, 4), optional
        Loss of the arms (dB), in the order of `convention.mzi`. None: no loss.

    Returns
    -------
    ndarray of complex128, shape (..., modes)
        Output field y = diag(e^{iγ}) C_L … C_1 x.

    Raises
    ------
    ValueError
        When a shape does not fit the topology, or a loss is negative.
    """
    y = _field("x", x, topology).copy()
    settings = _settings(topology, theta, phi, coupler_error, loss_db)
    output_phase = np.exp(1j * _checked("gamma", gamma, "(modes,)", (topology.modes,)))
    for pair, transfer in zip(topology.pairs, mzi(*settings), strict=True):
        y[..., pair] = y[..., pair] @ transfer.T
    return np.asarray(y * output_phase)


def gradients(
    topology: Topology,
    x: ArrayLike,
    theta: ArrayLike,
    phi: ArrayLike,
    gamma: ArrayLike,
    *,
    grad_y: ArrayLike,
    coupler_error: ArrayLike | None = None,
    loss_db: ArrayLike | None = None,
) -> ReferenceGradients:
    """Return all gradients of a real loss L, given its gradient by the output field.

    Parameters
    ----------
    topology, x, theta, phi, gamma, coupler_error, loss_db
        As for `propagate`. Without `coupler_error` or `loss_db` their gradients are those at zero.
    grad_y : array_like of complex, shape of `x`
        ∂L/∂Re y + i ∂L/∂Im y.

    Returns
    -------
    ReferenceGradients

    Raises
    ------
    ValueError
        When a shape does not fit the topology, `grad_y` has not the shape of `x`, or a loss is negative.
    """
    field, grad = _field("x", x, topology), _field("grad_y", grad_y, topology)
    if grad.shape != field.shape:
        raise ValueError(f"grad_y must have the shape of x, {field.shape}, got {grad.shape}")
    settings = _settings(topology, theta, phi, coupler_error, loss_db)
    output_phase = np.exp(1j * _checked("gamma", gamma, "(modes,)", (topology.modes,)))
    transfers, derivatives = mzi(*settings), _mzi_derivatives(*settings)

    z = field.reshape(-1, topology.modes).copy()
    inputs = []  # the field at the two input ports of each MZI
    for pair, transfer in zip(topology.pairs, transfers, strict=True):
        inputs.append(z[:, pair])
        z[:, pair] = z[:, pair] @ transfer.T
    y = z * output_phase

    g = grad.reshape(-1, topology.modes)
    grad_gamma = np.sum(g.conj() * 1j * y, axis=0).real
    g = g * output_phase.conj()
    grad_settings = np.empty((topology.mzis, 8))
    for k in reversed(range(topology.mzis)):
        pair = topology.pairs[k]
        # dL = Re(ḡ dy) with dy = dT · input, for each of the eight settings p; then g ← T† g.
        grad_settings[k] = np.einsum("na,pab,nb->p", g[:, pair].conj(), derivatives[k], inputs[k]).real
        g[:, pair] = g[:, pair] @ transfers[k].conj()

    return ReferenceGradients(
        x=g.reshape(field.shape),
        theta=grad_settings[:, 0],
        phi=grad_settings[:, 1],
        gamma=grad_gamma,
        coupler_error=grad_settings[:, 2:4],
        loss_db=grad_settings[:, 4:8],
    )


def _mzi_derivatives(
    theta: NDArray[np.float64],
    phi: NDArray[np.float64],
    coupler_error: NDArray[np.float64],
    loss_db: NDArray[np.float64],
) -> NDArray[np.complex128]:
    """Return ∂T by θ, φ, ε₁, ε₂ and the four losses, shape (mzis, 8, 2, 2)."""
    first_angle, second_angle = np.pi / 4 + coupler_error[:, 0], np.pi / 4 + coupler_error[:, 1]
    outer, inner = arms(phi, loss_db[:, :2]), arms(theta, loss_db[:, 2:])
    first, second = coupler(first_angle), coupler(second_angle)
    # B(η) is made of sines and cosines, so its derivative is B a quarter turn later.
    first_slope, second_slope = coupler(first_angle + np.pi / 2), coupler(second_angle + np.pi / 2)
    upper, lower = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    per_db = -np.log(10) / 20  # t = 10^(−x/20), so dt/dx = per_db · t
    return np.stack(
        [
            second @ (1j * upper @ inner) @ first @ outer,
            second @ inner @ first @ (1j * upper @ outer),
            second @ inner @ first_slope @ outer,
            second_slope @ inner @ first @ outer,
            second @ inner @ first @ (per_db * upper @ outer),
            second @ inner @ first @ (per_db * lower @ outer),
            second @ (per_db * upper @ inner) @ first @ outer,
            second @ (per_db * lower @ inner) @ first @ outer,
        ],
        axis=1,
    )


def _settings(
    topology: Topology,
    theta: ArrayLike,
    phi: ArrayLike,
    coupler_error: ArrayLike | None,
    loss_db: ArrayLike | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what sets each MZI, checked; errors and losses that are None become zeros."""
    mzis = topology.mzis
    error = np.zeros((mzis, 2)) if coupler_error is None else coupler_error
    loss = np.zeros((mzis, 4)) if loss_db is None else loss_db
    return (
        _checked("theta", theta, "(mzis,)", (mzis,)),
        _checked("phi", phi, "(mzis,)", (mzis,)),
        _checked("coupler_error", error, "(mzis, 2)", (mzis, 2)),
        _checked("loss_db", loss, "(mzis, 4)", (mzis, 4)),
    )


def _checked(name: str, values: ArrayLike, meaning: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return `values` in float64, checked to have `shape`."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {meaning} = {shape}, got {array.shape}")
    return array


def _field(name: str, values: ArrayLike, topology: Topology) -> NDArray[np.complex128]:
    """Return `values` in complex128, checked to end in an axis of modes."""
    array = np.asarray(values, dtype=np.complex128)
    if array.shape[-1:] != (topology.modes,):
        raise ValueError(f"{name} must have shape (..., modes) = (..., {topology.modes}), got {array.shape}")
    return array
