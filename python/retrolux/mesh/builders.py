"""The published mesh layouts, by name."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING

import numpy as np

from retrolux.mesh.topology import Topology, from_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "butterfly",
    "cascade",
    "diamond",
    "permuting_rectangular",
    "rectangular",
    "tree",
    "triangular",
]


def rectangular(n: int, columns: int | None = None) -> Topology:
    """Build the rectangular mesh (Clements et al., Optica 3, 1460 (2016)).

    Column x pairs the neighbours (y, y + 1) for y = x mod 2, x mod 2 + 2, … ≤ n − 2. With n columns it has
    n(n − 1)/2 MZIs and reaches every unitary; more columns are redundant, fewer reach a part.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.
    columns : int, optional
        Number of columns ≥ 1. None: n.

    Raises
    ------
    TypeError
        When `n` or `columns` is not an integer.
    ValueError
        When `n` is below 2 or `columns` below 1.
    """
    modes = _at_least("n", n, 2)
    depth = modes if columns is None else _at_least("columns", columns, 1)
    return from_columns(modes, [_neighbours(x % 2, modes - 2) for x in range(depth)], "rectangular")


def triangular(n: int) -> Topology:
    """Build the triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58 (1994)).

    Column x of 2n − 3 pairs the neighbours (y, y + 1) for y = x mod 2, x mod 2 + 2, … ≤ min(x, 2n − 4 − x):
    n(n − 1)/2 MZIs with the apex at the bottom. It reaches every unitary.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    modes = _at_least("n", n, 2)
    last = 2 * modes - 4
    return from_columns(modes, [_neighbours(x % 2, min(x, last - x)) for x in range(last + 1)], "triangular")


def butterfly(n: int) -> Topology:
    """Build the butterfly mesh: log₂ n columns of n/2 MZIs, the light paths of a fast Fourier transform.

    Column k pairs the modes at distance 2^k, neighbours first. Every input reaches every output by one path.

    Parameters
    ----------
    n : int
        Number of modes N, a power of two ≥ 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is not a power of two, or below 2.
    """
    modes = _at_least("n", n, 2)
    if modes & (modes - 1):
        raise ValueError(f"n must be a power of two for a butterfly, got {modes}")
    mode = np.arange(modes)
    columns = []
    for k in range(modes.bit_length() - 1):
        upper = mode[mode & 2**k == 0]
        columns.append(np.stack([upper, upper + 2**k], axis=-1))
    return from_columns(modes, columns, "butterfly")


def tree(n: int) -> Topology:
    """Build the binary tree that spreads the light of mode 0 over all modes, to prepare any vector.

    It has n − 1 MZIs in ⌈log₂ n⌉ columns. The light of a run of modes stands in the first mode of the run; an
    MZI splits it between the upper half of the run (the longer one when odd) and the lower half, in the ratio
    that θ sets. The phases of the outputs are set by `gamma`.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    modes = _at_least("n", n, 2)
    columns = []
    runs = [range(modes)]
    while any(len(run) > 1 for run in runs):
        halves = [(run[: (len(run) + 1) // 2], run[(len(run) + 1) // 2 :]) for run in runs]
        columns.append([(upper[0], lower[0]) for upper, lower in halves if lower])
        runs = [half for split in halves for half in split if half]
    return from_columns(modes, columns, "tree")


def cascade(n: int) -> Topology:
    """Build the linear cascade that spreads the light of mode 0 over all modes, to prepare any vector.

    Column i holds one MZI, on modes (i, i + 1): n − 1 MZIs in n − 1 columns. θ of MZI i sets how much light
    stays in mode i; the phases of the outputs are set by `gamma`.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    modes = _at_least("n", n, 2)
    return from_columns(modes, [[(i, i + 1)] for i in range(modes - 1)], "cascade")


def permuting_rectangular(n: int) -> Topology:
    """Build the permuting rectangular mesh (Pai et al., Phys. Rev. Applied 11, 064044 (2019)).

    It has the n columns and n(n − 1)/2 MZIs of the rectangular mesh, cut into K = round(log₂ n) blocks of
    nearly equal length. Between blocks k and k + 1 (k = 1 … K − 1) the waveguides are permuted as by 2^k
    columns of crossings: light moves 2^k places, reflected at the edges. The permutations hold no MZIs; they
    only change which modes the later columns pair, so an output has the number of its waveguide, not of its
    place.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    modes = _at_least("n", n, 2)
    waveguides = np.arange(modes)  # waveguides[place]: the mode that runs there
    columns = []
    for k, length in enumerate(_block_lengths(modes)):
        if k > 0:
            for crossings in rectangular(modes, 2**k).columns:
                waveguides[crossings] = waveguides[crossings[:, ::-1]]
        columns += [waveguides[places] for places in rectangular(modes, length).columns]
    return from_columns(modes, columns, "permuting_rectangular")


def diamond(n: int) -> Topology:
    """Build the diamond mesh (Shokraneh et al., Opt. Express 28, 23495 (2020)).

    It has (n − 1)² MZIs on 2n − 2 modes in 2n − 3 columns: the triangular mesh of n modes (on the last n)
    under a mirrored triangular mesh of n − 1 modes, so that all paths between one input and one output cross
    equally many MZIs. Column x pairs the neighbours (y, y + 1) for y = n − 2 − w, n − w, … n − 2 + w with
    w = min(x, 2n − 4 − x).

    Parameters
    ----------
    n : int
        Size of the unitary; the mesh has 2n − 2 modes. At least 2.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    size = _at_least("n", n, 2)
    centre = size - 2
    widths = [min(x, 2 * centre - x) for x in range(2 * centre + 1)]
    return from_columns(2 * size - 2, [_neighbours(centre - w, centre + w) for w in widths], "diamond")


def _at_least(name: str, value: int, least: int) -> int:
    """Return `value` as an int, checked against its least value."""
    number = index(value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def _neighbours(first: int, last: int) -> NDArray[np.intp]:
    """Return the pairs (y, y + 1) for y = first, first + 2, … ≤ last."""
    upper = np.arange(first, last + 1, 2)
    return np.stack([upper, upper + 1], axis=-1)


def _block_lengths(modes: int) -> list[int]:
    """Cut `modes` columns into round(log₂ modes) blocks.

    A block begins with a full column, so a block of even length holds as many MZIs as it would in the uncut
    mesh. With an odd number of modes all columns hold equally many, and the last block takes the odd column.
    """
    blocks = round(np.log2(modes))
    lengths = [2 * len(columns) for columns in np.array_split(np.arange(modes // 2), blocks)]
    lengths[-1] += modes % 2
    return lengths
