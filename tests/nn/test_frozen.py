"""Masked phases: bit by bit where they were after every optimiser, and where their user puts them."""

from __future__ import annotations

import copy
import gc
import io
import pickle

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm

from retrolux import mesh
from retrolux.gradient import METHODS
from retrolux.hardware import Imperfections
from retrolux.nn import Mesh
from retrolux.nn.frozen import _modules

TOPOLOGY = mesh.rectangular(4)
MASK = np.zeros((6, 2), bool)
MASK[[0, 2, 5], 0] = MASK[[1, 2], 1] = True
TRAINED = torch.from_numpy(MASK)


class DecaysFirst(torch.optim.SGD):
    """An optimiser of a user, whose step calls that of its parent."""

    def step(self, closure=None):
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.mul_(0.9)
        return super().step(closure)


class Noisy(torch.optim.Optimizer):
    """Moves all that has a gradient by noise, as Langevin dynamics do."""

    def __init__(self, parameters):
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure()
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(torch.ones_like(parameter), alpha=0.01)
        return loss


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, 0.02, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, 0.02, weight_decay=0.1, amsgrad=True),
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.1, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.5, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.05, weight_decay=0.1),
    "lbfgs": lambda p: torch.optim.LBFGS(p, 0.1, max_iter=4, line_search_fn="strong_wolfe"),
    "parent": lambda p: DecaysFirst(p, 0.05, weight_decay=0.1),
    "noise": Noisy,
}


def target(layer):
    x = torch.randn(4, 4, dtype=layer.dtype, generator=torch.Generator().manual_seed(0))
    return (layer(x).abs().square() * torch.arange(16.0).reshape(4, 4)).sum()


def train(layer, optimizer, steps):
    def closure():
        optimizer.zero_grad()
        loss = target(layer)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)


def phases(layer):
    return torch.stack([layer.theta.detach(), layer.phi.detach()], dim=1).clone()


def check(layer, before):
    after = phases(layer)
    assert torch.equal(after[~TRAINED], before[~TRAINED])
    assert (after != before)[TRAINED].all()
    assert torch.equal(layer.state_dict()["theta"], layer.theta)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_no_optimiser_moves_them(make):
    layer = Mesh(TOPOLOGY, seed=0, trainable=MASK)
    before = phases(layer)
    train(layer, make(layer.parameters()), 100 if make is OPTIMIZERS["adamw"] else 10)
    check(layer, before)
    masked = Mesh(TOPOLOGY, phases=[p.detach() for p in layer.parameters()])
    assert torch.equal(layer(torch.eye(4, dtype=torch.complex64)), masked(torch.eye(4, dtype=torch.complex64)))


@pytest.mark.parametrize("gradient", METHODS)
def test_nor_on_chips(gradient):
    layer = Mesh(TOPOLOGY, seed=0, trainable=MASK, imperfections=Imperfections(coupler_std=0.02), gradient=gradient)
    before = phases(layer)
    train(layer, OPTIMIZERS["adamw"](layer.parameters()), 3)
    check(layer, before)
    assert torch.equal(torch.from_numpy(layer.experiment.written[0])[~TRAINED[:, 0]], before[:, 0][~TRAINED[:, 0]])


@pytest.mark.parametrize("chip", [{}, {"imperfections": Imperfections()}], ids=["exact", "chip"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lbfgs", "noise"])
@pytest.mark.parametrize("pruned", ["before", "after", "twice"])
def test_nor_pruned_ones(optimizer, pruned, chip):
    layer = Mesh(TOPOLOGY, seed=0, trainable=MASK, **chip)
    start = phases(layer)
    optimizer = OPTIMIZERS[optimizer]
    stepped = optimizer(layer.parameters()) if pruned == "after" else None
    for name in ("theta", "phi"):
        kept = torch.ones(6)
        kept[[0, 1]] = 0  # one that is trained and one that is not
        prune.custom_from_mask(layer, name, kept)
        if pruned == "twice":
            prune.identity(layer, name)
    train(layer, stepped or optimizer(layer.parameters()), 5 if chip else 20)
    layer.matrix()
    after = phases(layer)
    assert (after[:2] == 0).all()
    assert torch.equal(after[2:][~TRAINED[2:]], start[2:][~TRAINED[2:]])
    assert (after != start)[2:][TRAINED[2:]].all()
    for i, name in enumerate(("theta", "phi")):
        original = layer.get_parameter(f"{name}_orig")
        assert torch.equal(original[~TRAINED[:, i]], start[:, i][~TRAINED[:, i]])


class Same(torch.nn.Module):
    """Returns a new tensor."""

    def forward(self, x):
        return x * 1.0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m, name: parametrize.register_parametrization(m, name, Same()),
        parametrizations.weight_norm,
        spectral_norm,
        lambda m, name: (
            prune.identity(m, name),
            parametrize.register_parametrization(m, f"{name}_orig", Same()),
        ),
    ],
)
def test_masks_of_computed_phases_are_refused(wrap):
    x = torch.eye(4, dtype=torch.complex64)
    for options in ({}, {"imperfections": Imperfections()}):
        layer = Mesh(TOPOLOGY, seed=0, trainable=MASK, **options)
        wrap(layer, "phi")
        for ask in (lambda layer=layer: layer(x), layer.matrix):
            with pytest.raises(
                RuntimeError, match="phi is parametrized or normed, and trainable leaves out some of it"
            ):
                ask()
    whole = MASK.copy()
    whole[:, 1] = True
    layer = Mesh(TOPOLOGY, seed=0, trainable=whole)
    wrap(layer, "phi")
    before = phases(layer)
    train(layer, OPTIMIZERS["adamw"](layer.parameters()), 3)
    assert torch.equal(phases(layer)[~torch.from_numpy(whole)], before[~torch.from_numpy(whole)])


