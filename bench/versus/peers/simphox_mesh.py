"""Simphox in JAX, jitted: Pai et al., Science 380, 398 (2023)."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import jax
import jax.example_libraries.optimizers
import jax.numpy as jnp
import numpy as np
from _mesh import Mesh, columns, load
from _worker import enter, release, serve

if TYPE_CHECKING:
    from pathlib import Path

enter("simphox")
sys.modules["simphox.fdfd"] = MagicMock()
sys.modules["jax.experimental.optimizers"] = jax.example_libraries.optimizers
_PATCHES = [
    "its electromagnetic half, which needs parts that JAX has dropped, is not imported",
    "jax.experimental.optimizers is jax.example_libraries.optimizers",
]

from simphox.circuit import CouplingNode, ForwardMesh  # noqa: E402 - after the patches


def about() -> dict[str, Any]:
    return {"version": release("simphox"), "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    mesh = ForwardMesh(
        [
            CouplingNode(node_id=mzis.start + index, n=case.modes, column=column, top=int(top), bottom=int(top) + 1)
            for column, (mzis, upper) in enumerate(columns(case.modes))
            for index, top in enumerate(upper)
        ]
    )
    phases = [jnp.asarray(phase, jnp.float32) for phase in (case.theta, case.phi, case.gamma)]
    x, grad_y = jnp.asarray(case.x, jnp.complex64), jnp.asarray(case.grad_y, jnp.complex64)
    if "inputs" in inspect.signature(mesh.matrix_fn).parameters:  # the release; later commits take them as below

        def through(phases: Any, light: Any) -> Any:
            return mesh.matrix_fn(inputs=light, use_jax=True)(phases)

    else:
        through = mesh.matrix_fn(use_jax=True)

    def run(phases: Any, x: Any) -> Any:
        # As its layers do where the batch is larger: the matrix first.
        if len(x) > case.modes:
            return x @ through(phases, jnp.eye(case.modes, dtype=jnp.complex64)).T
        return through(phases, x.T).T

    @jax.jit
    def step(phases: Any, x: Any) -> Any:
        _, pull = jax.vjp(run, phases, x)
        return pull(grad_y.conj())  # JAX's gradients are the conjugates of ours

    forward = jax.jit(run)
    return Mesh(
        case,
        lambda: forward(phases, x).block_until_ready(),
        lambda: jax.block_until_ready(step(phases, x)),
        lambda y: y,
        lambda found: (found[1].conj(), np.concatenate(found[0])),
    )


if __name__ == "__main__":
    serve(about, build)
