"""Exact gradients of a mesh by the kernels' reversible adjoint, for NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrolux._kernels import kernels, max_threads

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


def adjoint(
    topology: Topology,
    x: NDArray[Any],
    grad_y: NDArray[Any],
    theta: NDArray[Any],
    phi: NDArray[Any],
    gamma: NDArray[Any],
    coupler_error: NDArray[Any] | None = None,
    loss_db: NDArray[Any] | None = None,
) -> AdjointGradients:
    """Return the gradients for a loss with ``grad_y`` = ∂L/∂Re y + i ∂L/∂Im y at the output.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    x, grad_y : ndarray of complex64 or complex128, shape (batch, modes), C-ordered
        Light at the input, gradient at the output.
    theta, phi : ndarray, shape (mzis,)
        Phases [rad], in the real precision of the light; so are all settings.
    gamma : ndarray, shape (modes,)
        Output phases [rad].
    coupler_error : ndarray, shape (mzis, 2), optional
        Angle errors of the couplers [rad].
    loss_db : ndarray, shape (mzis, 4), optional
        Losses of the arms [dB].

    Raises
    ------
    TypeError, ValueError
        When a dtype or shape does not fit.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018).
    """
    settings = theta, phi, gamma, coupler_error, loss_db
    y = np.empty_like(x)
    gradients = AdjointGradients(*(np.empty_like(array) for array in (x, theta, phi, gamma)))
    threads = max_threads()
    kernels.forward(topology.layout, x, *settings, y, threads)
    kernels.adjoint(topology.layout, y, grad_y, *settings, x, *gradients, None, None, threads)
    return gradients
