"""One mesh with detectors: its formula, other meshes, learning, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from retrolux import mesh
from retrolux.hardware import Imperfections
from retrolux.nn import IntensityLinear, Mesh


def test_power_at_the_first_ports():
    layer = IntensityLinear(3, 5, mesh=Mesh(mesh.triangular(6), torch.complex128, seed=0))
    with torch.no_grad():
        layer.gain.fill_(2.0)
        layer.bias.copy_(torch.arange(5))
    x = torch.randn(4, 3, dtype=torch.float64)
    field = x.to(torch.complex128) @ layer.mesh.matrix()[:, :3].mT
    torch.testing.assert_close(layer(x), 2 * field[:, :5].abs().square() + torch.arange(5))
    assert layer(x).dtype == torch.float64


@pytest.mark.parametrize(("inputs", "outputs", "modes"), [(1, 1, 2), (3, 5, 5), (5, 3, 5)])
def test_the_mesh_has_as_many_modes_as_needed(inputs, outputs, modes):
    layer = IntensityLinear(inputs, outputs, bias=False)
    assert layer.mesh.topology == mesh.rectangular(modes)
    assert layer(torch.ones(2, inputs)).shape == (2, outputs)


def test_gradients_equal_finite_differences():
    layer = IntensityLinear(3, 2, mesh=Mesh(mesh.rectangular(3), torch.complex128, seed=0))
    names, values = zip(*layer.named_parameters(), strict=True)

    def evaluate(x, *settings):
        return torch.func.functional_call(layer, dict(zip(names, settings, strict=True)), (x,))

    x = torch.randn(2, 3, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(evaluate, (x, *(value.detach().clone().requires_grad_() for value in values)))


@pytest.mark.slow
def test_it_learns_on_a_chip():
    torch.manual_seed(0)
    chip = Mesh(mesh.rectangular(4), seed=0, imperfections=Imperfections(tap_noise=0.01), gradient="three_measurement")
    layer = IntensityLinear(4, 2, mesh=chip)
    x = F.normalize(torch.randn(60, 4), dim=1)
    labels = (x[:, 0].abs() > x[:, 1].abs()).long()
    optimizer = torch.optim.Adam(layer.parameters(), 0.05)
    for _ in range(60):
        loss = F.cross_entropy(layer(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (layer(x).argmax(1) == labels).double().mean() > 0.9


def test_bad_sizes():
    with pytest.raises(ValueError, match="in_features and out_features must be at least 1, got 0 and 2"):
        IntensityLinear(0, 2)
    with pytest.raises(ValueError, match="mesh must have at least 5 modes, got 4"):
        IntensityLinear(3, 5, mesh=Mesh(mesh.rectangular(4)))
    with pytest.raises(ValueError, match=r"x must have shape \(…, in_features\) = \(…, 3\), got \(2, 4\)"):
        IntensityLinear(3, 2)(torch.ones(2, 4))
