"""Every analog layer once, as all tests of the package see them."""

from __future__ import annotations

from functools import partial

import pytest

from retrolux import analog

LAYERS = {
    "clamp": analog.Clamp,
    "clamp01": analog.Clamp01,
    "lp_norm": partial(analog.LPNorm, 1),
    "lp_norm_w": partial(analog.LPNormW, 3),
    "lp_norm_m": partial(analog.LPNormM, 2),
    "lp_norm_wm": partial(analog.LPNormWM, 1.5),
    "precision": partial(analog.ReducePrecision, 5),
    "stochastic": partial(analog.StochasticReducePrecision, 5, seed=1),
    "gaussian": partial(analog.GaussianNoise, leakage=0.3, precision=5, seed=2),
    "laplacian": partial(analog.LaplacianNoise, leakage=0.3, precision=5, seed=3),
    "uniform": partial(analog.UniformNoise, leakage=0.3, precision=5, seed=4),
    "poisson": partial(analog.PoissonNoise, leakage=0.3, precision=5, seed=5),
}
DRAWING = ("stochastic", "gaussian", "laplacian", "uniform", "poisson")


@pytest.fixture(params=LAYERS)
def build(request):
    """Return what builds the layer; its options are those of the layer."""
    return LAYERS[request.param]


@pytest.fixture(params=DRAWING)
def build_drawing(request):
    """Return what builds a layer that draws."""
    return LAYERS[request.param]
