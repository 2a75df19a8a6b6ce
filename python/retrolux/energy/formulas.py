"""What a mesh and its digital rival cost in energy.

A sample that passes a mesh of N modes is modulated onto N waveguides and detected at N outputs, while N² complex
numbers are multiplied: the photonic cost of M samples grows with M·N, and what reads the taps for a gradient adds once
per batch a part that grows with the number of phases, N² in a universal mesh. Formulas and uses: Pai et al., Science
380, 398 (2023), supplement, tables S1 to S4. Light, shifters and memory count as the device says.

Everything broadcasts: modes and batch may be arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.energy.link_budget import laser_energy
from retrolux.energy.operations import DIGITAL_ACCESSES, DIGITAL_OPERATIONS, check_operation, latency, repeated
from retrolux.energy.size import MeshSize, mesh_size, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device
    from retrolux.energy.operations import Operation

__all__ = [
    "advantage",
    "breakdown",
    "digital_gradient",
    "digital_mvm",
    "energy_ratio",
    "gradient",
    "haar_holding_power",
    "holding_power",
    "mvm",
    "tops_per_watt",
]


def breakdown(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
    *,
    holding: ArrayLike | None = None,
    passes: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the energy of a batch on the mesh, part by part.

    Parameters
    ----------
    device : Device
        The processor.
    operation : {"mvm", "gradient"}
        Multiplication by the matrix, or measurement of the gradient of all phases by interference; the multiplication
        that came before it is not part of it.
    modes : array_like of int, or MeshSize
        Number of modes N of a rectangular mesh, or the size of another one.
    batch : array_like of int
        Number of samples M ≥ 1.
    holding : array_like of float, optional
        Power that holds the phases (W); that of Haar-random ones when left out. See `holding_power`.
    passes : int, optional
        How often the batch is sent through the mesh: one multiplication after the other, or a measurement in more or
        fewer passes than three, each of which takes a third of what the device says of a gradient per sample.

    Returns
    -------
    dict of str to ndarray of float64
        Energy (J) of each component, of the ``"laser"`` where the device describes its light, and of ``"shifters"``.

    Raises
    ------
    ValueError
        When a number of modes is below 2 or a batch below 1, there is no such operation, or `holding` is
        negative.
    """
    check_operation(operation)
    size, samples = mesh_size(modes), whole_numbers("batch", batch, 1)
    lit = samples * size.modes
    parts = {}
    for name, component in device.components.items():
        uses = repeated(component.mvm, operation, passes) * lit
        if operation == "gradient":
            uses = repeated(component.gradient, operation, passes) * lit + component.gradient_per_phase * size.phases
        parts[name] = np.asarray(uses * component.energy.si)
    if device.link is not None:
        parts["laser"] = laser_energy(device, operation, size, samples, passes=passes)
    held = haar_holding_power(device, size) if holding is None else np.asarray(holding, dtype=np.float64)
    if not (held >= 0).all():
        raise ValueError(f"holding must be at least 0 W, got {held[~(held >= 0)].flat[0]}")
    parts["shifters"] = np.asarray(held * latency(device, operation, size, samples, passes=passes))
    return parts


def mvm(
    device: Device,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
    *,
    holding: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the energy of multiplying a batch by the matrix of a mesh (J); arguments as for `breakdown`."""
    return _total(breakdown(device, "mvm", modes, batch, holding=holding))


def gradient(
    device: Device,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
    *,
    holding: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the energy of measuring the gradient of a mesh for a batch (J); arguments as for `breakdown`."""
    return _total(breakdown(device, "gradient", modes, batch, holding=holding))


def digital_mvm(device: Device, modes: ArrayLike | MeshSize, batch: ArrayLike) -> NDArray[np.float64]:
    """Return what `mvm` costs the digital rival (J): 6 M N² operations, and the weights read once per batch."""
    return _digital(device, "mvm", modes, batch)


def digital_gradient(device: Device, modes: ArrayLike | MeshSize, batch: ArrayLike) -> NDArray[np.float64]:
    """Return what `gradient` costs the digital rival (J): 12 M N² operations; weights read, gradients written once.

    They are those of the vector-Jacobian product and of the gradient of the N × N complex weights.
    """
    return _digital(device, "gradient", modes, batch)


def tops_per_watt(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
) -> NDArray[np.float64]:
    """Return 10¹² operations per joule, 6 M N² of them, as the published heat maps count them for both operations.

    For the gradient these are the ones of the vector-Jacobian product, half of what the digital rival does.

    Parameters
    ----------
    device, operation, modes, batch
        As for `breakdown`.

    Returns
    -------
    ndarray of float64
        In TOPS/W.
    """
    useful = DIGITAL_OPERATIONS["mvm"] * np.asarray(batch) * mesh_size(modes).modes.astype(np.float64) ** 2
    return np.asarray(1e-12 * useful / _total(breakdown(device, operation, modes, batch)))


def energy_ratio(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
) -> NDArray[np.float64]:
    """Return the energy of the digital rival over that of the mesh; arguments as for `breakdown`."""
    photonic = _total(breakdown(device, operation, modes, batch))
    return np.asarray(_digital(device, operation, modes, batch) / photonic)


def advantage(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: int,
    factor: float = 1.0,
) -> int | None:
    """Return the smallest mesh that takes at most 1/factor of the energy of the digital rival.

    Parameters
    ----------
    device : Device
        The processor and its rival.
    operation : {"mvm", "gradient"}
        What they are compared in.
    modes : array_like of int, shape (sizes,), or MeshSize
        The numbers of modes N to choose from: of rectangular meshes, or the sizes of others.
    batch : int
        Number of samples M ≥ 1.
    factor : float
        How much better the mesh has to be, above 0.

    Returns
    -------
    int or None
        Number of modes; None where no mesh is good enough.

    Raises
    ------
    ValueError
        When `factor` is not above 0, or an argument is out of range.
    """
    if not factor > 0:
        raise ValueError(f"factor must be above 0, got {factor}")
    size = mesh_size(modes)
    enough = size.modes[energy_ratio(device, operation, size, batch) >= factor]
    return int(enough.min()) if enough.size else None


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


def _total(parts: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(sum(parts.values()))


def _digital(
    device: Device, operation: Operation, modes: ArrayLike | MeshSize, batch: ArrayLike
) -> NDArray[np.float64]:
    check_operation(operation)
    samples, n = whole_numbers("batch", batch, 1), mesh_size(modes).modes.astype(np.float64)
    operations = DIGITAL_OPERATIONS[operation] * samples * n**2
    accesses = DIGITAL_ACCESSES[operation] * n**2
    return np.asarray(operations * device.digital.operation.si + accesses * device.digital.memory.si)


def _central(k: NDArray[Any]) -> NDArray[np.float64]:
    """Return (2k)!/(4^k k!²) = Γ(k + ½)/(√π Γ(k + 1))."""
    lgamma = np.vectorize(math.lgamma, otypes=[np.float64])
    return np.asarray(np.exp(lgamma(k + 0.5) - lgamma(k + 1)) / math.sqrt(math.pi))
