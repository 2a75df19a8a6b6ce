"""The tasks in the plane after training: what the networks decide, and one of them with light in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from retrolux import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from retrolux.study.network import Network

__all__ = ["EXTENT", "map_decisions", "second_class"]

EXTENT = 2.1
"""Half the side of the square that holds the points of the planar tasks."""
_SIDE = 121


def second_class(network: Network, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of the second class at points of the plane.

    Parameters
    ----------
    network : Network
        Trained on a planar task.
    points : ndarray of float64, shape (points, 2)

    Returns
    -------
    ndarray of float64, shape (points,)
    """
    with torch.no_grad():
        classes = network(data.embed(torch.from_numpy(points))).softmax(dim=-1)
    return np.asarray(classes[:, 1], dtype=np.float64)


def map_decisions(networks: Mapping[tuple[str, str], Network]) -> xr.Dataset:
    """Return what networks decide, and the phases of the first with the light of a sample.

    Parameters
    ----------
    networks : mapping of (task, gradient) to Network
        Every task with every kind of gradient, trained.

    Returns
    -------
    Dataset
        ``planar_map`` (planar_task, planar_gradient, planar_x2, planar_x1), float32: the probability of the second
        class in the plane; ``planar_decision`` (planar_task, planar_gradient, planar_sample), float64: the same at the
        test samples, of which ``planar_point`` (planar_task, planar_sample, planar_axis) has the place and
        ``planar_label`` the class. ``mesh_theta`` and ``mesh_phi`` (mesh_layer, mesh_mzi) are phases (rad), and
        ``mesh_field`` (mesh_mode, mesh_part) is the real and the imaginary part of the light of a sample.
    """
    tasks, gradients = (list(dict.fromkeys(key[i] for key in networks)) for i in range(2))
    side = np.linspace(-EXTENT, EXTENT, _SIDE)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    sets = [data.load(task) for task in tasks]
    points = np.stack([dataset.test_x.real[:, :2].numpy() for dataset in sets]).astype(np.float64)
    maps = [[second_class(networks[task, gradient], plane) for gradient in gradients] for task in tasks]
    decisions = [
        [second_class(networks[task, gradient], at) for gradient in gradients]
        for task, at in zip(tasks, points, strict=True)
    ]
    first = networks[tasks[0], gradients[0]]
    field = sets[0].test_x[0].numpy()
    of_plane = ("planar_task", "planar_gradient")
    of_mesh = ("mesh_layer", "mesh_mzi")
    one, radian = {"units": "1"}, {"units": "rad"}
    return xr.Dataset(
        {
            "planar_map": (
                (*of_plane, "planar_x2", "planar_x1"),
                np.reshape(maps, (len(tasks), len(gradients), _SIDE, _SIDE)).astype(np.float32),
                one | {"long_name": "probability of the second class in the plane"},
            ),
            "planar_decision": (
                (*of_plane, "planar_sample"),
                np.array(decisions),
                one | {"long_name": "probability of the second class at the test samples"},
            ),
            "planar_point": (("planar_task", "planar_sample", "planar_axis"), points, one),
            "planar_label": (
                ("planar_task", "planar_sample"),
                np.stack([dataset.test_y.numpy() for dataset in sets]),
                {"long_name": "class"},
            ),
            "mesh_theta": (of_mesh, np.stack([theta for _, theta, _ in first.phases()]), radian),
            "mesh_phi": (of_mesh, np.stack([phi for _, _, phi in first.phases()]), radian),
            "mesh_field": (
                ("mesh_mode", "mesh_part"),
                np.stack([field.real, field.imag], axis=-1),
                one | {"long_name": "light of a sample", "task": tasks[0], "topology": first.phases()[0][0].name},
            ),
        },
        {
            "planar_task": tasks,
            "planar_gradient": gradients,
            "planar_x1": ("planar_x1", side, one),
            "planar_x2": ("planar_x2", side, one),
            "planar_axis": ["x1", "x2"],
            "mesh_part": ["real", "imaginary"],
        },
    )
