"""Strength, leakage and precision: published formulas, SciPy's distributions, and any two give the third."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from retrolux.analog.leakage import GAUSSIAN, LAPLACIAN, POISSON, UNIFORM, complete

PUBLISHED = {
    "gaussian": (GAUSSIAN, lambda p, ell: 1 / (2 * math.sqrt(2) * p * special.erfinv(1 - ell)), stats.norm),
    "laplacian": (LAPLACIAN, lambda p, ell: -1 / (2 * p * math.log(ell)), stats.laplace),
    "uniform": (UNIFORM, lambda p, ell: 1 / (p * (1 - ell)), stats.uniform(-0.5)),
}


@pytest.mark.parametrize("name", PUBLISHED)
@given(leakage=st.floats(0.001, 0.99), precision=st.floats(0.5, 300))
def test_published_formulas_and_the_third_of_any_two(name, leakage, precision):
    law, formula, distribution = PUBLISHED[name]
    strength = complete(law, "strength", None, leakage, precision)[0]
    assert strength == pytest.approx(formula(precision, leakage), rel=1e-9)
    outside = 2 * distribution.sf(1 / (2 * precision * strength))
    assert outside == pytest.approx(leakage, rel=1e-9)
    assert complete(law, "strength", strength, None, precision)[1] == pytest.approx(leakage, rel=1e-9)
    assert complete(law, "strength", strength, leakage, None)[2] == pytest.approx(precision, rel=1e-9)


@given(strength=st.floats(0.5, 1e4), precision=st.floats(1, 255))
def test_poisson_leakage_is_that_of_the_counts(strength, precision):
    mean = strength * precision
    low, high = math.floor(mean - strength / 2), math.floor(mean + strength / 2)
    inside = stats.poisson.cdf(high, mean) - stats.poisson.cdf(low, mean)
    assert complete(POISSON, "scale", strength, None, precision)[1] == pytest.approx(1 - inside, abs=1e-9)


@pytest.mark.slow
@given(leakage=st.floats(0.01, 0.9), precision=st.integers(1, 255))
def test_poisson_strength_meets_the_leakage_to_a_count(leakage, precision):
    scale, exact, _ = complete(POISSON, "scale", None, leakage, precision)
    mean = scale * precision
    edges = np.floor(mean + scale * np.array([[-0.5], [0.5]])) + np.array([-1, 0, 1])
    assert abs(exact - leakage) <= stats.poisson.pmf(edges, mean).sum()
    if precision > 1:
        assert complete(POISSON, "scale", scale, leakage, None)[2] == pytest.approx(precision, rel=1e-6)


def test_nothing_leaks_without_noise():
    assert complete(GAUSSIAN, "std", 0.0, None, 15)[1] == 0
    assert complete(GAUSSIAN, "std", None, 0.0, 15)[0] == 0
    assert complete(LAPLACIAN, "scale", 0.0, None, 15)[1] == 0
    assert complete(LAPLACIAN, "scale", None, 0.0, 15)[0] == 0
    assert complete(UNIFORM, "width", None, 0.0, 15)[0] == pytest.approx(1 / 15)  # the widest that does not leak
    assert complete(UNIFORM, "width", 0.01, None, 15)[1] == 0


@pytest.mark.parametrize(
    ("law", "given_values", "message"),
    [
        (GAUSSIAN, (0.1, 0.2, 15), "give two of std, leakage and precision, got std=0.1, leakage=0.2 and precision=15"),
        (GAUSSIAN, (0.1, None, None), "give two of std, .* got std=0.1, leakage=None and precision=None"),
        (UNIFORM, (None, None, None), "give two of std, leakage and precision"),
        (GAUSSIAN, (-0.1, None, 15), "std must be a finite number of at least 0, got -0.1"),
        (GAUSSIAN, (math.nan, None, 15), "std must be a finite number of at least 0, got nan"),
        (POISSON, (0.0, None, 15), "std must be a finite number above 0, got 0.0"),
        (LAPLACIAN, (None, 1.0, 15), r"leakage must lie in \[0, 1\), got 1.0"),
        (POISSON, (None, 0.0, 15), r"leakage must lie in \(0, 1\), got 0.0"),
        (UNIFORM, (None, 0.1, 0), "precision must be a finite number above 0, got 0"),
        (GAUSSIAN, (0.1, 0.0, None), "no precision goes with std=0.1 and leakage=0.0"),
        (LAPLACIAN, (0.0, 0.2, None), "no precision goes with std=0.0 and leakage=0.2"),
        (POISSON, (1.0, 0.2, None), "no precision goes with std=1.0 and leakage=0.2"),
    ],
)
def test_impossible_triples_are_named(law, given_values, message):
    with pytest.raises(ValueError, match=message):
        complete(law, "std", *given_values)
