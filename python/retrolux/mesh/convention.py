"""The convention of the whole product: one MZI, one mesh, one gradient.

**MZI.** Ports are upper ``a`` and lower ``b``. Light meets the external phase φ (upper arm), coupler 1, the
internal phase θ (upper arm), coupler 2::

    T = B(π/4 + ε₂) · diag(e^{iθ} t₂, t₃) · B(π/4 + ε₁) · diag(e^{iφ} t₀, t₁)
    B(η) = [[cos η, i sin η], [i sin η, cos η]]

ε₁, ε₂ are additive errors of the coupling angle (rad); t₀ … t₃ are the amplitude transmissions of the four
arms, t = 10^(−x/20) for a loss of x ≥ 0 dB. Without errors and loss::

    T = i e^{iθ/2} [[e^{iφ} sin θ/2, cos θ/2], [e^{iφ} cos θ/2, −sin θ/2]]

so θ = π is the bar state and θ = 0 the cross state (Pai et al., Science 380, 398 (2023)).

**Mesh.** A mesh is a list of columns C₁ … C_L of MZIs on disjoint pairs of modes, then one phase γ per mode::

    y = diag(e^{iγ}) · C_L · … · C₁ · x        fields (…, modes), so that y = x @ U.T

MZIs are numbered column by column, top to bottom; `theta` and `phi` have shape (mzis,), `gamma` (modes,),
`coupler_error` (mzis, 2) in the order ε₁, ε₂, and `loss_db` (mzis, 4) in the order of t₀ … t₃.

**Gradient.** The gradient of a real L by a complex z is g = ∂L/∂Re z + i ∂L/∂Im z (PyTorch's), so that
dL = Re(ḡ dz), and g_x = T† g_y through y = T x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["arms", "coupler", "mzi", "transmission"]


def transmission(loss_db: ArrayLike) -> NDArray[np.float64]:
    """Return the amplitude transmission of a loss.

    Parameters
    ----------
    loss_db : array_like of float, any shape
        Loss x ≥ 0 (dB).

    Returns
    -------
    ndarray of float64, same shape
        10^(−x/20), in [0, 1].

    Raises
    ------
    ValueError
        When a loss is negative or NaN: a passive arm never amplifies.
    """
    loss = np.asarray(loss_db, dtype=np.float64)
    negative = loss[~(loss >= 0)]
    if negative.size:
        raise ValueError(f"loss_db must be zero or positive (dB of loss), got {negative[0]}")
    return np.asarray(10.0 ** (-loss / 20))


def coupler(angle: ArrayLike) -> NDArray[np.complex128]:
    """Return the matrix B(η) of a directional coupler.

    Parameters
    ----------
    angle : array_like of float, shape (...)
        Coupling angle η (rad); π/4 splits power in halves.

    Returns
    -------
    ndarray of complex128, shape (..., 2, 2)
        [[cos η, i sin η], [i sin η, cos η]].
    """
    eta = np.asarray(angle, dtype=np.float64)
    straight, crossed = np.cos(eta), 1j * np.sin(eta)
    return np.stack([np.stack([straight, crossed], axis=-1), np.stack([crossed, straight], axis=-1)], axis=-2)


def arms(phase: ArrayLike, loss_db: ArrayLike | None = None) -> NDArray[np.complex128]:
    """Return the matrix of two parallel arms with a phase shifter in the upper one.

    Parameters
    ----------
    phase : array_like of float, shape (...)
        Phase of the upper arm (rad).
    loss_db : array_like of float, shape (..., 2), optional
        Loss of the upper and the lower arm (dB). None: no loss.

    Returns
    -------
    ndarray of complex128, shape (..., 2, 2)
        diag(e^{i phase} t_upper, t_lower).

    Raises
    ------
    ValueError
        When `loss_db` does not end in an axis of 2 or holds a negative value.
    """
    shift = np.exp(1j * np.asarray(phase, dtype=np.float64))
    amplitudes = transmission(_last_axis("loss_db", np.zeros(2) if loss_db is None else loss_db, 2))
    upper, lower = np.broadcast_arrays(shift * amplitudes[..., 0], amplitudes[..., 1])
    matrix = np.zeros((*upper.shape, 2, 2), dtype=np.complex128)
    matrix[..., 0, 0] = upper
    matrix[..., 1, 1] = lower
    return matrix


def mzi(
    theta: ArrayLike,
    phi: ArrayLike,
    coupler_error: ArrayLike | None = None,
    loss_db: ArrayLike | None = None,
) -> NDArray[np.complex128]:
    """Return the transfer matrix T of an MZI, upper port first.

    Parameters
    ----------
    theta, phi : array_like of float, shape (...)
        Internal and external phase (rad).
    coupler_error : array_like of float, shape (..., 2), optional
        Errors ε₁, ε₂ of the two coupling angles (rad). None: ideal couplers.
    loss_db : array_like of float, shape (..., 4), optional
        Loss of the arms (dB): beside φ (upper, lower), then beside θ (upper, lower). None: no loss.

    Returns
    -------
    ndarray of complex128, shape (..., 2, 2)
        The leading shapes of all arguments, broadcast together.

    Raises
    ------
    ValueError
        When `coupler_error` or `loss_db` has the wrong last axis, or a loss is negative.
    """
    error = _last_axis("coupler_error", np.zeros(2) if coupler_error is None else coupler_error, 2)
    loss = _last_axis("loss_db", np.zeros(4) if loss_db is None else loss_db, 4)
    outer, inner = arms(phi, loss[..., :2]), arms(theta, loss[..., 2:])
    first, second = coupler(np.pi / 4 + error[..., 0]), coupler(np.pi / 4 + error[..., 1])
    return second @ inner @ first @ outer


def _last_axis(name: str, values: ArrayLike, length: int) -> NDArray[np.float64]:
    """Return `values` in float64, checked to end in an axis of `length`."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape[-1:] != (length,):
        raise ValueError(f"{name} must have shape (..., {length}), got {array.shape}")
    return array
