"""Noise: SciPy's distributions, no bias, and the leakage that was asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from retrolux import analog

COUNT = 200_000
FUNCTIONS = {
    "gaussian": (analog.gaussian_noise, analog.GaussianNoise, stats.norm(scale=0.3), 0.3),
    "laplacian": (analog.laplacian_noise, analog.LaplacianNoise, stats.laplace(scale=0.3), 0.3),
    "uniform": (analog.uniform_noise, analog.UniformNoise, stats.uniform(-0.15, 0.3), 0.3),
}
MODULES = [analog.GaussianNoise, analog.LaplacianNoise, analog.UniformNoise, analog.PoissonNoise]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_additive_noise_has_its_distribution(name, dtype):
    function, _, distribution, strength = FUNCTIONS[name]
    noise = function(torch.zeros(COUNT, dtype=dtype), strength, seed=11)
    assert stats.kstest(noise.numpy(), distribution.cdf).pvalue > 1e-3
    # Independent within a draw, and of the next draw.
    following = function(torch.zeros(COUNT, dtype=dtype), strength, seed=11, step=1)
    for other in (noise.roll(1), following):
        assert abs(np.corrcoef(noise, other)[0, 1]) < 4 / math.sqrt(COUNT)


@pytest.mark.parametrize("rate", [0.4, 7.0, 60.0, 5000.0])
def test_counts_have_their_distribution(rate):
    counts = (rate * analog.poisson_noise(torch.full((COUNT,), -1.0, dtype=torch.float64), rate, seed=11)).abs().round()
    edges = np.unique(stats.poisson.ppf(np.linspace(0.02, 0.98, 25), rate))
    expected = np.diff(stats.poisson.cdf(np.concatenate([[-1], edges, [np.inf]]), rate)) * COUNT
    found, _ = np.histogram(counts, np.concatenate([[-np.inf], edges + 0.5, [np.inf]]))
    assert stats.chisquare(found, expected).pvalue > 1e-3


@pytest.mark.parametrize("parts", ["cartesian", "polar"])
@pytest.mark.parametrize("module", MODULES)
def test_noise_has_no_bias(module, parts):
    """Of real and imaginary part, or of modulus and phase; missed by four standard errors once in 16 000 seeds."""
    z = torch.polar(torch.tensor(0.7, dtype=torch.float64), torch.tensor(-0.4 * math.pi, dtype=torch.float64))
    y = module(leakage=0.3, precision=31, seed=5, parts=parts)(z.expand(COUNT))
    pairs = [(y.real, z.real), (y.imag, z.imag)]
    if parts == "polar":
        pairs = [(y.abs(), z.abs()), (y.angle(), z.angle())]
    for noisy, value in pairs:
        assert noisy.std() > 0
        assert abs(noisy.mean() - value) < 4 * noisy.std() / math.sqrt(COUNT)


@pytest.mark.parametrize("precision", [1, 4, 15])
@pytest.mark.parametrize("leakage", [0.02, 0.2, 0.6])
@pytest.mark.parametrize("module", MODULES)
def test_as_many_values_leave_their_level_as_announced(module, leakage, precision):
    """By four standard errors of a binomial share: missed once in 16 000 seeds."""
    noise = module(leakage=leakage, precision=precision, seed=3)
    levels = torch.randint(-precision, precision + 1, (COUNT,), generator=torch.Generator().manual_seed(0))
    if module is analog.PoissonNoise:  # announced for full scale
        levels = levels.sign() * precision
        levels = levels[levels != 0]
    x = levels.double() / precision
    left = analog.reduce_precision(noise(x), precision).mul(precision).round() != levels
    error = math.sqrt(noise.leakage * (1 - noise.leakage) / len(x))
    assert abs(left.double().mean() - noise.leakage) < 4 * error


@pytest.mark.parametrize("name", FUNCTIONS)
def test_true_gradients_equal_finite_differences(name, rng):
    function, _, _, strength = FUNCTIONS[name]
    z = torch.from_numpy(rng.normal(size=8) + 1j * rng.normal(size=8)).requires_grad_()
    for parts in ("cartesian", "polar"):
        assert torch.autograd.gradcheck(lambda z, p=parts: function(z, strength, seed=1, gradient="true", parts=p), z)
    x = z.detach().real.clone().requires_grad_()
    function(x, strength, seed=1, gradient="true").sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_the_true_gradient_of_counts_is_zero():
    x = torch.full((4,), 0.3, requires_grad=True)
    analog.poisson_noise(x, 20, seed=1, gradient="true").sum().backward()
    assert torch.equal(x.grad, torch.zeros(4))


def test_what_cannot_be_counted_stays_as_it_is():
    x = torch.tensor([math.inf, -math.inf, 1e30, -1e30, 0.0])
    assert torch.equal(analog.poisson_noise(x, 16.0, seed=1), x)


@pytest.mark.parametrize("module", MODULES)
def test_noise_is_for_training_unless_asked(module):
    x = torch.ones(20)
    quiet, noisy = (module(leakage=0.3, precision=7, seed=0, eval_noise=on).eval() for on in (False, True))
    assert quiet(x) is x
    assert quiet.draws == 0
    assert not torch.equal(noisy(x), x)
    assert "eval_noise=True" in repr(noisy)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_draws_in_single_precision(dtype):
    single = analog.laplacian_noise(torch.zeros(1000), 0.1, seed=4)
    assert torch.equal(analog.laplacian_noise(torch.zeros(1000, dtype=dtype), 0.1, seed=4), single.to(dtype))


def test_repr_shows_the_triple():
    assert repr(analog.GaussianNoise(leakage=0.2, precision=15)) == (
        "GaussianNoise(std=0.02601, leakage=0.2, precision=15, gradient=straight_through, parts=cartesian)"
    )
    assert "scale=0.02071" in repr(analog.LaplacianNoise(leakage=0.2, precision=15))
    assert "width=0.08333" in repr(analog.UniformNoise(leakage=0.2, precision=15))
    assert "scale=98.56, leakage=0.2025" in repr(analog.PoissonNoise(leakage=0.2, precision=15))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: analog.gaussian_noise(x, -1.0, seed=0), "std must be a finite number of at least 0, got -1.0"),
        (lambda x: analog.laplacian_noise(x, math.inf, seed=0), "scale must be a finite number of at least 0, got inf"),
        (lambda x: analog.uniform_noise(x, math.nan, seed=0), "width must be a finite number of at least 0, got nan"),
        (lambda x: analog.poisson_noise(x, 0.0, seed=0), "rate must be a finite number above 0, got 0.0"),
        (lambda x: analog.gaussian_noise(x, 1.0, seed=-1), r"seed must be between 0 and 2\*\*63 - 1, got -1"),
        (lambda x: analog.gaussian_noise(x, 1.0, seed=0, step=-1), "step must be at least 0, got -1"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.ones(2))
