"""Linear: torch's layer in value and gradient, there and back, and what torch's users do to layers."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from retrolux.hardware import Imperfections
from retrolux.nn import Linear, ModReLU

DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def close(dtype):
    """Return the tolerances for a layer of unit size whose phases are rounded to this precision."""
    return {"rtol": 0, "atol": 300 * torch.finfo(dtype).eps}


def digital_and_photonic(inputs, outputs, bias, dtype, **options):
    torch.manual_seed(0)
    digital = torch.nn.Linear(inputs, outputs, bias, dtype=dtype)
    return digital, Linear.from_linear(digital, **options)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from(DTYPES),
    st.integers(2, 8),
    st.sampled_from([(), (3,), (2, 3), (0,)]),
    st.booleans(),
)
def test_it_is_torchs_layer_in_value_and_gradient(inputs, outputs, bias, dtype, block, batch, on_chips):
    chips = {"imperfections": Imperfections()} if on_chips else {}
    digital, photonic = digital_and_photonic(inputs, outputs, bias, dtype, block=block, **chips)
    x = torch.randn(*batch, inputs, dtype=dtype, requires_grad=True)
    upstream = torch.randn(*batch, outputs, dtype=dtype)
    gradients = []
    for layer in (digital, photonic):
        y = layer(x)
        gradients.append((y, torch.autograd.grad(y, [x, *layer.parameters()], upstream)))
    (y, (grad_x, grad_weight, *grad_bias)), (found, (found_x, *found_settings)) = gradients
    torch.testing.assert_close(found, y, **close(dtype))
    torch.testing.assert_close(found_x, grad_x, **close(dtype))
    blocks = photonic.blocks
    through_weight = torch.autograd.grad(blocks.matrix()[0], list(blocks.parameters()), grad_weight)
    found_bias, found_settings = (found_settings[:1], found_settings[1:]) if bias else ([], found_settings)
    torch.testing.assert_close(found_bias, grad_bias, **close(dtype))
    torch.testing.assert_close(found_settings, list(through_weight), rtol=1e-4, atol=close(dtype)["atol"])


def test_single_precision_at_full_size():
    digital, photonic = digital_and_photonic(200, 70, True, torch.float32)
    assert photonic.blocks.topology.modes == 35
    x = torch.randn(50, 200)
    torch.testing.assert_close(photonic(x), digital(x), rtol=0, atol=1e-5)


def test_there_and_back():
    for dtype in DTYPES:
        digital, photonic = digital_and_photonic(5, 7, True, dtype, block=4)
        digital.bias.requires_grad_(False)
        back = photonic.eval().to_linear()
        assert back.state_dict().keys() == digital.state_dict().keys()
        torch.testing.assert_close(back.weight, digital.weight, **close(dtype))
        torch.testing.assert_close(photonic.weight, digital.weight, **close(dtype))
        assert torch.equal(back.bias, digital.bias)
        assert not back.training
    frozen = torch.nn.Linear(3, 3).requires_grad_(False)
    photonic = Linear.from_linear(frozen)
    assert not any(p.requires_grad for p in (*photonic.parameters(), *photonic.to_linear().parameters()))


def test_converting_draws_nothing_from_torchs_generator():
    digital = torch.nn.Linear(5, 4)
    before = torch.get_rng_state()
    Linear.from_linear(digital).to_linear()
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds():
    same = [Linear(5, 4, seed=3) for _ in range(2)]
    for a, b in zip(*(layer.parameters() for layer in same), strict=True):
        assert torch.equal(a, b)
    torch.manual_seed(1)
    drawn = [Linear(5, 4).weight for _ in range(2)]
    assert not torch.equal(*drawn)
    torch.manual_seed(1)
    assert torch.equal(Linear(5, 4).weight, drawn[0])


def test_real_light_into_complex_layers_and_not_the_other_way():
    layer, x = Linear(4, 3, dtype=torch.complex64, seed=0), torch.randn(2, 4)
    torch.testing.assert_close(layer(x), layer(x.to(torch.complex64)))
    with pytest.raises(TypeError, match=r"x must be real for a layer in torch\.float32, got torch\.complex64"):
        Linear(4, 3)(x.to(torch.complex64))


def test_a_real_layer_reads_the_quadrature_in_phase():
    """On chips too: the other quadrature of the light is not lost before the last detector."""
    layer = Linear(4, 3, False, dtype=torch.float64, seed=0, imperfections=Imperfections())
    field = Linear(4, 3, False, dtype=torch.complex128, seed=0, imperfections=Imperfections())
    x = torch.randn(5, 4, dtype=torch.float64)
    torch.testing.assert_close(layer(x), field(x).real)
    assert field(x).imag.abs().max() > 0.1


@pytest.mark.parametrize("gradient", ["three_measurement", "sum_difference", "physics_aware", "spsa"])
def test_imperfect_chips_learn(gradient):
    imperfections = Imperfections(coupler_std=0.02, tap_noise=0.01, io_amplitude_std=0.01, detector_noise=0.001)
    torch.manual_seed(0)
    layer = Linear(6, 4, block=4, seed=0, imperfections=imperfections, gradient=gradient)
    x = torch.randn(64, 6)
    target = x @ torch.randn(6, 4) / 4
    optimizer = torch.optim.Adam(layer.parameters(), 0.02)
    losses = []
    for _ in range(40):
        loss = F.mse_loss(layer(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < (0.9 if gradient == "spsa" else 0.3) * sum(losses[:5])
    assert layer.blocks.experiments[0].shots >= 64 * 40


def test_copies_pickles_and_states():
    layer, x = Linear(5, 4, seed=0), torch.randn(3, 5)
    other = Linear(5, 4, seed=1)
    other.load_state_dict(layer.state_dict())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), other):
        assert torch.equal(twin(x), layer(x))
        with torch.no_grad():
            assert torch.equal(twin(x), layer(x))


def test_the_weight_can_be_read_and_not_written():
    layer = Linear(5, 4, seed=0)
    with torch.no_grad():
        before = layer.weight
        layer.weight.zero_()
        assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_the_weight_of_chips_is_what_they_do(dtype):
    layer = Linear(5, 4, block=2, dtype=dtype, seed=0, imperfections=Imperfections(coupler_std=0.1))
    x = torch.randn(3, 5, dtype=dtype)
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
    assert (layer.weight - layer.to_linear().weight).abs().max() > 1e-3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators")  # torch.compile's own
def test_compiled_network():
    network = torch.nn.Sequential(
        Linear(5, 6, block=4, seed=0),
        torch.nn.Tanh(),
        Linear(6, 4, dtype=torch.complex64, seed=1),
        ModReLU(-0.1),
    )
    x = torch.randn(7, 5)
    results = []
    for function in (torch.compile(network, fullgraph=True), network):
        network.zero_grad()
        y = function(x)
        y.abs().sum().backward()
        results.append([y.detach(), *(p.grad.clone() for p in network.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_autocast():
    layer, x = Linear(5, 4, seed=0), torch.randn(3, 5)
    weight = layer.weight
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
        assert torch.equal(layer.weight, weight)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), rtol=0.05, atol=0.05)
    y.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


def test_bad_input():
    with pytest.raises(ValueError, match=r"x must have shape \(…, in_features\) = \(…, 5\), got \(3, 4\)"):
        Linear(5, 4)(torch.ones(3, 4))
    with pytest.raises(TypeError, match="unexpected keyword argument 'blok'"):
        Linear(5, 4, blok=2)


def test_repr():
    assert repr(Linear(128, 256, False)).splitlines() == [
        "Linear(",
        "  in_features=128, out_features=256, bias=False",
        "  (blocks): Blocks(16 rectangular meshes of 64 modes)",
        ")",
    ]
