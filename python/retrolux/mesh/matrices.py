"""The matrix of a mesh, by sending light into every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.mesh.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["matrix"]


def matrix(
    topology: Topology,
    theta: ArrayLike,
    phi: ArrayLike,
    gamma: ArrayLike,
    coupler_error: ArrayLike | None = None,
    loss_db: ArrayLike | None = None,
) -> NDArray[Any]:
    """Return the matrix U of a mesh: light x leaves it as ``U @ x``.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    theta, phi : array_like, shape (mzis,)
        Internal and external phases [rad].
    gamma : array_like, shape (modes,)
        Output phases [rad].
    coupler_error : array_like, shape (mzis, 2), optional
        Angle errors (ε₁, ε₂) of the two couplers [rad].
    loss_db : array_like, shape (mzis, 4), optional
        Losses of the arms t₀…t₃ [dB], at least 0.

    Returns
    -------
    ndarray, shape (modes, modes)
        complex64 where `theta` is float32, else complex128.

    Raises
    ------
    ValueError
        When a shape does not fit the topology, a number is not finite or a loss is negative.
    """
    from retrolux._kernels import kernels, max_threads  # noqa: PLC0415 - meshes alone need no compiled module

    real = np.float32 if np.asarray(theta).dtype == np.float32 else np.float64
    given = theta, phi, gamma, coupler_error, loss_db
    settings = Settings(*[None if setting is None else np.ascontiguousarray(setting, dtype=real) for setting in given])
    light = np.eye(topology.modes, dtype=np.result_type(real, 1j))
    response = np.empty_like(light)
    kernels.forward(topology.layout, settings, light, response, max_threads())
    return np.ascontiguousarray(response.T)
