"""How many floating-point operations the passes of light and the dense layer take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrolux._kernels import operations
from retrolux.functional import choose_route

if TYPE_CHECKING:
    from retrolux.mesh import Topology

__all__ = ["ADJOINT_MZI", "FORWARD_MZI", "TAPPED_MZI", "dense", "in_situ", "photonic"]

# Per MZI and sample, as csrc/operations.h counts them.
FORWARD_MZI = operations["forward"]
TAPPED_MZI = operations["tapped"]
ADJOINT_MZI = operations["adjoint"]


def photonic(topology: Topology, batch: int) -> dict[str, float]:
    """Return those of our mesh, "forward" and in a training "step", on the route that it takes."""
    modes, mzis = topology.modes, topology.mzis
    mesh = {"forward": FORWARD_MZI, "step": FORWARD_MZI + ADJOINT_MZI}
    if choose_route(topology, batch) == "mesh":
        return {what: per_mzi * mzis * batch for what, per_mzi in mesh.items()}
    products = dense(modes, batch)
    return {what: per_mzi * mzis * modes + products[what] for what, per_mzi in mesh.items()}


def in_situ(topology: Topology, batch: int) -> float:
    """Return those of the light in a step by three measurements; the noise is not counted."""
    return (FORWARD_MZI + 3 * TAPPED_MZI) * topology.mzis * batch


def dense(modes: int, batch: int) -> dict[str, float]:
    """Return those of the digital layer, one matrix product "forward" and three in a training "step"."""
    product = operations["product"] * modes**2 * batch
    return {"forward": product, "step": 3 * product}
