"""Precision: the formula against NumPy, levels, the mean of stochastic rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrolux import analog


@pytest.mark.parametrize("divide", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("precision", [1, 4, 15])
def test_the_published_formula(precision, divide, rng):
    x = 2 * rng.normal(size=1000)
    expected = np.sign(x) * np.ceil(np.abs(precision * x) - divide) / precision
    y = analog.reduce_precision(torch.from_numpy(x), precision, divide)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-15)
    assert torch.equal(analog.ReducePrecision(precision, divide)(torch.from_numpy(x)), y)


@given(st.integers(1, 255), st.integers(-300, 300), st.floats(-0.49, 0.49))
def test_a_level_is_the_nearest_of_what_surrounds_it(precision, level, off):
    x = torch.tensor((level + off) / precision, dtype=torch.float64)
    y = analog.reduce_precision(x, precision)
    assert y.item() == pytest.approx(level / precision, rel=1e-15)
    assert torch.equal(analog.reduce_precision(y, precision), y)


@given(st.integers(1, 12))
def test_bits_give_levels(bits):
    x = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    found = analog.reduce_precision(x, analog.levels(bits)).unique()
    assert len(found) == 2 * (2**bits - 1) + 1


def test_parts_of_complex_values(rng):
    z = torch.from_numpy(rng.normal(size=50) + 1j * rng.normal(size=50))
    cartesian, polar = (analog.reduce_precision(z, 8, parts=parts) for parts in ("cartesian", "polar"))
    torch.testing.assert_close(cartesian.real, analog.reduce_precision(z.real, 8))
    torch.testing.assert_close(cartesian.imag, analog.reduce_precision(z.imag, 8))
    phase = torch.pi * analog.reduce_precision(z.angle() / torch.pi, 8)
    torch.testing.assert_close(polar, torch.polar(analog.reduce_precision(z.abs(), 8), phase))


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_the_true_gradient_of_rounding_is_zero(dtype):
    for round_ in (
        analog.reduce_precision,
        lambda x, p, gradient: analog.stochastic_reduce_precision(x, p, seed=0, gradient=gradient),
    ):
        x = torch.full((4,), 0.3, dtype=dtype, requires_grad=True)
        round_(x, 4, gradient="true").abs().sum().backward()
        assert torch.equal(x.grad, torch.zeros_like(x))


def test_half_precision_is_rounded_in_single_precision():
    x = torch.tensor([0.7], dtype=torch.bfloat16)
    assert analog.reduce_precision(x, 255).item() == torch.tensor(round(0.69921875 * 255) / 255).bfloat16().item()


@pytest.mark.parametrize("value", [-1.43, -0.5, 0.0, 0.02, 0.3, 2 / 3])
def test_stochastic_rounding_goes_to_the_neighbours_and_keeps_the_mean(value):
    precision, count = 4, 200_000
    y = analog.stochastic_reduce_precision(torch.full((count,), value, dtype=torch.float64), precision, seed=7)
    scaled = abs(value) * precision
    assert set((y.abs() * precision).tolist()) <= {np.floor(scaled), np.ceil(scaled)}
    share = scaled - np.floor(scaled)
    error = np.sqrt(share * (1 - share) / count) / precision
    assert abs(y.mean().item() - value) <= 4 * error + 1e-15  # missed once in 16 000 seeds


def test_evaluation_rounds_to_the_nearest_unless_asked(rng):
    x = torch.from_numpy(rng.normal(size=100))
    quiet, noisy = (analog.StochasticReducePrecision(4, seed=0, eval_noise=noise).eval() for noise in (False, True))
    assert torch.equal(quiet(x), analog.reduce_precision(x, 4))
    assert not torch.equal(noisy(x), analog.reduce_precision(x, 4))
    assert torch.equal(noisy(x), analog.stochastic_reduce_precision(x, 4, seed=0, step=1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: analog.ReducePrecision(0), "precision must be a whole number of at least 1, got 0"),
        (lambda: analog.StochasticReducePrecision(2.5), "precision must be a whole number of at least 1, got 2.5"),
        (lambda: analog.ReducePrecision(float("inf")), "precision must be a whole number of at least 1, got inf"),
        (lambda: analog.ReducePrecision(3, divide=1.5), r"divide must lie in \[0, 1\], got 1.5"),
        (lambda: analog.levels(0), "bits must be at least 1, got 0"),
    ],
)
def test_bad_values_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
