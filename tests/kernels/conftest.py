"""Kernels of every instruction set that this machine runs, called the way the torch operators call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrolux import mesh
from retrolux._kernels import Kernels, isas_usable
from retrolux.mesh.settings import FIELDS, Settings, setting_shapes

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


*OTHERS, IN_USE = isas_usable


@pytest.fixture(params=[*(pytest.param(isa, marks=pytest.mark.slow) for isa in OTHERS), IN_USE])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


class OnTensors:
    """Kernels that are handed torch's tensors of the arrays that a test hands them."""

    def __init__(self, kernels: Kernels, torch: Any) -> None:
        self._kernels, self._torch = kernels, torch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._kernels, name)
        return lambda *arguments, **named: method(
            *map(self._held, arguments), **{key: self._held(value) for key, value in named.items()}
        )

    def _held(self, argument: Any) -> Any:
        if isinstance(argument, tuple):
            return tuple(map(self._held, argument))
        return self._torch.from_numpy(argument) if isinstance(argument, np.ndarray) else argument


@pytest.fixture(params=["ndarray", "tensor"])
def on_either(request: pytest.FixtureRequest, kernels: Kernels) -> Any:
    """Kernels on NumPy's arrays, and on torch's tensors where torch is installed."""
    return kernels if request.param == "ndarray" else OnTensors(kernels, pytest.importorskip("torch"))


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

    @property
    def record(self) -> Settings:
        """The settings as the kernels take them."""
        return Settings(**self.settings)

    @classmethod
    def draw(
        cls,
        topology: Topology,
        batch: int,
        real: np.dtype[Any],
        rng: np.random.Generator,
        imperfect: bool = True,
    ) -> Case:
        """Draw unit-power light and, where `imperfect`, large coupler errors and unequal losses."""
        shape = (batch, topology.modes)
        light = rng.normal(size=(2, *shape)) + 1j * rng.normal(size=(2, *shape))
        light /= np.sqrt(2 * topology.modes)
        x, grad_y = light.astype(np.result_type(real, 1j))
        settings: dict[str, NDArray[Any] | None] = {
            "theta": rng.uniform(-7, 7, topology.mzis),
            "phi": rng.uniform(-7, 7, topology.mzis),
            "gamma": rng.uniform(-7, 7, topology.modes),
            "coupler_error": rng.normal(0, 0.2, (topology.mzis, 2)) if imperfect else None,
            "loss_db": rng.uniform(0, 0.3, (topology.mzis, 4)) if imperfect else None,
        }
        settings = {name: None if s is None else s.astype(real) for name, s in settings.items()}
        return cls(topology, x, grad_y, settings)

    def forward(self, kernels: Kernels, threads: int = 1) -> NDArray[Any]:
        y = np.full_like(self.x, np.nan)
        kernels.forward(self.topology.layout, self.record, self.x, y, threads)
        return y

    def reverse(self, kernels: Kernels, threads: int = 1) -> NDArray[Any]:
        grad_x = np.full_like(self.x, np.nan)
        kernels.reverse(self.topology.layout, self.record, self.grad_y, grad_x, threads)
        return grad_x

    def adjoint(
        self, kernels: Kernels, y: NDArray[Any], threads: int = 1, error_gradients: bool = False
    ) -> dict[str, NDArray[Any]]:
        real, shapes = self.settings["theta"].dtype, setting_shapes(self.topology)
        wanted = [name for name, field in FIELDS.items() if error_gradients or not field.optional]
        found = {name: np.full(shapes[name], np.nan, real) for name in wanted}
        grad_x = np.full_like(self.x, np.nan)
        x = None if self.settings["loss_db"] is None else self.x
        room = Settings(**dict.fromkeys(FIELDS) | found)
        kernels.adjoint(self.topology.layout, self.record, y, self.grad_y, x, grad_x, room, threads)
        return {"x": grad_x, **found}


@pytest.fixture
def draw() -> Any:
    return Case.draw
