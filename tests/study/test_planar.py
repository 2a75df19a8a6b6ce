"""What is kept of planar networks is what they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from retrolux import data
from retrolux.study import Network, TrainConfig
from retrolux.study.planar import map_decisions, second_class


@pytest.fixture(scope="module")
def networks():
    return {
        (task, gradient): Network(replace(TrainConfig.recommended(task), seed=seed)).eval()
        for seed, (task, gradient) in enumerate(
            [("moons", "exact"), ("moons", "measured"), ("ring", "exact"), ("ring", "measured")]
        )
    }


@pytest.fixture(scope="module")
def kept(networks):
    return map_decisions(networks)


def test_maps_are_the_probability_in_the_plane(networks, kept):
    x1, x2 = (kept[name].values for name in ("planar_x1", "planar_x2"))
    for (task, gradient), network in networks.items():
        kept_map = kept["planar_map"].sel(planar_task=task, planar_gradient=gradient)
        points = np.array([[x1[3], x2[100]], [x1[60], x2[7]]])
        with torch.no_grad():
            logits = network(data.embed(torch.from_numpy(points)))
        expected = torch.sigmoid(logits[:, 1] - logits[:, 0])
        found = [kept_map.isel(planar_x1=3, planar_x2=100), kept_map.isel(planar_x1=60, planar_x2=7)]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_decisions_are_those_at_the_test_samples(networks, kept):
    for (task, gradient), network in networks.items():
        dataset = data.load(task)
        here = kept.sel(planar_task=task, planar_gradient=gradient)
        with torch.no_grad():
            decided = network(dataset.test_x).argmax(dim=-1)
        np.testing.assert_array_equal(here["planar_decision"].values > 0.5, decided.numpy() == 1)
        np.testing.assert_array_equal(here["planar_label"].values, dataset.test_y.numpy())
        np.testing.assert_allclose(data.embed(torch.from_numpy(here["planar_point"].values)), dataset.test_x, atol=1e-6)


def test_the_first_network_is_kept_with_light(networks, kept):
    first = networks["moons", "exact"]
    for (_, theta, phi), layer in zip(first.phases(), range(3), strict=True):
        np.testing.assert_array_equal(kept["mesh_theta"].isel(mesh_layer=layer), theta)
        np.testing.assert_array_equal(kept["mesh_phi"].isel(mesh_layer=layer), phi)
    field = kept["mesh_field"].values @ np.array([1, 1j])
    np.testing.assert_array_equal(field, data.load("moons").test_x[0].numpy())
    assert kept["mesh_field"].attrs["topology"] == "triangular"


def test_a_point_outside_is_refused(networks):
    with pytest.raises(ValueError, match="every point must have"):
        second_class(networks["moons", "exact"], np.array([[3.1, 0.0]]))
