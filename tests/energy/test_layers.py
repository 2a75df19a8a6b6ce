"""Reports: every mesh of a model is found, with its passes and phases, and the table says what the numbers say."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.energy import (
    EnergyReport,
    MeshSize,
    area,
    digital_mvm,
    energy_report,
    gradient,
    holding_power,
    latency,
    layer_cost,
    mvm,
)
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES
from retrolux.nn import Blocks, Conv2d, Intensity, Linear, Mesh, Modulus, UnitaryRNN

HEATED = PAI2023_TABLES.changed("shifters.power_per_pi", 25)


class Positions(torch.nn.Module):
    """Sends light through a mesh several times per sample, as a convolution does."""

    def __init__(self, passes_per_sample, *inside):
        super().__init__()
        self.passes_per_sample = passes_per_sample
        self.inside = torch.nn.ModuleList(inside)


@pytest.fixture
def network():
    return torch.nn.Sequential(
        Mesh(mesh.triangular(8), seed=0), Modulus(), Mesh(mesh.butterfly(8), seed=1), Intensity(range(3))
    )


def test_layers_cost_what_the_formulas_say(network):
    report = energy_report(network, 50, PAI2023_FIGURE)
    first, second = report.layers
    assert [layer.name for layer in report.layers] == ["0", "2"]
    assert (first.topology, first.modes, first.mzis, first.columns, first.passes) == ("triangular", 8, 28, 13, 1)
    assert first.inference.energy == pytest.approx(mvm(PAI2023_FIGURE, 8, 50))
    assert first.step.energy == pytest.approx(mvm(PAI2023_FIGURE, 8, 50) + gradient(PAI2023_FIGURE, 8, 50))
    assert first.inference.digital == pytest.approx(digital_mvm(PAI2023_FIGURE, 8, 50))
    butterfly = MeshSize.of(mesh.butterfly(8))
    assert second.step.energy == pytest.approx(mvm(PAI2023_FIGURE, 8, 50) + gradient(PAI2023_FIGURE, butterfly, 50))
    assert second.latency == latency(PAI2023_FIGURE, "mvm", butterfly, 1)
    assert second.area == area(PAI2023_FIGURE, butterfly)


def test_the_total_is_the_sum(network):
    report = energy_report(network, 50, HEATED)
    for name in ("inference", "step"):
        costs = [getattr(layer, name) for layer in report.layers]
        total = getattr(report, name)
        for quantity in ("energy", "seconds", "digital", "digital_seconds", "operations"):
            assert getattr(total, quantity) == pytest.approx(sum(getattr(cost, quantity) for cost in costs))
        assert total.energy_ratio == pytest.approx(total.digital / sum(total.parts.values()))
    assert report.area == pytest.approx(sum(layer.area for layer in report.layers))
    assert report.latency == pytest.approx(sum(layer.latency for layer in report.layers))
    assert report.step.operations == 2 * 50 * 8**2 * 18
    assert report.step.tops_per_watt == pytest.approx(1e-12 * report.step.operations / report.step.energy)


def test_shifters_hold_the_phases_of_the_model(network):
    with torch.no_grad():
        for parameter in network[2].parameters():
            parameter.zero_()
    first, second = energy_report(network, 50, HEATED).layers
    phases = np.concatenate([phase.detach().numpy() for phase in network[0].parameters()])
    held = holding_power(HEATED, phases) * latency(HEATED, "mvm", MeshSize.triangular(8), 50)
    assert first.inference.parts["shifters"] == pytest.approx(held)
    assert second.inference.parts["shifters"] == 0


def test_a_module_says_how_often_it_sends_light():
    shared = Mesh(mesh.rectangular(4), seed=0)
    inner = Positions(3, shared)
    model = torch.nn.Sequential(Positions(5, inner, Mesh(mesh.rectangular(6), seed=1)), shared)
    layers = energy_report(model, 10).layers
    assert [(layer.name, layer.passes) for layer in layers] == [
        ("0.inside.0.inside.0", 15),
        ("0.inside.1", 5),
        ("1", 1),
    ]
    assert layers[0].inference.energy == pytest.approx(mvm(PAI2023_TABLES, 4, 150))
    assert layers[0].latency == latency(PAI2023_TABLES, "mvm", 4, 15)
    assert (layers[0].area > 0, layers[2].area) == (True, 0)  # one mesh on the chip, used twice


def test_meshes_of_a_stack_work_side_by_side():
    blocks = Blocks(4, 12, block=4, seed=0)
    stages = energy_report(Positions(5, blocks), 10, HEATED).layers
    assert [(layer.name, layer.meshes, layer.passes) for layer in stages] == [
        ("inside.0, stage 1", 3, 5),
        ("inside.0, stage 2", 3, 5),
    ]
    for layer, *phases in zip(stages, blocks.theta, blocks.phi, blocks.gamma, strict=True):
        held = holding_power(HEATED, np.concatenate([phase.detach().ravel() for phase in phases]))
        one = layer_cost(HEATED, "one", blocks.topology, 10, 5, held / 3)
        assert layer.inference.energy == pytest.approx(3 * one.inference.energy)
        assert layer.inference.digital == pytest.approx(3 * one.inference.digital)
        assert layer.step.operations == 3 * one.step.operations
        assert (layer.inference.seconds, layer.latency) == (one.inference.seconds, one.latency)
        assert layer.area == pytest.approx(3 * one.area)
    assert "3 × rectangular, 4 modes" in str(energy_report(blocks, 10))


class Forwarding(torch.nn.Module):
    """A wrapper of a user: what it does not know it asks the model in it."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inside"), name)


