"""From a unitary matrix to the phases of an ideal mesh that performs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrolux.mesh.error_aware import decompose_on

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["decompose"]


def decompose(
    unitary: ArrayLike, topology: Topology, *, tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases with which a mesh performs a unitary, y = U x.

    MZIs are stripped from U by nulling one element each, until a diagonal of phases is left: for
    ``triangular(n)`` from the input side (Reck et al., Phys. Rev. Lett. 73, 58 (1994)), for
    ``rectangular(n)`` from both sides in turn, after which the diagonal is moved to the output (Clements et
    al., Optica 3, 1460 (2016)). An MZI that finds no light to null is stripped in the bar state with φ = 0.
    For a mesh with known coupler errors use `decompose_on`.

    Parameters
    ----------
    unitary : array_like of complex, shape (modes, modes)
        The matrix U.
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.
    tolerance : float
        Largest element of |U U† − 1| to accept. The mesh reproduces U as closely as U is unitary.

    Returns
    -------
    theta : ndarray of float64, shape (mzis,)
        Internal phases (rad), in [0, π].
    phi : ndarray of float64, shape (mzis,)
        External phases (rad), in [0, 2π).
    gamma : ndarray of float64, shape (modes,)
        Output phases (rad), in [0, 2π).

    Raises
    ------
    ValueError
        When the topology is another, or `unitary` has the wrong shape, is not finite or is not unitary.
    """
    ideal = decompose_on(unitary, topology, np.zeros((topology.mzis, 2)), tolerance=tolerance)
    return ideal.theta, ideal.phi, ideal.gamma
