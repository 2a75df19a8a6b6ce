"""Meshes of every kind, and light and settings for them as torch tensors."""

from __future__ import annotations

import pytest
import torch

from retrolux import mesh

TOPOLOGIES = {
    **{name: named.at_least(4) for name, named in mesh.TOPOLOGIES.items()},
    "rectangular 5": mesh.rectangular(5),
    "by hand": mesh.from_columns(5, [[(4, 0), (1, 3)], [(2, 4)]]),
}


@pytest.fixture(params=TOPOLOGIES)
def topology(request):
    return TOPOLOGIES[request.param]


@pytest.fixture
def draw(rng):
    """Return a function that draws light and settings: x, theta, phi, gamma[, coupler_error, loss_db]."""

    def drawn(topology, dtype=torch.complex128, shape=(3,), imperfect=True):
        light = rng.normal(size=(*shape, topology.modes)) + 1j * rng.normal(size=(*shape, topology.modes))
        settings = [rng.uniform(-4, 4, size) for size in (topology.mzis, topology.mzis, topology.modes)]
        if imperfect:
            settings += [rng.normal(0, 0.2, (topology.mzis, 2)), rng.uniform(0.01, 0.3, (topology.mzis, 4))]
        real = dtype.to_real()
        return [torch.tensor(light, dtype=dtype), *(torch.tensor(s, dtype=real) for s in settings)]

    return drawn
