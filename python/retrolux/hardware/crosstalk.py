"""Heat that spreads from one phase shifter to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from retrolux._kernels import kernels, max_threads

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.hardware.imperfections import Imperfections
    from retrolux.mesh import Topology

__all__ = ["Crosstalk", "shifter_positions", "thermal_crosstalk"]


@dataclass(frozen=True, eq=False, repr=False)
class Crosstalk:
    """The matrix I + K that turns the phases of the heaters into those which light meets, as sparse rows (CSR).

    The shifters are numbered θ first, then φ, then γ: entry k of theta is shifter k, of phi shifter mzis + k, of
    gamma shifter 2·mzis + k. `thermal_crosstalk` builds one; a matrix measured in a laboratory need not be
    symmetric. The arrays are copied and read-only.

    Attributes
    ----------
    indptr : ndarray of int32, shape (shifters + 1,)
        Entries ``indptr[i]`` to ``indptr[i + 1]`` are those of row i.
    indices : ndarray of int32, shape (entries,)
        Column of each entry.
    values : ndarray of float64, shape (entries,)
        Phase that a row's shifter receives for one rad of the column's; 1 on the diagonal.

    Raises
    ------
    ValueError
        When `indptr` does not run from 0 to the number of entries without falling, an index is out of range, an
        array has the wrong type or shape, or a value is not finite.
    """

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        indptr, indices = _integers("indptr", self.indptr), _integers("indices", self.indices)
        values = np.array(self.values, dtype=np.float64)
        shifters = len(indptr) - 1
        if shifters < 0 or indptr[0] != 0 or indptr[-1] != len(values) or (np.diff(indptr) < 0).any():
            raise ValueError(f"indptr must rise from 0 to the number of values, {len(values)}, got {indptr}")
        if indices.shape != values.shape:
            raise ValueError(f"indices must have the shape of values, {values.shape}, got {indices.shape}")
        outside = indices[(indices < 0) | (indices >= shifters)]
        if outside.size:
            raise ValueError(f"indices must lie between 0 and {shifters - 1}, got {outside[0]}")
        if not np.isfinite(values).all():
            raise ValueError(f"values must be finite, got {values[~np.isfinite(values)][0]}")
        for name, array in (("indptr", indptr), ("indices", indices), ("values", values)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def shifters(self) -> int:
        """Number of phase shifters, 2·mzis + modes."""
        return len(self.indptr) - 1

    def apply(self, phases: ArrayLike) -> NDArray[np.float64]:
        """Return the phases which light meets, (I + K) phases.

        Parameters
        ----------
        phases : array_like of float, shape (shifters,)
            Phases of the heaters (rad).

        Returns
        -------
        ndarray of float64, shape (shifters,)

        Raises
        ------
        ValueError
            When the shape does not fit.
        """
        heat = np.ascontiguousarray(self._checked("phases", phases))
        met = np.empty_like(heat)
        kernels.multiply(self.indptr, self.indices, self.values, heat, met, max_threads())
        return met

    def apply_transposed(self, gradients: ArrayLike) -> NDArray[np.float64]:
        """Return the gradient by the phases of the heaters, (I + K)ᵀ gradients.

        Parameters
        ----------
        gradients : array_like of float, shape (shifters,)
            Gradient by the phases which light meets (1/rad).

        Returns
        -------
        ndarray of float64, shape (shifters,)

        Raises
        ------
        ValueError
            When the shape does not fit.
        """
        met = self._checked("gradients", gradients)
        return np.asarray(np.bincount(self.indices, self.values * met[self._rows], self.shifters), np.float64)

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        """Row of each entry."""
        return np.repeat(np.arange(self.shifters), np.diff(self.indptr))

    def _checked(self, name: str, numbers: ArrayLike) -> NDArray[np.float64]:
        array = np.asarray(numbers, dtype=np.float64)
        if array.shape != (self.shifters,):
            raise ValueError(f"{name} must have shape (shifters,) = ({self.shifters},), got {array.shape}")
        return array

    def __repr__(self) -> str:
        return f"Crosstalk({self.shifters} shifters, {len(self.values)} entries)"


def shifter_positions(topology: Topology) -> NDArray[np.intp]:
    """Return where the phase shifters of a mesh sit, in units of the distance between nearest neighbours.

    φ and θ of an MZI in column c with upper mode a sit at (2c, a) and (2c + 1, a), γ of mode m at (2·columns, m): a
    step along the light is one shifter, a step across it one waveguide, and both count alike.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.

    Returns
    -------
    ndarray of int, shape (2·mzis + modes, 2)
        θ, φ, γ in the order of `Crosstalk`; no two at the same place.
    """
    column = np.repeat(np.arange(topology.depth), np.diff(topology.starts))
    upper = topology.pairs[:, 0]
    mode = np.arange(topology.modes)
    along = np.concatenate([2 * column + 1, 2 * column, np.full(topology.modes, 2 * topology.depth)])
    return np.stack([along, np.concatenate([upper, upper, mode])], axis=-1).astype(np.intp)


def thermal_crosstalk(topology: Topology, imperfections: Imperfections) -> Crosstalk:
    """Return what each shifter of a mesh receives from the heat of the others.

    A shifter at distance d ≤ crosstalk_range from another one receives crosstalk^d of its phase. This is the law of
    a thin layer that conducts heat sideways and loses it to the substrate, T(d) = T(0) e^(−d/ℓ), the fin equation
    of heat conduction (Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, chapter 3, extended surfaces),
    with e^(−1/ℓ) = crosstalk; it is 1 at d = 0 and needs no further constant. Far away the heat in the substrate
    falls more slowly than that, which the model leaves out. That the phases of a chip couple by a matrix is the
    model of Milanizadeh et al., J. Lightwave Technol. 37, 1325 (2019). All shifters take part, γ as well
    as θ and φ.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    imperfections : Imperfections
        Of which `crosstalk` and `crosstalk_range` count.

    Returns
    -------
    Crosstalk
        Symmetric; the identity without crosstalk.
    """
    ratio = imperfections.crosstalk
    reach = imperfections.crosstalk_range if ratio > 0 else 0.0
    positions = shifter_positions(topology)
    size = positions.max(axis=0) + 1
    margin = np.minimum(reach, size - 1).astype(np.intp)

    # Every place of the grid holds one shifter or none (−1). A margin around it makes edges need no special case.
    width = size[1] + 2 * margin[1]
    grid = np.full((size[0] + 2 * margin[0]) * width, -1, dtype=np.int32)
    places = (positions + margin) @ (width, 1)
    grid[places] = np.arange(len(places))

    along, across = np.meshgrid(*(np.arange(-m, m + 1) for m in margin), indexing="ij")
    distance = np.hypot(along, across)
    near = distance <= reach
    neighbours = grid[places[:, None] + (along[near] * width + across[near])]
    present = neighbours >= 0
    return Crosstalk(
        indptr=np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32),
        indices=neighbours[present],
        values=np.broadcast_to(ratio ** distance[near], present.shape)[present],
    )


def _integers(name: str, numbers: ArrayLike) -> NDArray[np.int32]:
    """Return a copy in int32, checked to be a row of integers."""
    array = np.asarray(numbers)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be integers of shape (n,), got {array.dtype} of shape {array.shape}")
    return array.astype(np.int32)
