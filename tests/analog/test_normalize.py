"""Normalisation: definitions against NumPy, Jacobians against finite differences, limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from retrolux import analog

NORMS = {
    "lp_norm": (analog.lp_norm, analog.LPNorm, False, False),
    "lp_norm_w": (analog.lp_norm_w, analog.LPNormW, True, False),
    "lp_norm_m": (analog.lp_norm_m, analog.LPNormM, False, True),
    "lp_norm_wm": (analog.lp_norm_wm, analog.LPNormWM, True, True),
}


def numbers(rng, dtype, shape):
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return torch.from_numpy(z if dtype.is_complex else z.real)


def expected_norm(x, p, whole, unit_peak):
    rows = x.reshape(1, -1) if whole or x.ndim < 2 else x.reshape(len(x), -1)
    y = np.stack([row / max(np.linalg.norm(row, p), 1e-4) for row in rows]).reshape(x.shape)
    return y / np.abs(y).max() if unit_peak else y


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("name", NORMS)
def test_norms_follow_their_definition(name, p, dtype, rng):
    function, module, *kind = NORMS[name]
    for shape in ((5,), (3, 4), (2, 3, 4)):
        for scale in (1.0, 1e-6):  # with and without the smallest norm
            x = scale * numbers(rng, dtype, shape)
            np.testing.assert_allclose(function(x, p).numpy(), expected_norm(x.numpy(), p, *kind), rtol=1e-12)
            assert torch.equal(module(p)(x), function(x, p))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("p", [1, 2, 2.5, np.inf])
@pytest.mark.parametrize("name", NORMS)
def test_true_gradients_of_norms_equal_finite_differences(name, p, dtype, rng):
    function = NORMS[name][0]
    x = numbers(rng, dtype, (3, 4))
    x[1] *= 1e-5  # a row below the smallest norm
    x = x.requires_grad_()
    # Steps far smaller than that row.
    assert torch.autograd.gradcheck(lambda x: function(x, p), x, eps=1e-8, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", NORMS)
def test_zeros_stay_zeros(name):
    x = torch.zeros(2, 3, requires_grad=True)
    y = NORMS[name][0](x)
    y.sum().backward()
    assert torch.equal(y, torch.zeros(2, 3))
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("function", "module", "low"), [(analog.clamp, analog.Clamp, -1), (analog.clamp01, analog.Clamp01, 0)]
)
def test_clamps_limit_values(function, module, low, rng):
    x = 2 * numbers(rng, torch.float64, (200,))
    z = 2 * numbers(rng, torch.complex128, (200,))
    np.testing.assert_array_equal(function(x).numpy(), np.clip(x.numpy(), low, 1))
    parts = (np.clip(part.numpy(), low, 1) for part in (z.real, z.imag))
    np.testing.assert_array_equal(torch.view_as_real(function(z)).numpy(), np.stack([*parts], axis=-1))
    polar = function(z, parts="polar").numpy()
    np.testing.assert_allclose(np.abs(polar), np.minimum(np.abs(z.numpy()), 1), rtol=1e-14)
    np.testing.assert_allclose(np.angle(polar), np.angle(z.numpy()), rtol=1e-14)
    assert torch.equal(module(parts="polar")(z), function(z, parts="polar"))


@pytest.mark.parametrize(("function", "low"), [(analog.clamp, -1), (analog.clamp01, 0)])
def test_the_true_gradient_of_a_clamp_is_one_inside_and_on_the_edge(function, low):
    x = torch.tensor([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5], requires_grad=True)
    function(x).sum().backward()
    assert torch.equal(x.grad, ((x >= low) & (x <= 1)).float())


@pytest.mark.parametrize("parts", ["cartesian", "polar"])
def test_complex_gradients_of_clamps_equal_finite_differences(parts, rng):
    z = (2 * numbers(rng, torch.complex128, (20,))).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: analog.clamp(z, parts=parts), z)
    assert torch.autograd.gradcheck(lambda z: analog.clamp01(z, parts=parts), z)


@pytest.mark.parametrize("build", [analog.LPNorm, analog.LPNormWM, lambda p: analog.lp_norm_m(torch.ones(2), p)])
def test_no_norm_below_p_1(build):
    with pytest.raises(ValueError, match=r"p must be at least 1, got 0.5"):
        build(0.5)
