"""The order in which the MZIs of a mesh are stripped from a unitary; each nulls one element."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrolux.mesh.builders import rectangular, triangular

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["Nulling", "checked_unitary", "nulling_order"]


class Nulling(NamedTuple):
    """One MZI, and the element of the residual matrix that its removal nulls.

    Attributes
    ----------
    mzi : int
        Its number.
    from_input : bool
        True: it is stripped from the input side and mixes columns `upper` and ``upper + 1`` of the residual.
        False: from the output side, where it mixes the rows `upper` and ``upper + 1``.
    row, column : int
        The nulled element: in column `upper` from the input side, in row ``upper + 1`` from the output side.
    """

    mzi: int
    from_input: bool
    row: int
    column: int

    @property
    def upper(self) -> int:
        """The upper mode of the MZI."""
        return self.column if self.from_input else self.row - 1


def nulling_order(topology: Topology) -> list[Nulling]:
    """Return the order in which MZIs are stripped from a unitary until a diagonal of phases is left.

    For ``triangular(n)`` all from the input side, row by row from the last (Reck et al., Phys. Rev. Lett. 73,
    58 (1994)); for ``rectangular(n)`` in diagonals from the lower left corner, from the input and the output
    side in turn (Clements et al., Optica 3, 1460 (2016)).

    Parameters
    ----------
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.

    Raises
    ------
    ValueError
        When the topology is another.
    """
    n = topology.modes
    order = {rectangular(n): _rectangular_order, triangular(n): _triangular_order}.get(topology)
    if order is None:
        raise ValueError(f"topology must equal rectangular({n}) or triangular({n}), got {topology!r}")
    return order(topology)


def checked_unitary(unitary: ArrayLike, topology: Topology, tolerance: float) -> NDArray[np.complex128]:
    """Return a copy of a matrix in complex128, checked to be a unitary of the size of the mesh.

    Raises
    ------
    ValueError
        When `unitary` has not the shape (modes, modes), is not finite, or an element of |U U† − 1| exceeds
        `tolerance`.
    """
    n = topology.modes
    # asarray first: tensors know no copy=True, at which NumPy warns.
    matrix = np.array(np.asarray(unitary), dtype=np.complex128)
    if matrix.shape != (n, n):
        raise ValueError(f"unitary must have shape (modes, modes) = {(n, n)}, got {matrix.shape}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(f"unitary must be finite, got {matrix[row, column]} in row {row}, column {column}")
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.abs(matrix @ matrix.conj().T - np.eye(n)).max()
    if not deviation <= tolerance:
        raise ValueError(f"unitary must satisfy |U U† − 1| ≤ {tolerance:.3g}, got {deviation:.3g}")
    return matrix


def _triangular_order(topology: Topology) -> list[Nulling]:
    """Rows from the last up, each from the left; the MZIs of one row carry its light down to its mode."""
    n = topology.modes
    return [
        Nulling(_number(topology, upper + 2 * path, upper), True, n - 1 - path, upper)
        for path in range(n - 1)
        for upper in range(n - 1 - path)
    ]


def _rectangular_order(topology: Topology) -> list[Nulling]:
    """Diagonals from the lower left corner up, from the two sides in turn."""
    n = topology.modes
    order = []
    for diagonal in range(n - 1):
        for step in range(diagonal + 1):
            if diagonal % 2 == 0:
                upper = diagonal - step
                order.append(Nulling(_number(topology, step, upper), True, n - 1 - step, upper))
            else:
                upper = n - 2 - diagonal + step
                order.append(Nulling(_number(topology, n - 1 - step, upper), False, upper + 1, step))
    return order


def _number(topology: Topology, column: int, upper: int) -> int:
    """Return the number of the MZI with this upper mode, in a column of neighbours that starts at 0 or 1."""
    return int(topology.starts[column]) + upper // 2
