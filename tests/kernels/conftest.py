"""Kernels of every instruction set that this machine runs, called the way the torch operators call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrolux import mesh
from retrolux._kernels import Kernels, isas_usable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh import Topology

# Every topology, and the odd sizes at which tiles, columns and pairs stop being regular.
TOPOLOGIES = {
    **{name: named.at_least(5) for name, named in mesh.TOPOLOGIES.items()},
    "rectangular 2": mesh.rectangular(2),
    "rectangular 3": mesh.rectangular(3),
    "rectangular 17": mesh.rectangular(17),
    "rectangular 6, 11 columns": mesh.rectangular(6, columns=11),
    "by hand": mesh.from_columns(5, [[(4, 0), (1, 3)], [], [(2, 4)]]),
    "no MZI": mesh.from_columns(3, [[]]),
}


@pytest.fixture(params=isas_usable)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


@pytest.fixture(params=["float32", "float64"])
def real(request: pytest.FixtureRequest) -> np.dtype[Any]:
    return np.dtype(request.param)


@pytest.fixture(params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> Topology:
    return TOPOLOGIES[request.param]


@dataclass
class Case:
    """Light and settings for a mesh, all in one precision."""

    topology: Topology
    x: NDArray[Any]
    grad_y: NDArray[Any]
    settings: dict[str, NDArray[Any] | None]

    @classmethod
    def draw(
        cls,
        topology: Topology,
        batch: int,
        real: np.dtype[Any],
        rng: np.random.Generator,
        flawed: bool = True,
    ) -> Case:
        """Draw unit-power light and, where `flawed`, large coupler errors and unequal losses."""
        shape = (batch, topology.modes)
        light = rng.normal(size=(2, *shape)) + 1j * rng.normal(size=(2, *shape))
        light /= np.sqrt(2 * topology.modes)
        x, grad_y = light.astype(np.result_type(real, 1j))
        settings: dict[str, NDArray[Any] | None] = {
            "theta": rng.uniform(-7, 7, topology.mzis),
            "phi": rng.uniform(-7, 7, topology.mzis),
            "gamma": rng.uniform(-7, 7, topology.modes),
            "coupler_error": rng.normal(0, 0.2, (topology.mzis, 2)) if flawed else None,
            "loss_db": rng.uniform(0, 0.3, (topology.mzis, 4)) if flawed else None,
        }
        settings = {name: None if s is None else s.astype(real) for name, s in settings.items()}
        return cls(topology, x, grad_y, settings)

    def forward(self, kernels: Kernels, threads: int = 1) -> NDArray[Any]:
        y = np.full_like(self.x, np.nan)
        kernels.forward(self.topology.layout, self.x, *self.settings.values(), y, threads)
        return y

    def reverse(self, kernels: Kernels, threads: int = 1) -> NDArray[Any]:
        grad_x = np.full_like(self.x, np.nan)
        kernels.reverse(self.topology.layout, self.grad_y, *self.settings.values(), grad_x, threads)
        return grad_x

    def adjoint(
        self, kernels: Kernels, y: NDArray[Any], threads: int = 1, error_gradients: bool = False
    ) -> dict[str, NDArray[Any]]:
        real, mzis, modes = self.settings["theta"].dtype, self.topology.mzis, self.topology.modes
        found = {
            "x": np.full_like(self.x, np.nan),
            "theta": np.full(mzis, np.nan, real),
            "phi": np.full(mzis, np.nan, real),
            "gamma": np.full(modes, np.nan, real),
        }
        errors = (np.full((mzis, 2), np.nan, real), np.full((mzis, 4), np.nan, real))
        extra = dict(zip(("coupler_error", "loss_db"), errors, strict=True)) if error_gradients else {}
        kernels.adjoint(
            self.topology.layout,
            y,
            self.grad_y,
            *self.settings.values(),
            None if self.settings["loss_db"] is None else self.x,
            *found.values(),
            *(extra.values() or (None, None)),
            threads,
        )
        return found | extra


@pytest.fixture
def draw() -> Any:
    return Case.draw
