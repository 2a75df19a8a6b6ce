"""The kernels' passes by themselves: arrays made beforehand, no torch, no allocation in what is timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux import _kernels
from retrolux.mesh.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from retrolux._kernels import Kernels
    from retrolux.mesh import Topology

__all__ = ["Passes", "prepare"]


@dataclass(frozen=True)
class Passes:
    """The two passes of a training step on the mesh route, in single precision."""

    forward: Callable[[], None]
    adjoint: Callable[[], None]


def prepare(topology: Topology, batch: int, threads: int, kernels: Kernels = _kernels.kernels) -> Passes:
    """Return the passes of `batch` samples through an ideal mesh; the adjoint gives gradients of light and phases."""
    generator = np.random.default_rng(1)
    layout, real = topology.layout, np.float32
    x, y, grad_y, grad_x = (_light(generator, batch, topology.modes) for _ in range(4))
    sizes = topology.mzis, topology.mzis, topology.modes
    settings = Settings(*((2 * np.pi * generator.random(size)).astype(real) for size in sizes))
    grads = Settings(*(np.empty(size, real) for size in sizes))

    def forward() -> None:
        kernels.forward(layout, settings, x, y, threads)

    def adjoint() -> None:
        kernels.adjoint(layout, settings, y, grad_y, None, grad_x, grads, threads)

    return Passes(forward, adjoint)


def _light(generator: np.random.Generator, batch: int, modes: int) -> NDArray[Any]:
    return generator.standard_normal((batch, 2 * modes)).astype(np.float32).view(np.complex64)
