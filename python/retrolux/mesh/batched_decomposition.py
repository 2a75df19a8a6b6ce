"""From many unitary matrices to the phases of as many ideal meshes, side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.mesh.nulling import checked_unitary, nulling_order
from retrolux.mesh.phases import wrap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.nulling import Nulling
    from retrolux.mesh.topology import Topology

__all__ = ["decompose_many"]

# Matrices that are worked on side by side take about this much memory: a second-level cache.
_BYTES = 2**21


def decompose_many(
    unitaries: ArrayLike, topology: Topology, *, tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases with which ideal meshes of one topology perform unitaries, each as `decompose` does.

    Parameters
    ----------
    unitaries : array_like of complex, shape (…, modes, modes)
        The matrices U, y = U x. There may be none.
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.
    tolerance : float
        Largest element of |U U† − 1| to accept.

    Returns
    -------
    theta, phi : ndarray of float64, shape (…, mzis)
        Internal phases in [0, π] and external phases in [0, 2π) (rad).
    gamma : ndarray of float64, shape (…, modes)
        Output phases in [0, 2π) (rad).

    Raises
    ------
    ValueError
        When the topology is another, or a matrix has the wrong shape, is not finite or is not unitary.
    """
    order = nulling_order(topology)
    wanted = np.asarray(unitaries, dtype=np.complex128)
    n = topology.modes
    if wanted.shape[-2:] != (n, n):
        raise ValueError(f"unitaries must have shape (…, modes, modes) = (…, {n}, {n}), got {wanted.shape}")
    stack = wanted.shape[:-2]
    theta, phi = np.empty((2, *stack, topology.mzis))
    gamma = np.empty((*stack, n))
    rows = [phase.reshape(math.prod(stack), phase.shape[-1]) for phase in (theta, phi, gamma)]
    checked = [checked_unitary(unitary, topology, tolerance) for unitary in wanted.reshape(-1, n, n)]
    side_by_side = max(1, _BYTES // (16 * n * n))
    for first in range(0, len(checked), side_by_side):
        some = slice(first, first + side_by_side)
        for row, found in zip(rows, _decompose(np.stack(checked[some], axis=-1), topology, order), strict=True):
            row[some] = found.T
    return theta, phi, gamma


def _decompose(
    residual: NDArray[np.complex128], topology: Topology, order: list[Nulling]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Strip the MZIs from residual matrices of shape (modes, modes, stack); `decompose_on` has the algebra."""
    theta, phi = np.empty((2, topology.mzis, residual.shape[-1]))
    for k, from_input, row, column in order:
        if from_input:
            upper, lower = residual[:, column], residual[:, column + 1]
            a, b = upper[row], lower[row]
            sine, cosine = _split(np.abs(b), np.abs(a))
            phi[k] = _phase_between(-a * sine, b * cosine)
        else:
            upper, lower = residual[row - 1], residual[row]
            a, b = upper[column], lower[column]
            sine, cosine = _split(np.abs(a), np.abs(b))
            phi[k] = _phase_between(a * cosine, b * sine)
        theta[k] = 2 * np.arctan2(sine, cosine)
        # The inverse of the MZI, the same from both sides, acts on its upper arm behind the inverse of its φ.
        common = -1j * (cosine - 1j * sine)
        through, across = common * sine, common * cosine
        shifted = upper * np.exp(-1j * phi[k])
        upper[:], lower[:] = through * shifted + across * lower, across * shifted - through * lower

    delta = np.angle(np.einsum("iis->is", residual))
    for k, from_input, row, _ in reversed(order):
        if not from_input:
            chi = phi[k].copy()
            phi[k] = delta[row - 1] - delta[row]
            delta[row - 1] = np.remainder(chi + delta[row], 2 * np.pi)
    return theta, wrap(phi), wrap(delta)


def _split(straight: NDArray[np.float64], crossed: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return sin θ/2 and cos θ/2 in the ratio straight : crossed, those of the bar state without light."""
    largest = np.maximum(straight, crossed)
    dark = largest == 0
    # Scaled first: the norm of subnormals would be coarse.
    scale = np.where(dark, 1.0, largest)
    straight, crossed = np.where(dark, 1.0, straight / scale), crossed / scale
    norm = np.hypot(straight, crossed)
    return straight / norm, crossed / norm


def _phase_between(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return arg first − arg second, 0 where one of them is 0 and has no phase."""
    return np.where((first != 0) & (second != 0), np.angle(first) - np.angle(second), 0.0)
