"""The mesh in pure torch as a layer to be timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pure_torch

from retrolux.bench.layers import Layer, layer, random_phases

if TYPE_CHECKING:
    from retrolux.mesh import Topology

__all__ = ["torch_mesh"]


def torch_mesh(topology: Topology, batch: int, writing: Literal["elementwise", "batched"]) -> Layer:
    """Return the mesh of `retrolux.bench.layers.photonic` in pure torch."""
    columns = pure_torch.Columns.of(topology)
    run = pure_torch.elementwise if writing == "elementwise" else pure_torch.batched
    return layer(
        lambda x, theta, phi, gamma: run(x, theta, phi, gamma, columns),
        random_phases(topology),
        topology.modes,
        batch,
    )
