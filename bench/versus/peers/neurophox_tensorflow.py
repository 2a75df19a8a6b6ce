"""Neurophox, its TensorFlow half, as graphs of tf.function: Pai et al., Phys. Rev. Applied 11, 064044 (2019)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from _mesh import Mesh, load, on_grid
from _worker import release, serve

if TYPE_CHECKING:
    from pathlib import Path

np.complex = complex  # type: ignore[attr-defined]  # noqa: NPY001 - what it needs
_PATCHES = ["numpy.complex, which NumPy 1.24 removed, is complex"]
tf.config.threading.set_intra_op_parallelism_threads(int(os.environ["OMP_NUM_THREADS"]))

from neurophox.tensorflow import RM  # noqa: E402 - after the patches


def about() -> dict[str, Any]:
    return {"version": release("neurophox"), "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    mesh = RM(case.modes, basis="sm")
    x, grad_y = tf.constant(case.x, tf.complex64), tf.constant(case.grad_y, tf.complex64)
    mesh(x)  # Keras makes the phases in the first call
    weights = [mesh.theta, mesh.phi, mesh.gamma]
    sizes = [int(tf.size(weight)) for weight in weights]
    for weight, values in zip(
        weights, np.split(on_grid(case.theta, case.phi, case.gamma), np.cumsum(sizes)[:-1]), strict=True
    ):
        weight.assign(values.reshape(weight.shape))

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        return mesh(x)

    @tf.function
    def step(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            y = mesh(x)
        return tape.gradient(y, [x, *weights], grad_y)

    return Mesh(
        case,
        lambda: forward(x).numpy(),
        lambda: [gradient.numpy() for gradient in step(x)],
        lambda y: y,
        lambda found: (found[0], np.concatenate([gradient.ravel() for gradient in found[1:]])),
        on_grid,
    )


if __name__ == "__main__":
    serve(about, build)
