"""Layers on a GPU give what they give on the CPU: outputs, gradients, chips, transforms, compiled programs."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

import retrolux
from retrolux import analog, mesh, nn
from retrolux.functional import propagate
from retrolux.hardware import Imperfections

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators"),  # torch's own
]


def converted():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 3))
    return retrolux.convert(model, block=8)


# What makes a layer, and the shape and dtype of what it takes.
LAYERS = {
    "mesh": (lambda: nn.Mesh(mesh.rectangular(6), seed=0), (50, 6), torch.complex64),
    "linear": (lambda: nn.Linear(20, 12, block=8, seed=0), (50, 20), torch.float32),
    "conv": (lambda: nn.Conv2d(3, 4, 3, block=8, seed=0), (5, 3, 9, 9), torch.float32),
    "modulus": (nn.Modulus, (50, 6), torch.complex64),
    "detectors": (lambda: nn.Intensity(ports=range(3)), (50, 6), torch.complex64),
    "converted": (converted, (5, 1, 8, 8), torch.float32),
}


@pytest.mark.parametrize(("make", "shape", "dtype"), LAYERS.values(), ids=LAYERS)
def test_a_layer_does_what_it_does_on_the_cpu(make, shape, dtype):
    torch.manual_seed(1)
    x, results = torch.randn(shape, dtype=dtype), []
    for device in ("cpu", "cuda"):
        layer, light = make().to(device), x.detach().clone().to(device).requires_grad_()
        y = layer(light)
        weights = torch.linspace(0, 1, y.shape[-1], device=device)
        (y.abs().square() * weights).sum().backward()
        assert y.device.type == light.grad.device.type == device
        results.append([y.detach().cpu(), light.grad.cpu(), *(p.grad.cpu() for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-4 * float(a.abs().max() + 1))


@pytest.mark.parametrize("make", [partial(nn.Mesh, mesh.triangular(6)), partial(nn.Linear, 6, 4)])
def test_chips_are_in_the_laboratory(make):
    layer = make(imperfections=Imperfections(coupler_std=0.02), gradient="three_measurement").cuda()
    with pytest.raises(ValueError, match="light for a chip must be on the CPU, got a tensor on cuda:0"):
        layer(torch.randn(5, 6, device="cuda"))


def test_a_model_learns_on_the_gpu_and_comes_back():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        nn.Mesh(mesh.rectangular(8), seed=0),
        nn.Modulus(),
        nn.Mesh(mesh.rectangular(8), seed=1),
        nn.Intensity(ports=range(3)),
    )
    x, classes = torch.randn(64, 8, device="cuda"), torch.randint(3, (64,), device="cuda")
    model.cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(3 * model(x), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    twin = copy.deepcopy(model).cpu()
    twin.load_state_dict(model.state_dict())
    torch.testing.assert_close(twin(x.cpu()), model(x).cpu(), rtol=1e-4, atol=1e-4)


def test_transforms_and_second_derivatives():
    topology = mesh.rectangular(4)
    generator = torch.Generator().manual_seed(0)
    cpu = [torch.randn(size, dtype=torch.float64, generator=generator) for size in (6, 6, 4)]
    x = torch.randn(5, 4, dtype=torch.complex128, generator=generator)

    def loss(theta, phi, gamma):
        return propagate(x.to(theta.device), theta, phi, gamma, topology).abs()[:, :2].sum()

    on_cpu, on_gpu = (
        (
            torch.func.grad(loss)(*(phase.to(device) for phase in cpu)),
            torch.func.hessian(loss)(*(phase.to(device) for phase in cpu)),
        )
        for device in ("cpu", "cuda")
    )
    for a, b in zip(on_cpu, on_gpu, strict=True):
        assert b.device.type == "cuda"
        torch.testing.assert_close(a, b.cpu())


def test_a_compiled_model():
    model = torch.nn.Sequential(nn.Mesh(mesh.rectangular(8), seed=0), nn.Modulus()).cuda()
    x = torch.randn(30, 8, dtype=torch.complex64, device="cuda")
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x))
    compiled(x).sum().backward()
    assert model[0].theta.grad.device.type == "cuda"


def test_analog_layers():
    layer = torch.nn.Sequential(analog.ReducePrecision(15), analog.GaussianNoise(leakage=0.2, precision=15)).cuda()
    x = torch.rand(1000, device="cuda", requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.device.type == x.grad.device.type == "cuda"
    assert 0 < (y - x).abs().mean() < 0.2
