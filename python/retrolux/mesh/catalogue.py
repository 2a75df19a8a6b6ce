"""Every topology that can be asked for by its name."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from retrolux.mesh.builders import (
    butterfly,
    cascade,
    diamond,
    permuting_rectangular,
    rectangular,
    tree,
    triangular,
)
from retrolux.mesh.three_mzi_mesh import three_mzi

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.mesh.topology import Topology

__all__ = ["TOPOLOGIES", "NamedTopology"]


def _is_any(modes: int) -> bool:
    return modes >= 2


def _is_even(modes: int) -> bool:
    return modes >= 2 and modes % 2 == 0


def _is_power_of_two(modes: int) -> bool:
    return modes >= 2 and modes & (modes - 1) == 0


def _diamond(modes: int) -> Topology:
    """Return the diamond mesh of so many modes, of which the builder takes the size of the unitary."""
    if not _is_even(modes):
        raise ValueError(f"modes must be even for a diamond, at least 2, got {modes}")
    return diamond(modes // 2 + 1)


@dataclass(frozen=True, kw_only=True)
class NamedTopology:
    """A topology, and what it serves.

    Attributes
    ----------
    build : callable
        Returns the topology of so many modes. Raises ValueError where there is none.
    exists : callable
        Whether there is one of so many modes.
    universal : bool
        Whether `decompose` finds phases for every unitary.
    not_trained, not_costed : str
        Why networks of the study are not made of it, and why its cost is not counted; empty where they are, or it is.
    """

    build: Callable[[int], Topology]
    exists: Callable[[int], bool] = _is_any
    universal: bool = False
    not_trained: str = ""
    not_costed: str = ""

    def at_least(self, modes: int) -> Topology:
        """Return the smallest one that has so many modes."""
        return self.build(next(size for size in count(modes) if self.exists(size)))


_FROM_ONE_MODE = "it spreads the light of one mode: the first outputs see few of the other inputs"
_LONE_COUPLERS = (
    "half of its entries are lone couplers, MZIs with the settings of `three_mzi_couplers`, which Mesh takes as "
    "coupler_error and trainable, but the chips, pictures and costs of a study take for MZIs"
)

TOPOLOGIES: dict[str, NamedTopology] = {
    "triangular": NamedTopology(build=triangular, universal=True),
    "rectangular": NamedTopology(build=rectangular, universal=True),
    "butterfly": NamedTopology(build=butterfly, exists=_is_power_of_two),
    "permuting_rectangular": NamedTopology(build=permuting_rectangular),
    "diamond": NamedTopology(build=_diamond, exists=_is_even),
    "tree": NamedTopology(build=tree, not_trained=_FROM_ONE_MODE),
    "cascade": NamedTopology(build=cascade, not_trained=_FROM_ONE_MODE),
    "three_mzi": NamedTopology(build=three_mzi, not_trained=_LONE_COUPLERS, not_costed=_LONE_COUPLERS),
}
"""The topologies by their names."""
