"""The power that phase shifters draw to hold their phases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.energy.size import MeshSize, mesh_size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device

__all__ = ["haar_holding_power", "holding_power"]


def holding_power(device: Device, phases: ArrayLike) -> float:
    """Return the power that holds given phases.

    Parameters
    ----------
    device : Device
        Says what a phase of π takes.
    phases : array_like of float
        All phases of a mesh (rad), of any shape; a shifter holds them modulo 2π.

    Returns
    -------
    float
        In W.
    """
    held = np.mod(np.asarray(phases, dtype=np.float64), 2 * np.pi)
    return float(held.sum() / np.pi * device.shifters.power_per_pi.si)


def haar_holding_power(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return the power that holds the phases of a Haar-random unitary, on average.

    φ and γ are uniform over 2π, so that π is their mean. An MZI with exponent α (`retrolux.mesh.haar_phases`) has
    P(θ > x) = cos^{2α}(x/2), which makes the mean of θ π W_α with W_α = (2α)!/(4^α α!²). A universal mesh of N modes
    has N − α MZIs of each α from 1 to N − 1, and Σ (N − α) W_α = (4N² − 1) W_{N−1}/3 − N: large meshes are mostly
    near cross, θ = 0. In other meshes the mean θ is taken to be that of a universal one with as many modes.

    Parameters
    ----------
    device : Device
        Says what a phase of π takes.
    modes : array_like of int, or MeshSize
        Number of modes of a rectangular mesh, or the size of another one.

    Returns
    -------
    ndarray of float64, of the shape of `modes`
        In W.
    """
    size = mesh_size(modes)
    n = size.modes.astype(np.float64)
    mean_theta = ((4 * n**2 - 1) * _central(n - 1) / 3 - n) / (n * (n - 1) / 2)  # in units of π
    return np.asarray((size.mzis * (mean_theta + 1) + n) * device.shifters.power_per_pi.si)


def _central(k: NDArray[Any]) -> NDArray[np.float64]:
    """Return (2k)!/(4^k k!²) = Γ(k + ½)/(√π Γ(k + 1))."""
    lgamma = np.vectorize(math.lgamma, otypes=[np.float64])
    return np.asarray(np.exp(lgamma(k + 0.5) - lgamma(k + 1)) / math.sqrt(math.pi))
