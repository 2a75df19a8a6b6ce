"""How long a mesh and its digital rival take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrolux.energy.operations import DIGITAL_OPERATIONS, PASSES, check_operation
from retrolux.energy.size import MeshSize, mesh_size, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device
    from retrolux.energy.operations import Operation

__all__ = ["digital_latency", "latency", "time_of_flight"]

_SPEED_OF_LIGHT = 299_792_458.0  # m/s


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
