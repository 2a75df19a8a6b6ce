"""Where the MZIs of a mesh sit: columns of disjoint pairs of modes, one MZI per pair."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import index
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from retrolux._kernels import Layout

__all__ = ["Topology", "from_columns"]


@dataclass(frozen=True, eq=False, repr=False)
class Topology:
    """Where the MZIs of a mesh sit; build one with `rectangular`, `triangular`, … or `from_columns`.

    MZIs are numbered column by column, top to bottom: entry k of `theta` and `phi` belongs to ``pairs[k]``.
    Two topologies are equal when their modes, pairs and columns are, whatever their names. A topology never
    changes, so a deep copy is the topology itself.

    Attributes
    ----------
    name : str
        What built it, for example ``"rectangular"``.
    modes : int
        Number of waveguides N.
    pairs : ndarray of int32, shape (mzis, 2), read-only
        Upper and lower mode (a, b) of each MZI.
    starts : ndarray of int32, shape (columns + 1,), read-only
        MZIs ``starts[c]`` to ``starts[c + 1]`` form column ``c``.
    """

    name: str
    modes: int
    pairs: NDArray[np.int32]
    starts: NDArray[np.int32]

    def __post_init__(self) -> None:
        self.pairs.setflags(write=False)
        self.starts.setflags(write=False)

    @property
    def mzis(self) -> int:
        """Number of MZIs."""
        return len(self.pairs)

    @property
    def columns(self) -> tuple[NDArray[np.int32], ...]:
        """The pairs of each column, as read-only views of shape (pairs, 2)."""
        return tuple(self.pairs[i:j] for i, j in zip(self.starts[:-1], self.starts[1:], strict=True))

    @property
    def depth(self) -> int:
        """Number of columns."""
        return len(self.starts) - 1

    @cached_property
    def longest_path(self) -> int:
        """The most MZIs that light can meet on its way."""
        met = np.zeros(self.modes, dtype=np.intp)
        for pairs in self.columns:
            met[pairs] = met[pairs].max(axis=1, keepdims=True) + 1
        return int(met.max())

    @cached_property
    def key(self) -> str:
        """A name for this layout that is the same in every process: modes, MZIs and a digest of the pairs."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(self.starts.ravel().data)
        digest.update(self.pairs.ravel().data)
        return f"{self.modes}x{self.mzis}:{digest.hexdigest()}"

    @cached_property
    def code(self) -> str:
        """The whole layout as one line of text, from which `from_code` builds it again in any process.

        Programs that torch saves hold it. It is short, as neighbouring columns are alike: 160 characters for a
        rectangular mesh of 64 modes.
        """
        # Differences of neighbours, nearly all alike, are what zlib packs well.
        numbers = np.diff(np.concatenate([self.starts, self.pairs.ravel()]).astype("<i4"), prepend=np.int32(0))
        packed = base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()
        return f"{self.modes}:{self.mzis}:{self.depth}:{packed}:{self.name}"

    @staticmethod
    def from_code(code: str) -> Topology:
        """Build a topology again from its `code`.

        Raises
        ------
        ValueError
            When the text is not such a code.
        """
        return _from_code(code)

    @cached_property
    def layout(self) -> Layout:
        """The pairs as the kernels take them: checked once, shared by every pass."""
        from retrolux._kernels import Layout  # noqa: PLC0415 - meshes alone need no compiled module

        return Layout(self.modes, self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Topology({self.name}: {self.modes} modes, {self.mzis} MZIs in {self.depth} columns)"

    def __copy__(self) -> Topology:
        return self

    def __deepcopy__(self, memo: object) -> Topology:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return Topology, (self.name, self.modes, self.pairs, self.starts)


def from_columns(
    modes: int, columns: Iterable[Sequence[tuple[int, int]] | NDArray[np.integer]], name: str = "custom"
) -> Topology:
    """Build a topology from a hand-made list of columns.

    Parameters
    ----------
    modes : int
        Number of waveguides N ≥ 2.
    columns : iterable of sequences of (upper, lower)
        The pairs of each column, in the order light meets them. The pairs of a column share no mode;
        `upper` is the arm that carries the phase shifters. MZIs are numbered in the order given here.
        Columns may be empty (modes pass straight).
    name : str
        Shown by the repr.

    Returns
    -------
    Topology
        With the pairs in int32.

    Raises
    ------
    TypeError
        When `modes` is not an integer.
    ValueError
        When `modes` is below 2, a column is not a list of pairs of integers, a mode is out of range, or a
        column uses a mode twice.
    """
    if index(modes) < 2:
        raise ValueError(f"modes must be at least 2, got {modes}")
    checked = [_column(index(modes), number, column) for number, column in enumerate(columns)]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int32), *checked])
    starts = np.cumsum([0, *map(len, checked)], dtype=np.int32)
    return Topology(name, index(modes), pairs, starts)


def _column(modes: int, number: int, column: Sequence[tuple[int, int]] | NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the pairs of one column as int32, shape (pairs, 2), checked."""
    wanted = f"column {number} must be a list of (upper, lower) pairs of integers"
    try:
        pairs = np.asarray(column)
    except ValueError:
        raise ValueError(f"{wanted}, got {column!r}") from None
    if pairs.size == 0:
        return np.empty((0, 2), dtype=np.int32)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise ValueError(f"{wanted}, got {column!r}")
    outside = pairs[(pairs < 0) | (pairs >= modes)]
    if outside.size:
        raise ValueError(f"column {number} must use modes 0 to {modes - 1}, got mode {outside[0]}")
    pairs = pairs.astype(np.int32)
    counts = np.bincount(pairs.ravel())
    if counts.max() > 1:
        raise ValueError(f"column {number} must use a mode at most once, got mode {np.argmax(counts > 1)} twice")
    return pairs


@lru_cache(maxsize=256)  # a compiled graph asks in every pass
def _from_code(code: str) -> Topology:
    try:
        *sizes, packed, name = code.split(":", 4)
        modes, mzis, depth = map(int, sizes)
        length = 4 * (depth + 1 + 2 * mzis)
        if min(mzis, depth) < 0:
            raise ValueError("negative sizes")
        data = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), length + 1)
        numbers = np.cumsum(np.frombuffer(data, "<i4"), dtype=np.int32)
        starts, pairs = numbers[: depth + 1], numbers[depth + 1 :].reshape(-1, 2)
        if len(data) != length or (starts[0], starts[-1]) != (0, mzis) or (np.diff(starts) < 0).any():
            raise ValueError("sizes that do not fit")
        return from_columns(modes, np.split(pairs, starts[1:-1]) if depth else [], name)
    except (ValueError, OverflowError, zlib.error) as error:
        raise ValueError(f"not the code of a topology ({error}): {code[:80]!r}") from None
