"""Layers without memory: made on the meta device they have shapes, and take their numbers later."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.gradient import METHODS
from retrolux.hardware import Imperfections
from retrolux.nn import (
    Blocks,
    Conv1d,
    Conv2d,
    ElectroOptic,
    Intensity,
    IntensityLinear,
    Linear,
    Mesh,
    ModReLU,
    Modulus,
    UnitaryRNN,
    convert,
    fit_matrix,
)

IMPERFECTIONS = {"coupler_error": np.full((6, 2), 0.1), "loss_db": np.full((6, 4), 0.2)}
MASK = np.arange(12).reshape(6, 2) % 3 == 0
LAYERS = {
    "mesh": (lambda: Mesh(mesh.rectangular(4), seed=1), (3, 4)),
    "imperfect mesh": (
        lambda: Mesh(mesh.rectangular(4), seed=1, trainable=MASK, train_gamma=False, **IMPERFECTIONS),
        (3, 4),
    ),
    "given mesh": (lambda: Mesh(mesh.rectangular(4), phases=(range(6), range(6), range(4))), (3, 4)),
    "chip": (lambda: Mesh(mesh.rectangular(4), seed=1, imperfections=Imperfections(coupler_std=0.1)), (3, 4)),
    "linear": (lambda: Linear(4, 3, seed=1), (3, 4)),
    "chips": (lambda: Linear(4, 3, seed=1, imperfections=Imperfections(coupler_std=0.1)), (3, 4)),
    "conv1d": (lambda: Conv1d(2, 3, 2, seed=1), (3, 2, 5)),
    "conv2d": (lambda: Conv2d(1, 3, 2, seed=1), (3, 1, 4, 4)),
    "intensity": (lambda: IntensityLinear(4, 2, mesh=Mesh(mesh.rectangular(4), seed=1)), (3, 4)),
    "modrelu": (lambda: ModReLU(0.1, 4), (3, 4)),
    "electro-optic": (lambda: ElectroOptic(modes=4), (3, 4)),
    "detectors": (lambda: Intensity([2, 0]), (3, 4)),
}


def out(layer, x):
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_empty_layers_become_what_they_would_have_been(make, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    expected = make()
    with torch.device("meta"):
        empty = make()
    assert all(p.is_meta for p in empty.parameters())
    filled = empty.to_empty(device="cpu")
    for p in filled.parameters():  # what the memory may hold
        torch.nn.init.constant_(p, torch.nan)
    if hasattr(filled, "reset_parameters"):
        filled.reset_parameters()
    for (name, a), (_, b) in zip(expected.state_dict().items(), filled.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    assert {n: p.requires_grad for n, p in filled.named_parameters()} == {
        n: p.requires_grad for n, p in expected.named_parameters()
    }
    assert torch.equal(out(filled, x), out(expected, x))


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("assign", [False, True])
def test_empty_layers_take_a_state(make, shape, assign):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    source = make()
    with torch.no_grad():
        for p in source.parameters():
            p.add_(0.1)
    with torch.device("meta"):
        layer = make()
    layer = layer if assign else layer.to_empty(device="cpu")
    layer.load_state_dict(source.state_dict(), assign=assign)
    y, expected = out(layer, x), out(source, x)
    assert torch.equal(y, expected)
    if not y.requires_grad:
        return
    for module, result in ((layer, y), (source, expected)):
        module.zero_grad()
        result.abs().sum().backward()
    for a, b in zip(layer.parameters(), source.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None)
        assert a.grad is None or torch.equal(a.grad, b.grad)


def test_recurrences():
    with torch.device("meta"):
        rnn = UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), seed=1))
    assert all(p.is_meta for p in rnn.parameters())
    rnn.to_empty(device="cpu").reset_parameters()
    assert torch.equal(rnn.cell.mesh.theta, Mesh(mesh.rectangular(4), seed=1).theta)
    assert all(torch.isfinite(torch.view_as_real(p) if p.is_complex() else p).all() for p in rnn.parameters())
    twin = UnitaryRNN(2, 4)
    twin.load_state_dict(rnn.state_dict())
    x = torch.ones(3, 1, 2)
    assert torch.equal(rnn(x)[0], twin(x)[0])


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize(("make", "shape"), [pair for name, pair in LAYERS.items() if "chip" not in name])
def test_empty_layers_tell_the_shape_of_what_they_return(make, shape, grad):
    expected = out(make(), torch.ones(shape))
    with torch.device("meta"), torch.set_grad_enabled(grad):
        layer = make()
        y = out(layer, torch.ones(shape))
    assert (y.shape, y.dtype, y.device.type) == (expected.shape, expected.dtype, "meta")
    if y.requires_grad:
        y.abs().sum().backward()
        assert all(p.grad.shape == p.shape for p in layer.parameters() if p.requires_grad)


def test_masks_and_ports_move_with_their_layer():
    with torch.device("meta"):
        model = torch.nn.Sequential(Mesh(mesh.rectangular(4), trainable=MASK), Intensity([3, 1]))
    for device in ("cpu", "meta", "cpu"):
        model.to_empty(device=device)
        assert (model[0].trainable.device.type, model[1].index.device.type) == (device, device)
    assert torch.equal(model[0].trainable, torch.from_numpy(MASK))
    assert model[1].index.tolist() == [3, 1]
    assert torch.equal(copy.deepcopy(model)[0].trainable, torch.from_numpy(MASK))


def test_seeds_none_and_given():
    makes = (lambda **o: Mesh(mesh.rectangular(4), **o), lambda **o: Linear(4, 4, **o), lambda **o: Blocks(4, 4, **o))
    for make in makes:
        drawn, fixed = make(), make(seed=3)
        for layer, same in ((drawn, False), (fixed, True)):
            before = [p.detach().clone() for p in layer.parameters()]
            layer.reset_parameters()
            assert all(torch.equal(a, b) == same for a, b in zip(before, layer.parameters(), strict=True) if a.ndim)
        torch.manual_seed(5)
        drawn.reset_parameters()
        torch.manual_seed(5)
        assert all(torch.equal(a, b) for a, b in zip(drawn.parameters(), make().parameters(), strict=True))


def test_a_chip_stays_when_phases_are_set_anew():
    layer = Mesh(mesh.rectangular(4), seed=1, imperfections=Imperfections(phase_std=0.1))
    layer(torch.ones(4))
    chip = layer.experiment.chip
    layer.reset_parameters()
    assert layer.experiment.chip is chip
    assert chip.writes == 1


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_the_device_can_be_given(device):
    for layer in (
        Mesh(mesh.rectangular(4), device=device, loss_db=np.zeros((6, 4))),
        Linear(4, 4, device=device),
        Conv2d(1, 2, 2, device=device),
        torch.nn.utils.skip_init(Linear, 4, 4, device=device),
    ):
        tensors = [*layer.parameters(), *layer.buffers()]
        assert {tensor.device.type for tensor in tensors} == {device}


def test_models_without_values_are_not_converted():
    with pytest.raises(ValueError, match="not the model itself, Linear: on the meta device, without values"):
        convert(torch.nn.Linear(4, 4, device="meta"))


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (Modulus, torch.complex64),
        (lambda: ModReLU(0.1), torch.complex64),
        (ElectroOptic, torch.complex64),
        (lambda: Mesh(mesh.rectangular(4), seed=1), torch.complex64),
        (lambda: Linear(4, 3, seed=1), torch.float32),
        (lambda: IntensityLinear(4, 3, mesh=Mesh(mesh.rectangular(4), seed=1)), torch.float32),
        (lambda: Intensity([0, 2]), torch.complex64),
    ],
)
def test_a_default_device_does_not_move_the_work(make, dtype):
    layer = make()
    x = torch.randn(3, 4, dtype=dtype, generator=torch.Generator().manual_seed(0), requires_grad=True)
    expected = layer(x)
    (gradient,) = torch.autograd.grad(expected.abs().sum(), x)
    with torch.device("meta"):
        y = layer(x)
        y.abs().sum().backward()
    assert torch.equal(y, expected)
    assert torch.equal(x.grad, gradient)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_a_default_device_does_not_move_derivatives_and_fits():
    layer = Mesh(mesh.rectangular(4), seed=1, dtype=torch.complex128)
    x = torch.ones(4, dtype=torch.complex128)

    def power(theta):
        return torch.func.functional_call(layer, {"theta": theta}, (x,)).abs()[0]

    expected = torch.func.hessian(power)(layer.theta.detach())
    with torch.device("meta"):
        torch.testing.assert_close(torch.func.hessian(power)(layer.theta.detach()), expected)
        assert fit_matrix(layer, layer.matrix().detach().numpy(), steps=1) < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_a_default_device_does_not_move_an_experiment(method):
    imperfections = Imperfections(coupler_std=0.02)
    results = []
    for place in ("cpu", "meta"):
        layer = Mesh(mesh.rectangular(4), seed=0, imperfections=imperfections, gradient=method)
        with torch.device(place):
            y = layer(torch.ones(2, 4, device="cpu"))
            y.abs().sum().backward()
        results.append((y, layer.theta.grad))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
