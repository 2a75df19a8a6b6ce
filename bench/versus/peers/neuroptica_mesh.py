"""Neuroptica in NumPy: Bartlett, Minkov, Hughes and Williamson, github.com/fancompute/neuroptica (2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from _mesh import Mesh, behind, load
from _worker import release, serve
from neuroptica import ClementsLayer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def about() -> dict[str, Any]:
    return {"version": release("neuroptica"), "precision": "complex128", "patches": []}


def build(path: Path) -> Mesh:
    case = load(path)
    layer = ClementsLayer(case.modes)
    theta, external, at_input = behind(case.theta, case.phi, case.gamma)
    shifters, *mzi_columns = layer.mesh.layers
    mzis = [mzi for column in mzi_columns for mzi in column]
    for shifter, phase in zip(shifters, at_input, strict=True):
        shifter.phi = phase
    for mzi, internal, outer in zip(mzis, theta, external, strict=True):
        mzi.theta, mzi.phi = internal, outer
    x, adjoint = case.x.T, case.grad_y.conj().T

    def step() -> Any:
        layer.forward_pass(x, cache_fields=True, use_partial_vectors=True)
        grad_x = layer.backward_pass(adjoint, cache_fields=True, use_partial_vectors=True)
        of_samples = layer.mesh.compute_gradients(x, adjoint, cache_fields=True)
        return grad_x, {component: samples.sum(-1) for component, samples in of_samples.items()}

    def gradients(found: Any) -> tuple[Any, Any]:
        grad_x, of = found
        return grad_x.conj().T, np.concatenate([of[component] for component in (*mzis, *shifters)])

    return Mesh(case, lambda: layer.forward_pass(x), step, lambda y: y.T, gradients, settings)


def settings(theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> NDArray[np.float64]:
    """Return its phases: theta and phi of each MZI, then those at the inputs."""
    theta, external, at_input = behind(theta, phi, gamma)
    return np.concatenate([np.stack([theta, external], axis=1).ravel(), at_input])


if __name__ == "__main__":
    serve(about, build)
