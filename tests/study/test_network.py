"""The network of the study: equal to the oracle, Haar-random and reproducible at the start, γ at rest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.gradient import ThreeMeasurement
from retrolux.hardware import Imperfections
from retrolux.mesh import reference
from retrolux.study import Network, TrainConfig
from retrolux.study.config import CHOICES
from retrolux.study.network import random_stream

SMALL = TrainConfig(modes=12, meshes=3, gain=7.0, dtype="complex128", seed=3)


def fields(rng, samples, modes):
    return rng.normal(size=(samples, modes)) + 1j * rng.normal(size=(samples, modes))


def powers(network, x):
    """Return |y|² behind the last mesh, by the oracle."""
    for topology, theta, phi in network.phases():
        x = np.abs(reference.propagate(topology, x, theta, phi, np.zeros(topology.modes)))
    return x**2


@pytest.mark.parametrize("topology", CHOICES["topology"])
def test_logits_are_gain_times_power_at_the_first_ports(rng, topology):
    modes = mesh.TOPOLOGIES[topology].at_least(12).modes
    network = Network(replace(SMALL, topology=topology, modes=modes))
    x = fields(rng, 5, modes)
    logits = network(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(logits, 7.0 * powers(network, x)[:, :10], rtol=1e-10)


def test_planar_logits_add_two_ports_per_class(rng):
    network = Network(replace(TrainConfig.recommended("ring"), dtype="complex128", topology="butterfly"))
    x = fields(rng, 5, 4)
    p = powers(network, x)
    expected = np.stack([p[:, 0] + p[:, 1], p[:, 2] + p[:, 3]], axis=1)
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-10)


def test_every_mesh_is_another_chip_of_the_seed():
    config = replace(SMALL, imperfections=Imperfections(coupler_std=0.1), chip_seed=5)
    network, again, other = Network(config), Network(config), Network(replace(config, chip_seed=6))
    errors = [layer.experiment.chip.fabrication.coupler_error for layer in (*network.layers, *other.layers)]
    assert len({array.tobytes() for array in errors}) == len(errors) == 6
    for one, same in zip(network.layers, again.layers, strict=True):
        np.testing.assert_array_equal(
            one.experiment.chip.fabrication.coupler_error, same.experiment.chip.fabrication.coupler_error
        )
        assert torch.equal(one.theta, same.theta)
    assert network.layers[0].experiment.method == ThreeMeasurement()


def test_a_network_on_chips_counts_light_and_compares_gradients(rng):
    network = Network(replace(SMALL, gradient="sum_difference"))
    assert network.shots() == 0
    with pytest.raises(RuntimeError, match="a backward pass through it"):
        network.gradient_cosine()
    network(torch.from_numpy(fields(rng, 5, 12))).square().sum().backward()
    assert network.shots() == 3 * 4 * 5
    assert network.gradient_cosine() == pytest.approx(1, abs=1e-10)
    assert (Network(SMALL).shots(), Network(SMALL).gradient_cosine()) == (0, 1.0)
    (0 * network(torch.from_numpy(fields(rng, 5, 12))).sum()).backward()
    assert math.isnan(network.gradient_cosine())  # no gradient, no direction


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.float32])
def test_takes_every_number_type(rng, dtype):
    x = torch.from_numpy(fields(rng, 3, 12))
    logits = Network(SMALL)(x.to(dtype) if dtype.is_complex else x.real.to(dtype))
    assert logits.dtype == torch.float64
    assert logits.shape == (3, 10)


def test_starts_haar_random_with_resting_output_phases():
    network = Network(replace(SMALL, modes=64))
    for layer in network.meshes:
        assert not layer.gamma.any()
        assert not layer.gamma.requires_grad
        # E cos²(θ/2) of an MZI with upper mode y is (y + 1)/(y + 2), with a variance below 1/12.
        y = layer.topology.pairs[:, 0]
        crossed = layer.theta.detach().div(2).cos().square().numpy()
        error = crossed.mean() - ((y + 1) / (y + 2)).mean()
        assert abs(error) < 5 * np.sqrt(1 / 12 / layer.topology.mzis)


def test_the_seed_decides_the_first_phases():
    first, again, other = (Network(replace(SMALL, seed=seed)) for seed in (3, 3, 4))
    for a, b, c in zip(first.meshes, again.meshes, other.meshes, strict=True):
        assert torch.equal(a.theta, b.theta)
        assert torch.equal(a.phi, b.phi)
        assert not torch.equal(a.theta, c.theta)
    assert not torch.equal(first.meshes[0].theta, first.meshes[1].theta)


def test_phases_are_those_of_the_meshes():
    network = Network(SMALL)
    for (topology, theta, phi), layer in zip(network.phases(), network.meshes, strict=True):
        assert topology == mesh.triangular(12)
        np.testing.assert_array_equal(theta, layer.theta.detach().numpy())
        np.testing.assert_array_equal(phi, layer.phi.detach().numpy())


def test_random_streams_differ_by_seed_purpose_and_index():
    draws = {
        random_stream(seed, purpose, index).integers(2**62)
        for seed in (0, 1)
        for purpose in ("phases", "order")
        for index in (0, 1)
    }
    assert len(draws) == 8
    assert random_stream(5, "order", 2).integers(2**62) == random_stream(5, "order", 2).integers(2**62)


def test_a_topology_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        Network(replace(SMALL, topology="butterfly"))
