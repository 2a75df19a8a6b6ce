"""Arithmetic on samples and numbers of light, against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(params=[(0, 3), (1, 1), (7, 5), (600, 17), (33, 64)])
def light(request, real, rng):
    x, other = (rng.normal(size=(2, *request.param, 2)) @ (1, 1j)).astype(np.result_type(real, 1j))
    x[::5] = 0
    return x, other


@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("turn", [None, -1j, 0.6 + 0.8j])
def test_superpose(on_either, real, light, turn, normalise, conjugate):
    x, other = light
    expected = x.astype(complex)
    if turn is None:
        other = None
    else:
        expected = expected + turn * other.astype(complex).conj()
    expected_norm = np.linalg.norm(expected, axis=1)
    if normalise:
        expected = expected / np.where(expected_norm > 0, expected_norm, 1)[:, None]
    if conjugate:
        expected = expected.conj()
    results = []
    for threads in (1, 3):
        y, norm = np.full_like(x, np.nan), np.full(len(x), np.nan, real)
        on_either.superpose(x, other, turn or 0, normalise, conjugate, y, norm, threads)
        results.append((y, norm))
    eps = np.finfo(real).eps
    np.testing.assert_allclose(results[0][0], expected, rtol=0, atol=20 * eps)
    np.testing.assert_allclose(results[0][1], expected_norm, rtol=20 * eps)
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("conjugate", [False, True])
def test_scale(on_either, real, light, conjugate, rng):
    x, _ = light
    factor = rng.uniform(-1, 2, len(x)).astype(real)
    for threads in (1, 3):
        y = np.full_like(x, np.nan)
        on_either.scale(x, factor, conjugate, y, threads)
        np.testing.assert_allclose(y, factor[:, None] * (x.conj() if conjugate else x), rtol=4 * np.finfo(real).eps)


def test_modulus(on_either, real, light, rng):
    """|z| from the smallest to the largest numbers, and its gradient, which is 0 at z = 0."""
    z, _ = light
    limits = np.finfo(real)
    if z.size > 30:
        z.flat[:5] = [limits.tiny * 0.01, limits.max * 0.6, 1j * limits.max, limits.tiny * (1 + 1j), -limits.max]
    size, grad = np.full(z.shape, np.nan, real), rng.normal(size=z.shape).astype(real)
    wide = z.astype(np.clongdouble)
    on_either.modulus(z, size, 2)
    np.testing.assert_allclose(size, np.abs(wide), rtol=4 * limits.eps, atol=limits.smallest_subnormal)
    grad_z = np.full_like(z, np.nan)
    on_either.modulus_adjoint(z, size, grad, grad_z, 2)
    expected = grad * wide / np.maximum(np.abs(wide), limits.tiny)
    np.testing.assert_allclose(grad_z, expected, rtol=8 * limits.eps, atol=8 * limits.eps)
    assert (grad_z[z == 0] == 0).all()


def test_sizes_must_fit(kernels):
    x = np.zeros((3, 4), np.complex64)
    for wrong in (np.zeros((3, 5), np.complex64), np.zeros((4, 4), np.complex64)):
        with pytest.raises(ValueError, match=r"y must have shape \(3, 4\)"):
            kernels.scale(x, np.zeros(3, np.float32), False, wrong, 1)
        with pytest.raises(ValueError, match=r"other must have shape \(3, 4\)"):
            kernels.superpose(x, wrong, 1j, True, False, np.empty_like(x), np.zeros(3, np.float32), 1)
    with pytest.raises(ValueError, match=r"size must hold 12 numbers, got \(11,\)"):
        kernels.modulus(x, np.zeros(11, np.float32), 1)
