"""The MZI convention against its closed form, against single rays, and against energy conservation."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from retrolux.mesh.convention import arms, coupler, mzi, transmission

EPS = 1e-15


@pytest.fixture
def phases(rng):
    return rng.uniform(-10, 10, (2, 200))


def adjoint(matrix):
    return np.swapaxes(matrix, -1, -2).conj()


def test_ideal_mzi_is_the_closed_form(phases):
    theta, phi = phases
    s, c = np.sin(theta / 2), np.cos(theta / 2)
    inside = np.array([[np.exp(1j * phi) * s, c], [np.exp(1j * phi) * c, -s]])
    expected = np.moveaxis(1j * np.exp(1j * theta / 2) * inside, -1, 0)
    np.testing.assert_allclose(mzi(theta, phi), expected, rtol=0, atol=4 * EPS)


def test_light_meets_phi_then_coupler_1_then_theta_then_coupler_2(rng):
    theta, phi = rng.uniform(0, 2 * math.pi, 2)
    errors, losses = rng.normal(0, 0.2, 2), rng.uniform(0, 3, 4)
    upper, lower = complex(*rng.normal(size=2)), complex(*rng.normal(size=2))
    expected = np.array([upper, lower])
    t = [10 ** (-loss / 20) for loss in losses]

    upper, lower = upper * cmath.exp(1j * phi) * t[0], lower * t[1]
    eta = math.pi / 4 + errors[0]
    upper, lower = (
        upper * math.cos(eta) + 1j * lower * math.sin(eta),
        1j * upper * math.sin(eta) + lower * math.cos(eta),
    )
    upper, lower = upper * cmath.exp(1j * theta) * t[2], lower * t[3]
    eta = math.pi / 4 + errors[1]
    upper, lower = (
        upper * math.cos(eta) + 1j * lower * math.sin(eta),
        1j * upper * math.sin(eta) + lower * math.cos(eta),
    )
    np.testing.assert_allclose(mzi(theta, phi, errors, losses) @ expected, [upper, lower], rtol=0, atol=8 * EPS)


def test_theta_pi_is_bar_and_theta_zero_is_cross():
    np.testing.assert_allclose(mzi(math.pi, math.pi), np.eye(2), rtol=0, atol=EPS)
    np.testing.assert_allclose(mzi(0.0, 0.0), 1j * np.eye(2)[::-1], rtol=0, atol=EPS)


def test_mzi_is_unitary_whatever_the_coupler_errors(phases, rng):
    matrix = mzi(*phases, coupler_error=rng.uniform(-1, 1, (200, 2)))
    np.testing.assert_allclose(matrix @ adjoint(matrix), np.tile(np.eye(2), (200, 1, 1)), rtol=0, atol=8 * EPS)


def test_loss_never_amplifies(phases, rng):
    loss = rng.exponential(1.0, (200, 4)) * rng.integers(0, 2, (200, 4))
    gains = np.linalg.svd(mzi(*phases, rng.normal(0, 0.3, (200, 2)), loss), compute_uv=False)
    assert gains.max() <= 1 + 8 * EPS
    assert gains[loss.sum(axis=1) > 0].min(axis=1).max() < 1


def test_equal_loss_in_all_arms_only_scales(phases):
    lossy = mzi(*phases, loss_db=np.full(4, 0.5))
    np.testing.assert_allclose(lossy, mzi(*phases) * 10 ** (-2 * 0.5 / 20), rtol=0, atol=4 * EPS)


def test_loss_beside_phi_acts_on_the_input_ports(phases):
    lossy = mzi(*phases, loss_db=[6.0, 2.0, 0.0, 0.0])
    np.testing.assert_allclose(lossy, mzi(*phases) * transmission([6.0, 2.0]), rtol=0, atol=4 * EPS)


def test_coupler_angles_add_up(rng):
    first, second = rng.uniform(-4, 4, (2, 50))
    np.testing.assert_allclose(coupler(first) @ coupler(second), coupler(first + second), rtol=0, atol=8 * EPS)


def test_coupler_is_a_half_splitter_at_a_quarter_of_pi():
    np.testing.assert_allclose(np.abs(coupler(math.pi / 4)) ** 2, np.full((2, 2), 0.5), rtol=0, atol=EPS)
    np.testing.assert_allclose(coupler(0.0), np.eye(2), rtol=0, atol=0)


def test_arms_shift_the_upper_arm_only():
    np.testing.assert_allclose(arms(math.pi / 2, [20.0, 40.0]), [[0.1j, 0], [0, 0.01]], rtol=0, atol=EPS)


def test_transmission_is_an_amplitude():
    np.testing.assert_allclose(transmission([0.0, 20.0, 10.0, np.inf]), [1, 0.1, math.sqrt(0.1), 0], rtol=1e-15)


def test_arguments_broadcast():
    assert mzi(0.1, 0.2).shape == (2, 2)
    assert mzi(np.zeros((5, 1)), np.zeros(3), np.zeros((4, 1, 1, 2)), np.zeros(4)).shape == (4, 5, 3, 2, 2)
    assert mzi(np.float32(0.1), 1).dtype == np.complex128


@pytest.mark.parametrize("loss", [-0.1, [0.0, -0.1], [[-0.1, -7.0]]])
def test_gain_is_refused(loss):
    with pytest.raises(ValueError, match=r"loss_db must be zero or positive \(dB of loss\), got -0\.1$"):
        transmission(loss)


def test_undefined_loss_is_refused():
    with pytest.raises(ValueError, match=r"got nan$"):
        mzi(0.0, 0.0, loss_db=[0.0, np.nan, 0.0, 0.0])


def test_wrong_last_axis_is_refused():
    with pytest.raises(ValueError, match=r"^coupler_error must have shape \(\.\.\., 2\), got \(3,\)$"):
        mzi(0.0, 0.0, coupler_error=[0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"^loss_db must have shape \(\.\.\., 4\), got \(\)$"):
        mzi(0.0, 0.0, loss_db=0.1)
    with pytest.raises(ValueError, match=r"^loss_db must have shape \(\.\.\., 2\), got \(4,\)$"):
        arms(0.0, np.zeros(4))
