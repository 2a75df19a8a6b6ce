"""What is done with a mesh: how often light passes it, how long it takes, and what the digital rival does instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from retrolux.energy.size import MeshSize, mesh_size, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device

__all__ = [
    "DIGITAL_ACCESSES",
    "DIGITAL_OPERATIONS",
    "PASSES",
    "Operation",
    "check_operation",
    "digital_latency",
    "latency",
    "repeated",
    "time_of_flight",
]

Operation: TypeAlias = Literal["mvm", "gradient"]

PASSES: dict[Operation, int] = {"mvm": 1, "gradient": 3}
"""How often a batch is sent through the mesh, unless a method says otherwise: for a gradient forward, backward and both
together (three measurements), or backward, sum and difference."""

DIGITAL_OPERATIONS: dict[Operation, int] = {"mvm": 6, "gradient": 12}
"""Digital operations per sample and element of the matrix: a complex multiply-accumulate is 6 of them; a gradient needs
one for the vector-Jacobian product and one for the outer product (Pai et al., Science 380, 398 (2023), supplement)."""

DIGITAL_ACCESSES: dict[Operation, int] = {"mvm": 2, "gradient": 4}
"""Real numbers read or written per element of the matrix and batch: a complex weight for the multiplication; for a
gradient it and its gradient."""

_SPEED_OF_LIGHT = 299_792_458.0  # m/s


def check_operation(operation: str) -> None:
    """Check the name of an operation.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    if operation not in PASSES:
        raise ValueError(f"operation must be one of {', '.join(PASSES)}, got {operation!r}")


def repeated(uses: float, operation: Operation, passes: int | None) -> float:
    """Return the uses in so many passes, from the uses in the passes that an operation has by itself."""
    return uses if passes is None else uses * passes / PASSES[operation]


def time_of_flight(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return how long light is in a mesh: its columns one after the other at the group velocity (s)."""
    plan = device.floorplan
    delay = plan.column_pitch.si * plan.group_index.si / _SPEED_OF_LIGHT
    return np.asarray(mesh_size(modes).columns * delay)


def latency(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
    *,
    passes: int | None = None,
) -> NDArray[np.float64]:
    """Return how long a batch takes on the mesh.

    In each pass the samples follow each other at the clock rate, and the last one is converted, flies and is converted
    back: passes × (batch/clock + time of flight + conversion delay). A pass needs the results of the one before: the
    sum of forward and adjoint light needs the output of the adjoint light. What it takes to set phases is not counted.

    Parameters
    ----------
    device : Device
        The processor.
    operation : {"mvm", "gradient"}
        One pass, or the three of an interference measurement.
    modes : array_like of int, or MeshSize
        Number of modes N of a rectangular mesh, or the size of another one.
    batch : array_like of int
        Number of samples M ≥ 1; it broadcasts against `modes`.
    passes : int, optional
        How often the batch is sent through the mesh; as often as the operation needs when left out.

    Returns
    -------
    ndarray of float64
        In s.

    Raises
    ------
    ValueError
        When a number of modes is below 2 or a batch below 1, or `operation` is none.
    """
    check_operation(operation)
    samples = whole_numbers("batch", batch, 1)
    single = time_of_flight(device, modes) + device.timing.conversion_delay.si
    times = PASSES[operation] if passes is None else passes
    return np.asarray(times * (samples / device.timing.clock + single))


def digital_latency(
    device: Device, operation: Operation, modes: ArrayLike | MeshSize, batch: ArrayLike
) -> NDArray[np.float64]:
    """Return how long a batch takes on the digital processor at its full throughput (s); arguments as for `latency`."""
    check_operation(operation)
    samples = whole_numbers("batch", batch, 1)
    operations = DIGITAL_OPERATIONS[operation] * samples * mesh_size(modes).modes.astype(np.float64) ** 2
    return np.asarray(operations / device.digital.throughput.si)
