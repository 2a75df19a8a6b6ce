"""A chip's layout: columns of disjoint pairs of modes, one MZI per pair."""

from __future__ import annotations

import hashlib
import weakref
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Topology", "from_columns"]

_known: weakref.WeakValueDictionary[str, Topology] = weakref.WeakValueDictionary()


@dataclass(frozen=True, eq=False, repr=False)
class Topology:
    """Where the MZIs of a mesh sit; build one with `rectangular`, `triangular`, … or `from_columns`.

    MZIs are numbered column by column, top to bottom: entry ``k`` of `theta` and `phi` belongs to ``pairs[k]``.
    Two topologies are equal when their pairs and columns are, whatever their names.

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
        _known.setdefault(self.key, self)

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
    def key(self) -> str:
        """A name for this layout that is the same in every process: modes, MZIs and a digest of the pairs."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(self.starts.tobytes())
        digest.update(self.pairs.tobytes())
        return f"{self.modes}x{self.mzis}:{digest.hexdigest()}"

    @staticmethod
    def from_key(key: str) -> Topology:
        """Return the living topology with this `key`.

        Raises
        ------
        KeyError
            When no such topology exists in this process.
        """
        try:
            return _known[key]
        except KeyError:
            raise KeyError(f"no topology with key {key!r} is alive in this process") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Topology({self.name}: {self.modes} modes, {self.mzis} MZIs in {self.depth} columns)"

    def __reduce__(self) -> tuple[object, ...]:
        return Topology, (self.name, self.modes, self.pairs.copy(), self.starts.copy())


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
        `upper` is the arm that carries the phase shifters. Columns may be empty (modes pass straight).
    name : str
        Shown by the repr.

    Raises
    ------
    ValueError
        When a mode is out of range, or a column uses a mode twice.
    """
    raise NotImplementedError
