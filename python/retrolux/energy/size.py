"""How large meshes are: in modes and MZIs, and on the chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device
    from retrolux.mesh import Topology

__all__ = ["MeshSize", "area", "mesh_size", "whole_numbers"]

_MOST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class MeshSize:
    """The size of a mesh, or of many: arrays that broadcast.

    Attributes
    ----------
    modes : ndarray of int
        Number of waveguides N.
    mzis : ndarray of int
        Number of MZIs.
    columns : ndarray of int
        Number of columns.
    path : ndarray of int
        The most MZIs that light can meet on its way.
    """

    modes: NDArray[Any]
    mzis: NDArray[Any]
    columns: NDArray[Any]
    path: NDArray[Any]

    @property
    def phases(self) -> NDArray[Any]:
        """Number of phases, 2·mzis + modes: N² in a universal mesh."""
        return np.asarray(2 * self.mzis + self.modes)

    @staticmethod
    def rectangular(modes: ArrayLike) -> MeshSize:
        """Return the size of rectangular meshes; see `retrolux.mesh.rectangular`.

        Raises
        ------
        ValueError
            When a number of modes is no integer of at least 2.
        """
        n = whole_numbers("modes", modes, 2)
        return MeshSize(n, n * (n - 1) // 2, n, np.where(n == 2, 1, n))

    @staticmethod
    def triangular(modes: ArrayLike) -> MeshSize:
        """Return the size of triangular meshes; see `retrolux.mesh.triangular`.

        Raises
        ------
        ValueError
            When a number of modes is no integer of at least 2.
        """
        n = whole_numbers("modes", modes, 2)
        return MeshSize(n, n * (n - 1) // 2, 2 * n - 3, 2 * n - 3)

    @staticmethod
    def of(topology: Topology) -> MeshSize:
        """Return the size of a mesh of any topology."""
        numbers = topology.modes, topology.mzis, topology.depth, topology.longest_path
        return MeshSize(*(np.asarray(number) for number in numbers))


def mesh_size(modes: ArrayLike | MeshSize) -> MeshSize:
    """Return a size as it is, and for numbers of modes that of rectangular meshes."""
    return modes if isinstance(modes, MeshSize) else MeshSize.rectangular(modes)


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


def whole_numbers(name: str, values: ArrayLike, least: int) -> NDArray[Any]:
    """Return `values` as an array of int64, after checking them.

    Raises
    ------
    ValueError
        When one of them is no integer, below `least`, or above 2³¹ − 1: squares fit into an int64.
    """
    numbers = np.asarray(values)
    for number in numbers.flat if numbers.dtype == object else ():  # beyond 64 bits
        if isinstance(number, int) and number > _MOST:
            raise ValueError(f"{name} must be at most {_MOST}, got {number}")
    if not np.issubdtype(numbers.dtype, np.number) or np.iscomplexobj(numbers):
        raise ValueError(f"{name} must be integers of at least {least}, got {values!r}")
    bad = numbers[(numbers < least) | (numbers != np.rint(numbers)) | ~np.isfinite(numbers)]
    if bad.size:
        raise ValueError(f"{name} must be integers of at least {least}, got {bad.flat[0]}")
    if (numbers > _MOST).any():
        raise ValueError(f"{name} must be at most {_MOST}, got {numbers.max()}")
    return numbers.astype(np.int64)
