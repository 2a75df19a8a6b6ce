"""Pictures of small networks: what they decide, and the light in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrolux import mesh
from retrolux.plot import DecisionMap, column_powers, draw_decision_maps, draw_meshes
from retrolux.report.pictures import Picture

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["decisions", "light"]


def decisions(results: xr.Dataset) -> Picture | None:
    """Draw the decision maps of the planar tasks; None where they were not trained."""
    if "planar_map" not in results:
        return None
    maps = {}
    for gradient in results["planar_gradient"].values:
        for task in results["planar_task"].values:
            chosen = results.sel(planar_task=task, planar_gradient=gradient)
            maps[f"{task}, {gradient}"] = DecisionMap(
                chosen["planar_map"].values,
                chosen["planar_decision"].values,
                chosen["planar_point"].values,
                chosen["planar_label"].values,
            )
    extent = float(results["planar_x1"].max())
    return Picture(
        "decision_maps",
        "Maps of the plane with the probability of a class, for each task, with exact and with measured gradients.",
        "Three meshes of four modes decide in which of two classes a point of the plane lies; dots are test samples, "
        "the percentage is the share on its own side. Above with computed gradients, below with gradients measured on "
        "chips with the errors of the published study; both are read without noise.",
        draw_decision_maps(maps, extent),
        [draw_decision_maps(maps, extent, columns=2)],
        "webp",
    )


def light(results: xr.Dataset) -> Picture | None:
    """Draw the meshes of the first planar task with the light of a sample in them; None where there is none."""
    if "mesh_theta" not in results:
        return None
    about = results["mesh_field"].attrs
    field = results["mesh_field"].values @ np.array([1, 1j])
    meshes, powers = [], []
    for theta, phi in zip(results["mesh_theta"].values, results["mesh_phi"].values, strict=True):
        topology = mesh.TOPOLOGIES[about["topology"]].build(len(field))
        meshes.append((topology, theta, phi))
        powers.append(column_powers(topology, field, theta, phi))
        field = np.abs(mesh.matrix(topology, theta, phi, np.zeros(len(field))) @ field)  # detected and sent on
    titles = [f"mesh {i} of {len(meshes)}" for i in range(1, len(meshes) + 1)]
    return Picture(
        "mesh",
        "Meshes of interferometers with waveguides that are wide and bright where the light is.",
        f"The network that learnt the task {about['task']}, with the light of one sample in it, from left to right. "
        "Each crossing is an interferometer with two phases, the coloured blocks: they are all that is trained. "
        "Between the meshes the light is detected and its modulus sent on.",
        draw_meshes(meshes, powers, titles),
    )
