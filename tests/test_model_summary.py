"""Summaries: counts, losses and energies against what can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import retrolux
from retrolux import mesh
from retrolux.energy import mvm
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES
from retrolux.hardware import Imperfections
from retrolux.nn import Mesh, UnitaryRNN

IMAGE = torch.zeros(1, 2, 6, 6)


@pytest.fixture
def network():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 4))
    return retrolux.convert(model, block=4)


def test_counts_and_energies(network):
    conv, linear = retrolux.summary(network, IMAGE).layers
    assert (conv.name, linear.name) == ("0", "3")
    # 4 × 18 in blocks of 4 × 4: 5 blocks; a rectangular mesh of 4 modes has 6 MZIs.
    assert (conv.meshes, conv.modes, conv.mzis, conv.phases, conv.passes) == (10, 4, 60, 160, 16)
    assert (linear.meshes, linear.mzis, linear.passes) == (32, 192, 1)
    assert conv.energy == pytest.approx(10 * mvm(PAI2023_TABLES, 4, 16))
    assert linear.energy == pytest.approx(32 * mvm(PAI2023_TABLES, 4, 1))
    assert linear.digital == pytest.approx(64 * 4 * 2 * 100e-15)
    assert conv.digital == pytest.approx(16 * 18 * 4 * 2 * 100e-15)
    assert retrolux.summary(network).layers[0].passes == 1
    network(IMAGE)
    assert retrolux.summary(network).layers[0].passes == 16


def test_the_longest_path_loses_what_its_chip_loses():
    losses = Imperfections(loss_db=0.1, column_loss_db=0.01)
    model = retrolux.convert(nn.Linear(6, 6), block=6, imperfections=losses)
    (layer,) = retrolux.summary(model).layers
    assert layer.name == "Linear"
    assert layer.loss_db == pytest.approx(2 * 6 * (2 * 0.1 + 0.01))
    (bare,) = retrolux.summary(Mesh(mesh.triangular(5), loss_db=torch.full((10, 4), 0.1))).layers
    assert (bare.name, bare.meshes, bare.phases) == ("Mesh", 1, 25)
    assert bare.loss_db == pytest.approx(7 * 0.2)
    assert bare.digital == pytest.approx(25 * 6 * 100e-15)
    device = PAI2023_TABLES.changed("link.mzi_loss", 0.3)
    assert retrolux.summary(nn.Sequential(Mesh(mesh.rectangular(4))), device=device).layers[0].loss_db == 4 * 0.3
    lossy = retrolux.summary(model).energy
    assert lossy > retrolux.summary(retrolux.convert(nn.Linear(6, 6), block=6)).energy


def test_recurrences_send_light_at_every_step():
    rnn = UnitaryRNN(1, 4)
    (layer,) = retrolux.summary(rnn, torch.zeros(9, 2, 1)).layers
    assert (layer.name, layer.passes) == ("cell.mesh", 9)
    assert rnn.passes_per_sample == 1  # a copy saw the sample


class Forwarding(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return self.inside(x)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inside"), name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own
def test_wrapped_models_are_what_they_wrap(network):
    rnn = UnitaryRNN(1, 4)
    for model, sample in ((network, IMAGE), (rnn, torch.zeros(12, 2, 1)), (network[3], torch.zeros(1, 64))):
        plain = retrolux.summary(model, sample)
        for wrapped in (torch.compile(model, backend="eager"), nn.DataParallel(model)):
            assert retrolux.summary(wrapped, sample) == plain
        forwarded = retrolux.summary(Forwarding(model), sample)
        assert [(layer.passes, layer.energy) for layer in forwarded.layers] == [
            (layer.passes, layer.energy) for layer in plain.layers
        ]
    with pytest.raises(ValueError, match="summary needs a model with a mesh, got Linear without one"):
        retrolux.summary(torch.compile(nn.Linear(2, 2), backend="eager"))


def test_a_mesh_with_two_names_is_one_mesh_that_light_passes_twice():
    shared = Mesh(mesh.rectangular(4))
    model = nn.Sequential(shared, nn.ReLU(), shared)
    (layer,) = retrolux.summary(model).layers
    assert (layer.name, layer.meshes, layer.passes) == ("0", 1, 2)
    assert layer.energy == pytest.approx(retrolux.energy.energy_report(model, 1).inference.energy)


def test_pruned_models(network):
    network.append(nn.Linear(4, 4))
    plain = retrolux.summary(network, IMAGE)
    nn.utils.prune.l1_unstructured(network[4], "weight", amount=0.5)
    assert retrolux.summary(network, IMAGE) == plain


def test_the_table(network):
    lines = [" ".join(line.split()) for line in str(retrolux.summary(network, IMAGE)).splitlines()]
    assert lines == [
        "pai2023_tables, one sample, against 8-bit digital",
        "layer meshes modes MZIs phases passes longest path inference digital",
        "0 10 4 60 160 16 0 dB 13.8 nJ 230 pJ",
        "3 32 4 192 512 1 0 dB 2.75 nJ 51.2 pJ",
        "total 42 252 672 16.5 nJ 282 pJ",
    ]


def test_refusals(network):
    with pytest.raises(ValueError, match="summary needs a model with a mesh, got Linear without one"):
        retrolux.summary(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="pai2023_figure does not tell the energy of the light"):
        retrolux.summary(network, device=PAI2023_FIGURE)