def test_meshes_without_a_mask_and_other_layers_decay_as_ever():
    model = torch.nn.Sequential(Mesh(TOPOLOGY, seed=0, trainable=MASK), Mesh(TOPOLOGY, seed=1))
    twin = Mesh(TOPOLOGY, seed=1)
    decays = OPTIMIZERS["adamw"](model.parameters()), OPTIMIZERS["adamw"](twin.parameters())
    for layer, optimizer in zip((model[1], twin), decays, strict=True):
        train(layer, optimizer, 3)
    for a, b in zip(model[1].parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer)), lambda m: m.double()]
)
def test_copies_keep_them_too(duplicate):
    layer = duplicate(Mesh(TOPOLOGY, seed=0, trainable=MASK))
    before = phases(layer)
    train(layer, OPTIMIZERS["adamw"](layer.parameters()), 3)
    check(layer, before)


def test_what_is_written_and_loaded_is_heard():
    layer, other = Mesh(TOPOLOGY, seed=0, trainable=MASK), Mesh(TOPOLOGY, seed=1)
    optimizer = OPTIMIZERS["adamw"](layer.parameters())
    written = torch.linspace(0, 1, 6)
    for write in (
        lambda: layer.theta.data.copy_(written),
        lambda: layer.load_state_dict(other.state_dict()),
        lambda: layer.load_matrix(np.eye(4)[::-1]),
    ):
        write()
        before = phases(layer)
        train(layer, optimizer, 3)
        check(layer, before)
    layer.load_state_dict(other.state_dict())
    assert torch.equal(layer(torch.eye(4, dtype=torch.complex64)), other(torch.eye(4, dtype=torch.complex64)))


def test_a_checkpoint_resumes_to_the_same_bits():
    whole = Mesh(TOPOLOGY, seed=0, trainable=MASK)
    train(whole, OPTIMIZERS["adam"](whole.parameters()), 6)
    first = Mesh(TOPOLOGY, seed=0, trainable=MASK)
    optimizer = OPTIMIZERS["adam"](first.parameters())
    train(first, optimizer, 3)
    file = io.BytesIO()
    torch.save([first.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    states = torch.load(file, weights_only=True)
    second = Mesh(TOPOLOGY, seed=5, trainable=MASK)
    second.load_state_dict(states[0])
    optimizer = OPTIMIZERS["adam"](second.parameters())
    optimizer.load_state_dict(states[1])
    train(second, optimizer, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


@pytest.mark.slow
def test_masks_as_tensors_and_meshes_that_are_gone():
    layer = Mesh(TOPOLOGY, seed=0, trainable=TRAINED)
    assert torch.equal(layer.trainable, TRAINED)
    assert layer in _modules
    known = len(_modules)
    del layer
    gc.collect()
    assert len(_modules) < known


def test_a_step_that_fails_leaves_the_next_one_right():
    layer = Mesh(TOPOLOGY, seed=0, trainable=MASK)
    optimizer = OPTIMIZERS["adamw"](layer.parameters())

    def fail():
        raise FloatingPointError("no loss")

    with pytest.raises(FloatingPointError, match="no loss"):
        optimizer.step(fail)
    layer.theta.data.add_(1.0)
    before = phases(layer)
    train(layer, optimizer, 3)
    check(layer, before)
