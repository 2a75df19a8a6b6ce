"""Conversion of models: the function stays, what is chosen changes, what must stay stays, and all of it comes back."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

import retrolux
from retrolux.hardware import Imperfections
from retrolux.nn import Conv1d, Conv2d, Linear, Mesh


class BasicBlock(nn.Module):
    """As in torchvision's ResNet."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """As torchvision's, small."""

    def __init__(self, classes=5):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2), BasicBlock(16, 16))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(self.avgpool(self.layer2(self.layer1(x))).flatten(1))


@pytest.fixture
def resnet():
    torch.manual_seed(0)
    return ResNet().eval()


@pytest.fixture
def images():
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def hooked(layer):
    layer.register_forward_hook(lambda *_: None)
    return layer


def photonic(model):
    return {name for name, layer in model.named_modules() if isinstance(layer, (Linear, Conv1d, Conv2d))}


def test_a_resnet_keeps_its_function_and_comes_back(resnet, images):
    expected = resnet(images)
    converted = retrolux.convert(resnet, block=8)
    assert len(photonic(converted)) == 11
    assert not photonic(resnet)
    torch.testing.assert_close(converted(images), expected, rtol=0, atol=1e-4)
    back = retrolux.convert_back(converted)
    assert repr(back) == repr(resnet)
    torch.testing.assert_close(back.state_dict(), resnet.state_dict(), rtol=0, atol=1e-6)
    assert len(photonic(converted)) == 11
    resnet.load_state_dict(back.state_dict())


@pytest.mark.slow
def test_a_converted_resnet_learns(resnet, images):
    model = retrolux.convert(resnet.train(), block=8)
    assert model.training
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(model(images), torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (nn.Linear, {"fc"}),
        ("fc", {"fc"}),
        ("layer2.*.conv1", {"layer2.0.conv1", "layer2.1.conv1"}),
        (lambda name, layer: isinstance(layer, nn.Conv2d) and layer.kernel_size == (7, 7), {"conv1"}),
        (["conv1", nn.Linear], {"conv1", "fc"}),
    ],
)
def test_layers_are_chosen_by_type_name_or_predicate(resnet, where, expected):
    assert photonic(retrolux.convert(resnet, where, block=8)) == expected


def test_the_report_tells_what_changed_and_what_was_left_and_why(resnet):
    reports = []
    retrolux.convert(resnet, "layer1.*", block=8, report=reports.append)
    (report,) = reports
    assert set(report.changed) == {f"layer1.{i}.conv{j}" for i in (0, 1) for j in (1, 2)}
    digital, layer = report.changed["layer1.0.conv1"]
    assert (type(digital), type(layer)) == (nn.Conv2d, Conv2d)
    assert report.left["fc"][1] == "not chosen"
    assert report.left["bn1"][1] == "no photonic counterpart"
    lines = [" ".join(line.split()) for line in str(report).splitlines()]
    assert lines[0].startswith("layer1.0.conv1 Conv2d(8, 8, kernel_size=(3, 3)")
    assert lines[0].endswith("18 rectangular meshes of 8 modes")
    assert "fc Linear(in_features=16, out_features=5, bias=True) left: not chosen" in lines
    swapped = 4 * 8 * 8 * 9
    share = swapped / sum(p.numel() for p in resnet.parameters())
    assert lines[-1] == f"4 of {len(lines) - 1} layers swapped, {share:.1%} of the parameters"


def test_layers_on_which_something_else_depends_stay():
    model = nn.ModuleDict(
        {
            "embedding": nn.Embedding(5, 4),
            "tied": nn.Linear(4, 5),
            "hooked": nn.Linear(4, 4),
            "normed": nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
            "attention": nn.MultiheadAttention(4, 2),
            "halved": nn.Linear(4, 4, dtype=torch.bfloat16),
            "mesh": Mesh(retrolux.mesh.rectangular(4)),
            "old": Linear(4, 4),
            "plain": nn.Linear(4, 4),
        }
    )
    model["tied"].weight = model["embedding"].weight
    model["hooked"].register_forward_hook(lambda *_: None)
    reports = []
    converted = retrolux.convert(model, report=reports.append)
    assert set(reports[0].changed) == {"plain"}
    reasons = {name: reason for name, (_, reason) in reports[0].left.items()}
    assert reasons["tied"] == "shares a parameter with another layer"
    assert reasons["hooked"] == "has hooks"
    assert reasons["normed"] == reasons["attention.out_proj"] == "a subclass, which may do more"
    assert reasons["halved"] == "in torch.bfloat16"
    assert reasons["mesh"] == reasons["old"] == "photonic already"
    assert reasons["embedding"] == reasons["attention"] == "no photonic counterpart"
    assert converted["tied"].weight is converted["embedding"].weight
    assert set(photonic(converted)) == {"old", "plain"}


def test_lazy_layers_stay_until_they_have_sizes():
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.Linear(4, 4), nn.LazyConv1d(3, 1))
    reports = []
    converted = retrolux.convert(model, report=reports.append)
    assert set(reports[0].changed) == {"2"}
    assert {reason for _, reason in reports[0].left.values()} == {
        "has no sizes yet (send a batch through the model first)"
    }
    lines = str(reports[0]).splitlines()
    assert lines[1].startswith("0  LazyLinear(in_features=0")
    assert lines[-1] == "1 of 4 layers swapped, 100.0% of the parameters"
    with pytest.raises(ValueError, match="there is none; not the model itself, LazyLinear: has no sizes yet"):
        retrolux.convert(nn.LazyLinear(4))
    model[:2](torch.ones(2, 3))
    assert isinstance(retrolux.convert(model[:2])[0], Linear)
    assert isinstance(converted[0], nn.LazyLinear)


def test_pruned_layers_stay_until_that_is_permanent(images):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 4), nn.Linear(4, 4))
    for layer in (model[0], model[3]):
        prune.l1_unstructured(layer, "weight", amount=0.5)
    prune.random_unstructured(model[3], "bias", amount=1)
    reports = []
    converted = retrolux.convert(model, report=reports.append, block=4)
    assert set(reports[0].changed) == {"2"}
    assert {reports[0].left[name][1] for name in "03"} == {
        "is pruned (torch.nn.utils.prune.remove makes that permanent)"
    }
    optimizer = torch.optim.SGD([*converted[3].parameters()], 0.1)
    for _ in range(2):
        torch.testing.assert_close(converted(images).mean().isfinite(), torch.tensor(True))
        converted(images).square().sum().backward()
        optimizer.step()
    assert (converted[3].weight == 0).sum() == 8
    assert not torch.equal(converted[3].weight, model[3].weight)
    prune.remove(model[0], "weight")
    whole = retrolux.convert(model, "0")
    torch.testing.assert_close(whole(images), model(images), rtol=0, atol=1e-4)
    assert torch.equal(retrolux.convert_back(whole)[3].weight, model[3].weight)


@pytest.mark.parametrize("layer", [Linear(4, 4), Conv1d(2, 2, 2), Conv2d(2, 2, 2)])
def test_a_computed_weight_is_not_pruned(layer):
    with pytest.raises(TypeError, match="the weight is computed from meshes and cannot be pruned; prune the digital"):
        prune.l1_unstructured(layer, "weight", amount=0.5)
    prune.random_unstructured(layer, "bias", amount=0.5)
    assert (layer.bias == 0).sum() == len(layer.bias) // 2


def test_a_layer_used_twice_stays_one_layer():
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    for converted in (retrolux.convert(model), retrolux.convert(model, "2")):
        assert converted[0] is converted[2]
        assert isinstance(converted[0], Linear)
        back = retrolux.convert_back(converted)
        assert back[0] is back[2]
        assert type(back[0]) is nn.Linear


@pytest.mark.parametrize("chips", [{}, {"imperfections": Imperfections()}])
def test_a_transformer_that_reads_the_weights_of_its_layers(chips):
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    converted, x = retrolux.convert(model, **chips), torch.randn(2, 5, 8)
    torch.testing.assert_close(converted(x), model(x), rtol=0, atol=1e-5)
    with torch.no_grad():  # torch's fast path
        torch.testing.assert_close(converted(x), model(x), rtol=0, atol=1e-5)


def test_in_place_and_the_model_itself():
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Flatten(), nn.Linear(9, 2))
    assert retrolux.convert(model, inplace=True) is model
    assert photonic(model) == {"0", "2"}
    assert retrolux.convert_back(model, inplace=True) is model
    assert not photonic(model)
    assert isinstance(retrolux.convert(nn.Linear(3, 2)), Linear)
    assert type(retrolux.convert_back(retrolux.convert(nn.Linear(3, 2)))) is nn.Linear


def test_frozen_layers_stay_frozen_and_subspaces_train_alone():
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 4))
    frozen, trained = retrolux.convert(model, train="sigma")
    assert not any(p.requires_grad for p in frozen.parameters())
    assert {name for name, p in trained.named_parameters() if p.requires_grad} == {
        "bias",
        "blocks.sigma",
        "blocks.gain",
    }


def test_chips_of_all_layers_are_different(resnet, images):
    imperfections = Imperfections(coupler_std=0.03, tap_noise=0.01)
    options = {"block": 8, "imperfections": imperfections, "gradient": "sum_difference", "chip_seed": 7}
    model, same = (retrolux.convert(resnet, "layer1.*", **options) for _ in range(2))
    seeds = [one.chip.seed for name in photonic(model) for one in model.get_submodule(name).blocks.experiments]
    assert len(set(seeds)) == len(seeds) == 4 * 18
    assert torch.equal(model(images), same(images))
    with torch.no_grad():
        assert 1e-4 < (model(images) - resnet(images)).abs().max() < 1
    F.cross_entropy(model(images), torch.arange(4)).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    torch.testing.assert_close(retrolux.convert_back(model).state_dict(), resnet.state_dict(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("where", ["fcc", nn.BatchNorm2d, lambda *_: False])
def test_a_choice_of_nothing_is_refused(resnet, where):
    with pytest.raises(ValueError, match=r"where must choose a layer that can be swapped \(there are conv1, layer1"):
        retrolux.convert(resnet, where)


def test_models_without_anything_to_swap(resnet):
    with pytest.raises(ValueError, match=r"a layer that can be swapped \(there is none: no layer has parameters\)"):
        retrolux.convert(nn.ReLU())
    why = "there is none; not 0, Conv3d: no photonic counterpart; not 1 and 1 more, LayerNorm: no photonic counterpart"
    with pytest.raises(ValueError, match=rf"\({why}\)"):
        retrolux.convert(nn.Sequential(nn.Conv3d(1, 1, 1), nn.LayerNorm(2), nn.LayerNorm(2)))
    with pytest.raises(ValueError, match=r"there is none; not the model itself, Linear: has hooks\)"):
        retrolux.convert(hooked(nn.Linear(2, 2)))
    for layer in resnet.modules():
        if isinstance(layer, nn.Conv2d):
            hooked(layer)
    why = "there are fc; not conv1 and 9 more, Conv2d: has hooks; not bn1 and 9 more, BatchNorm2d: no photonic"
    with pytest.raises(ValueError, match=why):
        retrolux.convert(resnet, "conv*")
    with pytest.raises(ValueError, match="convert_back needs a model with photonic layers, got ResNet without one"):
        retrolux.convert_back(resnet)


@pytest.mark.parametrize("model", [[1], None, nn.Linear])
def test_what_is_no_model_is_refused(model):
    for run in (retrolux.convert, retrolux.convert_back):
        with pytest.raises(TypeError, match=re.escape(f"model must be a torch.nn.Module, got {model!r}")):
            run(model)


def test_bad_options_change_nothing(resnet):
    before = repr(resnet)
    with pytest.raises(ValueError, match="block must be at least 2 modes, got 1"):
        retrolux.convert(resnet, inplace=True, block=1)
    with pytest.raises(ValueError, match="chip_seed must be at least 0, got -1"):
        retrolux.convert(resnet, inplace=True, chip_seed=-1)
    assert repr(resnet) == before


def test_a_copy_of_a_converted_model_is_independent(resnet, images):
    model = retrolux.convert(resnet, "fc", block=8)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.fc.blocks.gain.mul_(2)
    assert not torch.equal(twin(images), model(images))