class Exposing(torch.nn.Module):
    """A wrapper that shows the settings of its mesh as its own."""

    topology = property(lambda self: self.inside.topology)
    theta = property(lambda self: self.inside.theta)
    phi = property(lambda self: self.inside.phi)
    gamma = property(lambda self: self.inside.gamma)

    def __init__(self, inside):
        super().__init__()
        self.inside = inside


def compiled(model):
    return torch.compile(model, backend="eager")


def convolution():
    layer = Conv2d(1, 2, 3, seed=0)
    layer(torch.zeros(1, 1, 10, 10))
    return layer


def recurrence():
    rnn = UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), seed=0))
    rnn(torch.zeros(12, 1, 2))
    return rnn


MODELS = {
    "mesh": (lambda: Mesh(mesh.rectangular(4), seed=0), 1),
    "convolution": (convolution, 64),
    "recurrence": (recurrence, 12),
    "linear": (lambda: torch.nn.Sequential(Linear(4, 4, seed=0), torch.nn.Tanh()), 1),
}


@pytest.mark.parametrize(("make", "passes"), MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("wrap", [compiled, torch.nn.DataParallel])
def test_what_torch_wraps_costs_the_same(make, passes, wrap):
    model = make()
    plain = energy_report(model, 600)
    assert {layer.passes for layer in plain.layers} == {passes}
    assert energy_report(wrap(model), 600) == plain
    assert energy_report(torch.nn.DataParallel(wrap(model)), 600) == plain
    part = energy_report(torch.nn.Sequential(wrap(model)), 600)
    assert part == energy_report(torch.nn.Sequential(model), 600)


@pytest.mark.parametrize(("make", "passes"), MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("wrap", [Forwarding, lambda m: Forwarding(compiled(Forwarding(m)))])
def test_wrappers_that_hand_on_attributes_cost_nothing(make, passes, wrap):
    model = make()
    plain, wrapped = energy_report(model, 600), energy_report(wrap(model), 600)
    assert [layer.passes for layer in wrapped.layers] == [layer.passes for layer in plain.layers]
    assert (wrapped.inference, wrapped.step, wrapped.area) == (plain.inference, plain.step, plain.area)


def test_other_ways_in_which_a_mesh_is_wrapped():
    layer = Mesh(mesh.rectangular(4), seed=0)
    plain = energy_report(layer, 600)
    assert energy_report(Exposing(layer), 600).inference == plain.inference
    torch.nn.utils.parametrize.register_parametrization(layer, "theta", torch.nn.Identity())
    assert [cost.name for cost in energy_report(layer, 600).layers] == ["ParametrizedMesh"]
    for model in (layer, compiled(layer)):
        assert energy_report(model, 600).inference == plain.inference


def test_a_mesh_alone_is_a_model():
    report = energy_report(Mesh(mesh.rectangular(4), seed=0), 1)
    assert [layer.name for layer in report.layers] == ["Mesh"]


def test_the_table_says_it_all(network):
    text = str(energy_report(network, 50)).splitlines()
    assert text[0] == "pai2023_tables, batches of 50, against 8-bit digital at 100 fJ per operation"
    header = "layer mesh passes inference ratio TOPS/W training step ratio latency step time area"
    assert " ".join(text[1].split()) == header
    # 21.522 pJ · 8 per inference; 6 · 0.1 pJ · 64 for the digital rival.
    assert text[2].startswith("0      triangular, 8 modes       1     172 pJ  0.223×    2.23 ")
    assert text[2].endswith("mm²")
    assert text[4].split()[:4] == ["total", "344", "pJ", "0.223×"]
    assert text[5].startswith("inference: dac 46.5 %, adc 25.6 %, amplifier 13.0 %, laser 9.3 %, operation 5.6 %, ")
    assert text[7].startswith("digital:   inference 76.8 pJ, training step 11.5 nJ in ")
    assert len(text) == 8


def test_the_dict_is_plain_and_complete(network):
    report = energy_report(network, 50)
    numbers = json.loads(json.dumps(report.to_dict()))
    assert (numbers["device"], numbers["batch"], len(numbers["layers"])) == ("pai2023_tables", 50, 2)
    assert numbers["total"]["step"]["energy"] == report.step.energy
    assert numbers["layers"][1]["inference"]["parts"]["dac"] == pytest.approx(2 * 5e-12 * 8 * 50)
    assert numbers["layers"][0]["inference"]["energy_ratio"] == report.layers[0].inference.energy_ratio


def test_a_report_without_torch_has_haar_random_phases():
    layer = layer_cost(HEATED, "first", mesh.rectangular(8), 50)
    report = EnergyReport(HEATED, 50, (layer,))
    assert report.step.energy == pytest.approx(mvm(HEATED, 8, 50) + gradient(HEATED, 8, 50))


def test_bad_models_and_batches_are_refused(network):
    with pytest.raises(ValueError, match=r"^energy_report needs a model with a mesh, got Linear without one$"):
        energy_report(torch.nn.Linear(4, 4), 10)
    with pytest.raises(ValueError, match=r"^batch must be integers of at least 1, got 0$"):
        energy_report(network, 0)
    with pytest.raises(ValueError, match=r"^passes must be integers of at least 1, got 0$"):
        energy_report(Positions(0, network), 10)


def test_everything_but_reports_works_without_torch():
    code = (
        "import sys; from retrolux import energy, mesh; d = energy.presets.PAI2023_TABLES\n"
        "energy.EnergyReport(d, 9, (energy.layer_cost(d, 'a', mesh.rectangular(4), 9),)).to_dict(); energy.to_toml(d)\n"
        "print({'torch', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
