"""The package `meshes` in C++ with OpenMP: Hamerly et al., Phys. Rev. Applied 18, 024018 (2022)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import meshes.mesh
import numpy as np
from _mesh import Mesh, load
from _worker import serve
from meshes import ClementsNetwork, MZICrossing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_THREADS = int(os.environ["OMP_NUM_THREADS"])
# Its own rule asks for the square root of the work over this, rounded, whatever the number of cores.
_PER_THREAD = 64

meshes.mesh.complex = np.complex64  # the name by which its methods make arrays
_PATCHES = [
    "light in single precision, which its C++ code offers and its methods do not",
    "no more threads than the others may use",
    "one thread in the backward pass: more of them add to the same gradients unguarded, and lose some",
]


class SingleCrossing(MZICrossing):
    """Its ideal MZI in single precision."""

    def T(self, p_phase: Any, p_splitter: Any = 0.0) -> Any:  # noqa: N802 - its name
        return super().T(p_phase).astype(np.complex64)


def about() -> dict[str, Any]:
    if meshes.mesh.BACKEND != "c":
        raise ImportError("its C++ code has not been compiled in the checkout")
    return {"version": "checkout", "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    mesh = ClementsNetwork(N=case.modes, X=SingleCrossing())
    phases = settings(case.theta, case.phi, case.gamma)
    x, grad_y = (np.ascontiguousarray(part.T, dtype=np.complex64) for part in (case.x, case.grad_y))
    threads = min(_THREADS, max(1, round(x.size**0.5 / _PER_THREAD)))

    def forward() -> Any:
        meshes.mesh.OMP_THREADS = threads
        return mesh.dot(x, p_phase=phases)

    def step() -> Any:
        y = forward()
        meshes.mesh.OMP_THREADS = 1
        return mesh.dot_vjp(y, grad_y, p_phase=phases)

    return Mesh(case, forward, step, lambda y: y.T, lambda found: (found[1].T, found[0]), settings)


def settings(theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> NDArray[np.float64]:
    """Return its phases: theta and phi of each crossing, then those of the outputs."""
    return np.concatenate([np.stack([theta, phi], axis=1).ravel(), gamma])


if __name__ == "__main__":
    serve(about, build)
