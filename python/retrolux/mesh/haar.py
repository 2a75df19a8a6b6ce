"""Random unitaries of the Haar measure, as matrices and as the phases of a mesh."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING

import numpy as np

from retrolux.mesh.builders import rectangular, triangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["haar_phases", "haar_unitary"]


def haar_unitary(n: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Draw a unitary from the Haar measure (Mezzadri, Notices AMS 54, 592 (2007), section 5).

    Parameters
    ----------
    n : int
        Size N ≥ 1.
    rng : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    ndarray of complex128, shape (n, n)

    Raises
    ------
    TypeError
        When `n` is not an integer or `rng` is not a Generator.
    ValueError
        When `n` is below 1.
    """
    if index(n) < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    _check_generator(rng)
    ginibre = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    q, r = np.linalg.qr(ginibre)
    # QR leaves the phase of each column open; only a positive diagonal of R makes Q Haar.
    diagonal = np.diagonal(r)
    return np.asarray(q * (diagonal / np.abs(diagonal)))


def haar_phases(
    topology: Topology, rng: np.random.Generator, stack: tuple[int, ...] = ()
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw phases that make a mesh a Haar-random unitary.

    θ = π − 2 asin √t with t = u^{1/α}, u uniform in [0, 1); φ and γ are uniform (Russell et al., New J. Phys.
    19, 033007 (2017); Pai et al., Phys. Rev. Applied 11, 064044 (2019)). For a topology equal to
    ``triangular(n)`` or ``rectangular(n)`` the exponents α make the unitary exactly Haar. In any other
    topology α = 1: each MZI splits power like a Haar-random one, but the whole is in general not Haar.

    Parameters
    ----------
    topology : Topology
        The mesh.
    rng : numpy.random.Generator
        Source of the draw.
    stack : tuple of int
        Shape of a stack of meshes to draw phases for; () for one mesh.

    Returns
    -------
    theta : ndarray of float64, shape (…, mzis)
        Internal phases (rad), in (0, π].
    phi : ndarray of float64, shape (…, mzis)
        External phases (rad), in [0, 2π).
    gamma : ndarray of float64, shape (…, modes)
        Output phases (rad), in [0, 2π).

    Raises
    ------
    TypeError
        When `rng` is not a Generator.
    """
    _check_generator(rng)
    transmitted = rng.random((*stack, topology.mzis)) ** (1 / _exponents(topology))
    theta = np.pi - 2 * np.arcsin(np.sqrt(transmitted))
    phi = rng.uniform(0, 2 * np.pi, (*stack, topology.mzis))
    gamma = rng.uniform(0, 2 * np.pi, (*stack, topology.modes))
    return theta, phi, gamma


def _exponents(topology: Topology) -> NDArray[np.float64]:
    """Return α of each MZI, shape (mzis,): its crossed power t has the distribution Beta(α, 1)."""
    n = topology.modes
    y = topology.pairs[:, 0].astype(np.float64)
    # Depths first: building a mesh of thousands of modes takes a while.
    if topology.depth == 2 * n - 3 and topology == triangular(n):
        return y + 1
    if topology.depth == n and topology == rectangular(n):
        x = np.repeat(np.arange(topology.depth), np.diff(topology.starts))
        return np.asarray(np.minimum(2 * np.minimum(x, n - 1 - x) + 1, 2 * np.minimum(y, n - 2 - y) + 2))
    return np.ones(topology.mzis)


def _check_generator(rng: np.random.Generator) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
