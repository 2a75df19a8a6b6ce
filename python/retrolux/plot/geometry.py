"""Where the parts of a mesh are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh import Topology

__all__ = ["MeshGeometry"]

_DETAILED_MODES = 10  # in larger meshes an MZI is too small for its bends and letters
_COUPLERS = np.array([0.38, 0.84])  # where along its cell an MZI mixes its two modes
_BEND_HALF = 0.16
_ALONG = np.concatenate([[0.0], *(c + _BEND_HALF * np.linspace(-1, 1, 17) for c in _COUPLERS)])


class MeshGeometry:
    """The geometry of a drawn mesh: x counts cells, y counts modes.

    MZIs of one column that would overlap, as the distant pairs of a butterfly do, get cells next to each other.

    Parameters
    ----------
    topology : Topology
        The mesh.

    Attributes
    ----------
    modes : int
        Number of waveguides.
    detailed : bool
        True when there is room to draw the arms of each MZI.
    pitch, cell : float
        Distance of two waveguides and width of a cell (inch).
    edges : ndarray of float64, shape (columns + 1,)
        x of the column boundaries.
    left : ndarray of float64, shape (mzis,)
        x of the left edge of each MZI's cell.
    """

    def __init__(self, topology: Topology) -> None:
        self.modes = topology.modes
        self.detailed = topology.modes <= _DETAILED_MODES
        self.pitch = 0.55 if self.detailed else min(0.3, max(0.05, 6.7 / topology.modes))
        self.cell = 1.15 if self.detailed else self.pitch
        self._topology = topology
        lanes = [_lanes(pairs) for pairs in topology.columns]
        widths = [1 + max(column, default=0) for column in lanes]
        self.edges = np.concatenate([[0.0], np.cumsum(widths, dtype=np.float64)])
        self.left = np.array([x + lane for x, column in zip(self.edges, lanes, strict=False) for lane in column])

    @property
    def length(self) -> float:
        """Number of cells from the first column to the last."""
        return float(self.edges[-1])

    def waveguides(self) -> tuple[list[NDArray[np.float64]], NDArray[np.intp], NDArray[np.intp]]:
        """Return paths of waveguide, and for each the columns already crossed and the mode.

        Returns
        -------
        paths : list of ndarray, each of shape (points, 2)
        columns, modes : ndarray of int, shape (paths,)
            The path carries the light of row ``columns`` of `column_powers`.
        """
        paths, columns, modes = [], [], []
        for column, pairs in enumerate(self._topology.columns):
            begin, end = self.edges[column], self.edges[column + 1]
            first = self._topology.starts[column]
            idle = set(range(self.modes))
            for k, (a, b) in enumerate(pairs.tolist(), start=first):
                for mode, towards in ((a, b), (b, a)):
                    idle.remove(mode)
                    before, after = self._arm(begin, end, self.left[k], mode, towards)
                    paths += [before, after]
                    columns += [column, column + 1]
                    modes += [mode, mode]
            for mode in idle:
                paths.append(np.array([[begin, mode], [end, mode]], dtype=np.float64))
                columns.append(column)
                modes.append(mode)
        return paths, np.array(columns), np.array(modes)

    def phi_boxes(self) -> NDArray[np.float64]:
        """Return the corners of the block of each φ, shape (mzis, 4, 2)."""
        return self._boxes(0.02, 0.2) if self.detailed else self._boxes(0.06, 0.5)

    def theta_boxes(self) -> NDArray[np.float64]:
        """Return the corners of the block of each θ, shape (mzis, 4, 2)."""
        return self._boxes(0.52, 0.7) if self.detailed else self._boxes(0.5, 0.94)

    def ties(self) -> NDArray[np.float64]:
        """Return the ends of the lines that tie the modes of distant pairs, shape (ties, 2, 2)."""
        a, b = self._topology.pairs.T.astype(np.float64)
        distant = np.abs(b - a) > 1
        places = _COUPLERS if self.detailed else np.array([0.5])
        x = (self.left[distant, None] + places).ravel()
        upper, lower = (np.repeat(mode[distant], len(places)) for mode in (a, b))
        return np.stack([np.stack([x, upper], axis=-1), np.stack([x, lower], axis=-1)], axis=1)

    def _arm(
        self, begin: float, end: float, left: float, mode: int, towards: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        bent = self.detailed and abs(towards - mode) == 1
        x = left + (_ALONG if bent else np.array([0.0, _COUPLERS[-1], 1.0]))
        y = np.full(len(x), float(mode))
        if bent:
            near = np.abs(_ALONG[:, None] - _COUPLERS) / _BEND_HALF
            bend = np.where(near < 1, 0.5 + 0.5 * np.cos(np.pi * near), 0.0).sum(axis=1)
            y += 0.44 * (towards - mode) * bend
        middle = int(np.searchsorted(x, left + _COUPLERS[-1]))
        path = np.stack([x, y], axis=-1)
        before = np.concatenate([[[begin, mode]], path[: middle + 1]])
        after = np.concatenate([path[middle:], [[end, mode]]])
        return before, after

    def _boxes(self, start: float, stop: float) -> NDArray[np.float64]:
        a, b = self._topology.pairs.T.astype(np.float64)
        if self.detailed:
            top, bottom = a - 0.21, a + 0.21
        else:
            neighbours = np.abs(b - a) == 1
            top = np.where(neighbours, np.minimum(a, b) + 0.12, a - 0.38)
            bottom = np.where(neighbours, np.maximum(a, b) - 0.12, a + 0.38)
        x0, x1 = self.left + start, self.left + stop
        corners = [(x0, top), (x1, top), (x1, bottom), (x0, bottom)]
        return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)


def _lanes(pairs: NDArray[np.int32]) -> list[int]:
    """Return the lane of each pair: the first in which it overlaps no pair before it."""
    occupied: list[set[int]] = []
    lanes = []
    for a, b in pairs.tolist():
        span = set(range(min(a, b), max(a, b) + 1))
        lane = next((i for i, used in enumerate(occupied) if not used & span), len(occupied))
        if lane == len(occupied):
            occupied.append(set())
        occupied[lane] |= span
        lanes.append(lane)
    return lanes
