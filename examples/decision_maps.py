"""Train three 4-mode meshes on four tasks in the plane and draw what they decide.

    python examples/decision_maps.py --out maps.png

The tasks of Pai et al., Science 380, 398 (2023): points [x₁, x₂] enter as light [x₁, x₂, b, b] of total power 9.
"""

from __future__ import annotations

import dataclasses
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from retrolux import data, plot
from retrolux.study import TrainConfig, start_run
from retrolux.study.planar import EXTENT, second_class

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def main(epochs: int = 100, out: Path = Path("decision_maps.png")) -> None:
    """Train three 4-mode meshes on four tasks in the plane and draw what they decide.

    Parameters
    ----------
    epochs
        Passes over the points of each task.
    out
        The figure.
    """
    probability: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {}
    points: dict[str, NDArray[np.float64]] = {}
    labels: dict[str, NDArray[np.int64]] = {}
    for kind in data.PLANAR:
        with tempfile.TemporaryDirectory() as folder:
            run = start_run(dataclasses.replace(TrainConfig.recommended(kind), epochs=epochs), folder)
        print(f"{kind}: test accuracy {100 - 100 * run.history[-1].test_error:.1f} %")
        probability[kind] = partial(second_class, run.network)
        points[kind] = run.dataset.test_x.real[:, :2].numpy()  # the other two modes make up the power
        labels[kind] = run.dataset.test_y.numpy()
    plot.decision_maps(probability, points, labels, EXTENT).savefig(out, dpi=150)
    print(f"figure: {out}")


if __name__ == "__main__":
    tyro.cli(main)
