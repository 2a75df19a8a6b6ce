"""How much of a chip a mesh takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrolux.energy.size import MeshSize, mesh_size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device

__all__ = ["area"]


def area(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return the area of a mesh, columns by modes at the pitches of the floorplan; electronics not included.

    Parameters
    ----------
    device : Device
        Says how far apart columns and modes are.
    modes : array_like of int, or MeshSize
        Number of modes N of a rectangular mesh, or the size of another one.

    Returns
    -------
    ndarray of float64, of the shape of `modes`
        In m².

    Raises
    ------
    ValueError
        When a number of modes is below 2.
    """
    size, plan = mesh_size(modes), device.floorplan
    return np.asarray(size.columns * plan.column_pitch.si * size.modes * plan.mode_pitch.si)
