"""Meshes of Mach-Zehnder interferometers: where they sit, what their phases mean, which phases to set.

Needs NumPy only; `matrix` needs the compiled module when it is called. The physical convention is stated in
`retrolux.mesh.convention`; the plain oracle that everything faster is tested against is `retrolux.mesh.reference`.
"""

from __future__ import annotations

from contextlib import suppress

from retrolux.mesh.builders import (
    butterfly,
    cascade,
    diamond,
    permuting_rectangular,
    rectangular,
    tree,
    triangular,
)
from retrolux.mesh.catalogue import TOPOLOGIES, NamedTopology
from retrolux.mesh.decomposition import Decomposition, decompose, decompose_many, decompose_on
from retrolux.mesh.haar import haar_phases, haar_unitary
from retrolux.mesh.matrices import matrix
from retrolux.mesh.three_mzi_mesh import ThreeMziCouplers, three_mzi, three_mzi_couplers
from retrolux.mesh.topology import Topology, from_columns

with suppress(ImportError):  # said when it is needed; loaded now where there is one, so that it sees the process fork
    import retrolux._kernels  # noqa: F401

__all__ = [
    "TOPOLOGIES",
    "Decomposition",
    "NamedTopology",
    "ThreeMziCouplers",
    "Topology",
    "butterfly",
    "cascade",
    "decompose",
    "decompose_many",
    "decompose_on",
    "diamond",
    "from_columns",
    "haar_phases",
    "haar_unitary",
    "matrix",
    "permuting_rectangular",
    "rectangular",
    "three_mzi",
    "three_mzi_couplers",
    "tree",
    "triangular",
]
