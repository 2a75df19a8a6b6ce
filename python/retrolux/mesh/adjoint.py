"""Exact gradients of a mesh by the kernels' reversible adjoint, for NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrolux._kernels import kernels, max_threads
from retrolux.mesh.settings import FIELDS, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["AdjointGradients", "adjoint"]


class AdjointGradients(NamedTuple):
    """Gradients of a real loss, summed over the batch.

    Attributes
    ----------
    x : ndarray of complex, shape (batch, modes)
        ∂L/∂Re x + i ∂L/∂Im x.
    theta, phi : ndarray of float, shape (mzis,)
        [1/rad].
    gamma : ndarray of float, shape (modes,)
        [1/rad].
    """

    x: NDArray[Any]
    theta: NDArray[Any]
    phi: NDArray[Any]
    gamma: NDArray[Any]


def adjoint(topology: Topology, settings: Settings, x: NDArray[Any], grad_y: NDArray[Any]) -> AdjointGradients:
    """Return the gradients for a loss with ``grad_y`` = ∂L/∂Re y + i ∂L/∂Im y at the output.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    settings : Settings of ndarray
        In the real precision of the light, C-ordered.
    x, grad_y : ndarray of complex64 or complex128, shape (batch, modes), C-ordered
        Light at the input, gradient at the output.

    Raises
    ------
    TypeError, ValueError
        When a dtype or shape does not fit.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018).
    """
    y, grad_x, threads = np.empty_like(x), np.empty_like(x), max_threads()
    wanted = [None if field.optional else np.empty_like(s) for s, field in zip(settings, FIELDS.values(), strict=True)]
    gradients = Settings(*wanted)
    kernels.forward(topology.layout, settings, x, y, threads)
    kernels.adjoint(topology.layout, settings, y, grad_y, x, grad_x, gradients, threads)
    return AdjointGradients(grad_x, gradients.theta, gradients.phi, gradients.gamma)
