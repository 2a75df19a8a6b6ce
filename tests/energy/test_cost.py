"""What a gradient costs by each method: the light that is really sent, and the digital work."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from retrolux import mesh
from retrolux.energy import (
    Cost,
    MeshSize,
    digital_gradient,
    digital_latency,
    energy_report,
    gradient,
    haar_holding_power,
    latency,
    layer_cost,
    mvm,
)
from retrolux.energy.presets import PAI2023_TABLES, PRESETS
from retrolux.gradient import METHODS, LockIn, Spsa, SumDifference, method_named
from retrolux.hardware import Imperfections
from retrolux.nn import Linear, Mesh
from retrolux.study import Network, TrainConfig

HEATED = PAI2023_TABLES.changed("shifters.power_per_pi", 25)
TOPOLOGY = mesh.rectangular(8)
BATCH = 50


def found_by(method, *, device=HEATED, first=False):
    """Return what the gradient alone costs."""
    layer = layer_cost(device, "one", TOPOLOGY, BATCH, method=method, first=first)
    step, forward = layer.step, layer.inference
    parts = {name: energy - forward.parts.get(name, 0) for name, energy in step.parts.items()}
    return Cost(
        parts,
        step.seconds - forward.seconds,
        step.digital - forward.digital,
        step.digital_seconds - forward.digital_seconds,
        step.operations - forward.operations,
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_light_is_that_of_the_experiment(name):
    """The device lights two modes per sample and mode in every pass, whatever the pass is for."""
    config = TrainConfig(modes=10, meshes=3, batch=BATCH, gradient=name)
    network = Network(config)
    x = torch.randn(BATCH, 10, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    network(x).square().sum().backward()
    lit = energy_report(network, BATCH).step.parts["laser"]
    shots = lit / (2 * 10 * 1e-3 / 1e9)
    if name == "adjoint":  # which no chip can measure
        assert shots == pytest.approx(4 * 3 * BATCH)
    else:
        assert shots == pytest.approx(network.shots())


@pytest.mark.parametrize("device", [*PRESETS.values(), HEATED])
@pytest.mark.parametrize("name", METHODS)
def test_the_energy_by_hand(name, device):
    method = method_named(name)
    work = method.work(2 * TOPOLOGY.mzis)
    found = found_by(method, device=device).energy
    three = float(gradient(device, 8, BATCH))
    per_phase = sum(it.gradient_per_phase * it.energy.si for it in device.components.values()) * 8**2
    if work is None:
        expected = three
    elif work.digital:
        expected = float(digital_gradient(device, 8, BATCH))
    elif work.taps:
        expected = per_phase + (three - per_phase) * work.passes / 3
    else:
        expected = work.passes * float(mvm(device, 8, BATCH))
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("method", "passes"), [(LockIn(), 5), (LockIn(steps=8), 9), (SumDifference(), 3)])
def test_interference_takes_the_time_of_its_passes(method, passes):
    one = float(latency(HEATED, "mvm", 8, BATCH))
    assert found_by(method).seconds == pytest.approx(passes * one)
    assert found_by(method).parts["shifters"] == pytest.approx(passes * one * haar_holding_power(HEATED, 8))


def test_random_directions_and_a_first_mesh():
    one = found_by(Spsa(directions=1), first=True)
    assert found_by(Spsa(directions=1)).energy == pytest.approx(one.energy * 3 / 2)
    assert found_by(Spsa(directions=4), first=True).energy == pytest.approx(one.energy * 4)
    assert one.seconds == pytest.approx(2 * float(latency(HEATED, "mvm", 8, BATCH)))


def test_a_digital_model_costs_what_the_rival_costs():
    found = found_by(method_named("physics_aware"))
    assert {name for name, energy in found.parts.items() if energy} == {"digital model"}
    assert found.energy == pytest.approx(found.digital)
    assert found.energy_ratio == pytest.approx(1)
    assert found.seconds == pytest.approx(float(digital_latency(HEATED, "gradient", 8, BATCH)))


@pytest.mark.parametrize("name", METHODS)
def test_the_digital_rival_does_the_same_whatever_the_method(name):
    found, three = found_by(method_named(name)), found_by(None)
    assert (found.digital, found.digital_seconds, found.operations) == (
        three.digital,
        three.digital_seconds,
        three.operations,
    )


def test_layers_of_several_methods_add_up():
    imperfections = Imperfections()
    model = torch.nn.Sequential(
        Mesh(TOPOLOGY, seed=0, imperfections=imperfections, gradient="physics_aware"),
        Mesh(TOPOLOGY, seed=1, imperfections=imperfections, gradient=Spsa(directions=2)),
        Linear(8, 8, block=8, seed=2, imperfections=imperfections, gradient="lock_in"),
        Mesh(TOPOLOGY, seed=3),
    )
    report = energy_report(model, BATCH)
    assert report.step.energy == pytest.approx(sum(layer.step.energy for layer in report.layers))
    assert "digital model" in str(report)
    model_, random, *stages, exact = report.layers
    assert model_.step.parts["digital model"] == pytest.approx(float(digital_gradient(PAI2023_TABLES, 8, BATCH)))
    assert random.step.energy == pytest.approx(6 * float(mvm(PAI2023_TABLES, 8, BATCH)))
    assert exact.step.energy == pytest.approx(float(mvm(PAI2023_TABLES, 8, BATCH) + gradient(PAI2023_TABLES, 8, BATCH)))
    for stage in stages:
        assert stage.step.parts["laser"] == pytest.approx(6 * stage.inference.parts["laser"])


def test_several_in_turn_take_several_times_as_long():
    once = layer_cost(HEATED, "one", TOPOLOGY, BATCH).step
    assert once.in_turn(3) == replace(once.side_by_side(3), seconds=3 * once.seconds)
    assert (once + once.in_turn(2)).energy == pytest.approx(3 * once.energy)


def test_a_topology_of_the_catalogue_has_a_cost():
    for named in mesh.TOPOLOGIES.values():
        topology = named.at_least(6)
        size = MeshSize.of(topology)
        assert (size.modes, size.mzis, size.columns) == (topology.modes, topology.mzis, topology.depth)
        assert 1 <= size.path <= topology.depth
        cost = layer_cost(PAI2023_TABLES, "one", topology, BATCH)
        assert cost.step.energy == pytest.approx(
            float(mvm(PAI2023_TABLES, size, BATCH) + gradient(PAI2023_TABLES, size, BATCH))
        )
