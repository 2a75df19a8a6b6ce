"""Convolutions: torch's layers in value and gradient for every option, exact and on chips, there and back."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrolux.hardware import Imperfections
from retrolux.nn import Conv1d, Conv2d

PAIRS = {1: (torch.nn.Conv1d, Conv1d), 2: (torch.nn.Conv2d, Conv2d)}


@st.composite
def convolutions(draw):
    """Draw the dimensions, arguments of a convolution, and the shape of an input that fits."""
    axes = draw(st.sampled_from([1, 2]))
    numbers = st.one_of(st.integers(1, 2), st.tuples(*[st.integers(1, 2)] * axes))
    groups = draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["same", "valid", 0, 1, (1, 2)[:axes]]))
    arguments = {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(st.one_of(st.integers(1, 3), st.tuples(*[st.integers(1, 3)] * axes))),
        "stride": 1 if padding == "same" else draw(numbers),
        "padding": padding,
        "dilation": draw(numbers),
        "groups": groups,
        "bias": draw(st.booleans()),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        "dtype": draw(st.sampled_from([torch.float32, torch.float64, torch.complex128])),
    }
    batch = draw(st.sampled_from([(), (2,), (0,)] if arguments["padding_mode"] == "zeros" else [(), (2,)]))
    return axes, arguments, (*batch, arguments["in_channels"], *draw(st.tuples(*[st.integers(5, 7)] * axes)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's own
@settings(max_examples=60)
@given(convolutions(), st.integers(2, 8), st.booleans())
def test_it_is_torchs_layer_in_value_and_gradient(case, block, on_chips):
    axes, arguments, shape = case
    torch.manual_seed(0)
    build, ours = PAIRS[axes]
    digital = build(**arguments)
    photonic = ours.from_conv(digital, block=block, **({"imperfections": Imperfections()} if on_chips else {}))
    x = torch.randn(shape, dtype=arguments["dtype"], requires_grad=True)
    expected = digital(x)
    upstream = torch.randn_like(expected)
    grad_x, grad_weight, *grad_bias = torch.autograd.grad(expected, [x, *digital.parameters()], upstream)
    found = photonic(x)
    bias = [] if photonic.bias is None else [photonic.bias]
    settings_of = list(photonic.blocks.parameters())
    found_x, *found_rest = torch.autograd.grad(found, [x, *bias, *settings_of], upstream)
    through_weight = torch.autograd.grad(photonic.blocks.matrix(), settings_of, _as_matrix(grad_weight, photonic))
    atol = 1000 * torch.finfo(x.dtype).eps
    torch.testing.assert_close(
        [found, found_x, *found_rest[: len(bias)]], [expected, grad_x, *grad_bias], rtol=0, atol=atol
    )
    torch.testing.assert_close(found_rest[len(bias) :], list(through_weight), rtol=1e-4, atol=atol)
    torch.testing.assert_close(photonic.weight, digital.weight, rtol=0, atol=atol)
    back = photonic.to_conv()
    assert repr(back) == repr(digital)
    torch.testing.assert_close(back.state_dict(), digital.state_dict(), rtol=0, atol=atol)


def _as_matrix(grad_weight, layer):
    return grad_weight.reshape(layer.groups, layer.out_channels // layer.groups, -1)


@pytest.mark.slow
def test_imperfect_chips_disturb_and_learn():
    imperfections = Imperfections(coupler_std=0.02, tap_noise=0.005, io_phase_std=0.002)
    torch.manual_seed(0)
    target = torch.nn.Conv2d(2, 3, 3, padding=1)
    layer = Conv2d(2, 3, 3, padding=1, block=4, seed=0, imperfections=imperfections, gradient="sum_difference")
    x = torch.randn(2, 2, 6, 6)
    optimizer = torch.optim.Adam(layer.parameters(), 0.03)
    losses = []
    for _ in range(30):
        loss = (layer(x) - target(x).detach()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])
    assert not torch.equal(layer(x), layer(x))


def test_copies_pickles_and_states():
    layer, x = Conv1d(3, 4, 3, seed=0), torch.randn(2, 3, 8)
    other = Conv1d(3, 4, 3, seed=1)
    other.load_state_dict(layer.state_dict())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), other):
        assert torch.equal(twin(x), layer(x))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators")  # torch.compile's own
def test_fullgraph():
    network = torch.nn.Sequential(Conv2d(2, 3, 3, seed=0), torch.nn.ReLU(), Conv2d(3, 2, 3, padding="same", seed=1))
    x = torch.randn(2, 2, 6, 5)
    results = []
    for function in (torch.compile(network, fullgraph=True, backend="aot_eager"), network):
        network.zero_grad()
        y = function(x)
        y.square().sum().backward()
        results.append([y.detach(), *(p.grad.clone() for p in network.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_it_knows_how_often_light_passes():
    layer = Conv2d(1, 1, 3, stride=(1, 2), padding=(1, 0), dilation=2)
    assert layer.passes_per_sample == 1
    assert layer(torch.ones(4, 1, 9, 11)).shape[2:].numel() == layer.passes_per_sample == 7 * 4


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((4, 6, 3), {"groups": 3}, "groups must divide in_channels = 4 and out_channels = 6, got 3"),
        ((4, 6, 3), {"groups": 0}, "groups must divide in_channels = 4 and out_channels = 6, got 0"),
        ((4, 6, 0), {}, "kernel_size must be a whole number of at least 1 or 2 of them, got 0"),
        ((4, 6, (3, 3, 3)), {}, r"kernel_size must be .* or 2 of them, got \(3, 3, 3\)"),
        ((4, 6, 3), {"stride": 0}, "stride must be a whole number of at least 1 or 2 of them, got 0"),
        ((4, 6, 3), {"dilation": (1, 0)}, r"dilation must be .*, got \(1, 0\)"),
        ((4, 6, 3), {"padding": -1}, "padding must be a whole number of at least 0 or 2 of them, got -1"),
        ((4, 6, 3), {"padding": "full"}, "padding must be 'same', 'valid' or numbers of at least 0, got 'full'"),
        ((4, 6, 3), {"padding": "same", "stride": 2}, "stride must be 1 for padding='same', got 2"),
        ((4, 6, 3), {"padding_mode": "mirror"}, "padding_mode must be one of zeros, .*, got 'mirror'"),
    ],
)
def test_bad_options(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        Conv2d(*arguments, **options)


def test_bad_input():
    layer = Conv2d(3, 2, 3)
    with pytest.raises(
        ValueError, match=r"x must have shape \(batch, in_channels = 3, height, width\), .* \(2, 2, 5, 5\)"
    ):
        layer(torch.ones(2, 2, 5, 5))
    with pytest.raises(ValueError, match=r"x must be at least as large as the kernel, \(3, 3\), got \(5, 2\)"):
        layer(torch.ones(1, 3, 5, 2))
    with pytest.raises(TypeError, match=r"x must be real for a layer in torch.float32, got torch.complex64"):
        layer(torch.ones(1, 3, 5, 5, dtype=torch.complex64))
    with pytest.raises(TypeError, match=r"conv must be a torch\.nn\.Conv1d, got a Conv2d"):
        Conv1d.from_conv(torch.nn.Conv2d(1, 1, 1))
