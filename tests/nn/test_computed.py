"""Pruned settings: zero and trained on, through every way in which light or a matrix is asked for."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils import prune

from retrolux import mesh
from retrolux.hardware import Imperfections
from retrolux.nn import Conv2d, Linear, Mesh, UnitaryRNN

MODELS = {
    "linear": (lambda: Linear(4, 4, seed=0), "blocks", "sigma", (3, 4)),
    "conv": (lambda: Conv2d(1, 4, 2, seed=0), "blocks", "sigma", (3, 1, 3, 3)),
    "chips": (lambda: Linear(4, 4, seed=0, imperfections=Imperfections()), "blocks", "sigma", (3, 4)),
    "mesh": (lambda: Mesh(mesh.rectangular(4), seed=0), "", "theta", (3, 4)),
    "rnn": (lambda: UnitaryRNN(4, 4, Mesh(mesh.rectangular(4), seed=0)), "cell.mesh", "theta", (3, 1, 4)),
}


def out(layer, x):
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize(("make", "where", "name", "shape"), MODELS.values(), ids=MODELS)
def test_pruned_settings_stay_zero_while_the_others_learn(make, where, name, shape):
    layer, plain = make(), make()
    pruned = layer.get_submodule(where)
    prune.l1_unstructured(pruned, name, amount=0.5)
    mask = getattr(pruned, f"{name}_mask")
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(layer.parameters(), 0.05)
    weights = torch.arange(4.0)
    for _ in range(3):
        optimizer.zero_grad()
        y = out(layer, x)
        ((y if y.ndim != 4 else y.movedim(1, -1)).abs().square() * weights).sum().backward()
        optimizer.step()
    setting = getattr(pruned, f"{name}_orig").detach() * mask
    for each, other in zip(layer.modules(), plain.modules(), strict=True):
        for key, parameter in other.named_parameters(recurse=False):
            found = getattr(each, f"{key}_orig" if each is pruned and key == name else key)
            parameter.data.copy_(setting if each is pruned and key == name else found)
    with torch.no_grad():
        torch.testing.assert_close(out(layer, x), out(plain, x))
        if where != "":
            return
        assert torch.equal(layer.matrix(), plain.matrix())
    assert (mask == 0).sum() == mask.numel() // 2
