"""Wrapped layers: the order of the chain, weights as the optimiser sees them, gradients apart from each other."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from retrolux import analog

X = torch.linspace(-2, 2, 20).reshape(4, 5)


def linear(scale=1.0):
    torch.manual_seed(0)
    layer = nn.Linear(5, 3)
    with torch.no_grad():
        layer.weight.mul_(scale)
    return layer


def test_signals_meet_the_chain_forwards_and_backwards():
    signal = [analog.Clamp(), analog.ReducePrecision(4), analog.GaussianNoise(std=0.1, precision=4, seed=1)]
    layer = linear()
    found = analog.wrap(layer, signal)(X)
    levels = analog.reduce_precision(analog.clamp(X), 4)
    y = layer(analog.gaussian_noise(levels, 0.1, seed=1, step=0))
    y = analog.reduce_precision(analog.gaussian_noise(y, 0.1, seed=1, step=1), 4)
    assert torch.equal(found, analog.clamp(y))


def test_weights_are_transformed_at_use_and_trained_as_they_are():
    chain = analog.wrap(linear(4.0), weight=[analog.Clamp(gradient="straight_through"), analog.ReducePrecision(3)])
    original = chain[0].parametrizations.weight.original
    assert any(parameter is original for parameter in chain.parameters())
    assert torch.equal(chain[0].weight, analog.reduce_precision(original.clamp(-1, 1), 3))
    before = original.detach().clone()
    chain(X).sum().backward()
    torch.optim.SGD(chain.parameters(), lr=1e-3).step()
    # Straight through clamp and rounding: the gradient of the weight as it is used.
    torch.testing.assert_close(before - original.detach(), 1e-3 * X.sum(0).expand(3, 5))


@pytest.mark.parametrize("signal", ["true", "straight_through"])
@pytest.mark.parametrize("weight", ["true", "straight_through"])
def test_signals_and_weights_have_gradients_of_their_own(signal, weight):
    chain = analog.wrap(linear(4.0), [analog.Clamp(signal)], [analog.Clamp(weight)])
    x = X.clone().requires_grad_()
    chain(x).sum().backward()
    blocked_x, blocked_w = x.abs() > 1, chain[1].parametrizations.weight.original.abs() > 1
    assert blocked_x.any()
    assert blocked_w.any()
    assert bool((x.grad[blocked_x] == 0).all()) == (signal == "true")
    assert bool((chain[1].parametrizations.weight.original.grad[blocked_w] == 0).all()) == (weight == "true")


def test_saved_and_copied_chains_go_on_with_the_same_bits():
    def build():
        noise = [analog.GaussianNoise(std=0.1, precision=4, seed=seed) for seed in (1, 2)]
        return analog.wrap(nn.Conv1d(2, 3, 2), noise[:1], noise[1:], names=("weight", "bias"))

    chain, x = build(), torch.ones(1, 2, 6)
    chain(x)
    twin, resumed = copy.deepcopy(chain), build()
    resumed.load_state_dict(chain.state_dict())
    expected = chain(x)
    assert torch.equal(twin(x), expected)
    assert torch.equal(resumed(x), expected)
    assert not torch.equal(chain(x), expected)


def test_evaluation_switches_the_noise_of_weights_off_too():
    chain = analog.wrap(linear(), weight=[analog.GaussianNoise(std=0.1, precision=4)])
    assert not torch.equal(chain[0].weight, chain[0].weight)
    chain.eval()
    assert torch.equal(chain[0].weight, chain[0].parametrizations.weight.original)


def test_weights_of_every_kind_are_parametrised(build):
    layer = linear()
    parametrize.register_parametrization(layer, "weight", build())
    layer(X).sum().backward()
    assert layer.parametrizations.weight.original.grad.shape == (3, 5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own
def test_compiled():
    chain = analog.wrap(
        linear(),
        [analog.Clamp(), analog.GaussianNoise(std=0.1, precision=4, seed=1)],
        [analog.Clamp(), analog.UniformNoise(width=0.1, precision=4, seed=2)],
    )
    compiled = torch.compile(copy.deepcopy(chain), fullgraph=True, backend="aot_eager")
    for _ in range(3):
        torch.testing.assert_close(compiled(X), chain(X))


def test_names_must_be_parameters():
    with pytest.raises(ValueError, match="names must be parameters of the layer, weight, bias, got 'kernel'"):
        analog.wrap(linear(), weight=[analog.Clamp()], names=("weight", "kernel"))
