"""What analog hardware does to signals and weights: normalise, reduce precision, add noise.

Every transformation is a layer, a function of the same name in snake case, and a parametrisation of weights
(``torch.nn.utils.parametrize``, or `wrap`). Which gradient flows back through it is an argument of each: the true one,
straight through, or a function of your own. Noise is drawn by one generator, described in `retrolux.analog.draws`, in
training mode alone unless ``eval_noise=True``.

Shah and Youngblood, "AnalogVNN: a fully modular framework for modeling and optimizing photonic neural networks", APL
Machine Learning 1 (2023), doi:10.1063/5.0134156.
"""

from __future__ import annotations

from retrolux.analog.chain import wrap
from retrolux.analog.gradient import Gradient
from retrolux.analog.noise import (
    GaussianNoise,
    LaplacianNoise,
    PoissonNoise,
    UniformNoise,
    gaussian_noise,
    laplacian_noise,
    poisson_noise,
    uniform_noise,
)
from retrolux.analog.normalize import (
    Clamp,
    Clamp01,
    LPNorm,
    LPNormM,
    LPNormW,
    LPNormWM,
    clamp,
    clamp01,
    lp_norm,
    lp_norm_m,
    lp_norm_w,
    lp_norm_wm,
)
from retrolux.analog.parts import Parts
from retrolux.analog.precision import (
    ReducePrecision,
    StochasticReducePrecision,
    levels,
    reduce_precision,
    stochastic_reduce_precision,
)

__all__ = [
    "Clamp",
    "Clamp01",
    "GaussianNoise",
    "Gradient",
    "LPNorm",
    "LPNormM",
    "LPNormW",
    "LPNormWM",
    "LaplacianNoise",
    "Parts",
    "PoissonNoise",
    "ReducePrecision",
    "StochasticReducePrecision",
    "UniformNoise",
    "clamp",
    "clamp01",
    "gaussian_noise",
    "laplacian_noise",
    "levels",
    "lp_norm",
    "lp_norm_m",
    "lp_norm_w",
    "lp_norm_wm",
    "poisson_noise",
    "reduce_precision",
    "stochastic_reduce_precision",
    "uniform_noise",
    "wrap",
]
