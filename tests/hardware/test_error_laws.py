"""The laws of errors against the models they are derived from; tests/study and tests/gradient measure them on chips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retrolux.hardware.error_laws import (
    coupler_matrix_error,
    loss_gradient_error,
    matrix_law,
    phase_matrix_error,
    tap_gradient_error,
)
from retrolux.mesh import rectangular, triangular


def gaussian_cosine(rng, measured, shape=(400, 400)):
    """Return 1 − cosine of a measured gradient in the model of the laws: independent Gaussian fields z and a."""
    z, a = (rng.standard_normal((2, *shape)) + 1j * rng.standard_normal((2, *shape))) / np.sqrt(2)
    gradient, got = -np.imag(z * a), measured(z, a)
    return 1 - (gradient * got).sum() / np.sqrt((gradient**2).sum() * (got**2).sum())


@pytest.mark.parametrize("strength", [0.01, 0.3])
def test_tap_noise_law_is_that_of_gaussian_fields(strength, rng):
    # In units of the average power at a tap, 1/N, the noise of a power p is √N s √p n.
    noise = math.sqrt(strength)

    def power(field):
        exact = np.abs(field) ** 2
        return exact + noise * np.sqrt(exact) * rng.standard_normal(field.shape)

    def three(z, a):
        return (power(z - 1j * a.conj()) - power(z) - power(a)) / 2

    def sum_difference(z, a):
        return (power(z - 1j * a.conj()) - power(z + 1j * a.conj())) / 4

    said = tap_gradient_error(noise / 8, 64)
    assert gaussian_cosine(rng, three) == pytest.approx(said[0], rel=0.05)
    assert gaussian_cosine(rng, sum_difference) == pytest.approx(said[1], rel=0.05)


def test_sums_at_unit_power_cost_what_is_said(rng):
    def power(field, noise=0.05):
        exact = np.abs(field) ** 2
        return exact + noise * np.sqrt(exact) * rng.standard_normal(field.shape)

    def double(field):
        # Sent at half the power and read at twice: √2 times the noise.
        return power(field, noise=0.05 * math.sqrt(2))

    def three(z, a):
        return (double(z - 1j * a.conj()) - power(z) - power(a)) / 2

    def sum_difference(z, a):
        return (double(z - 1j * a.conj()) - double(z + 1j * a.conj())) / 4

    said = tap_gradient_error(0.05, 1)
    assert gaussian_cosine(rng, three) == pytest.approx(1.5 * said[0], rel=0.05)
    assert gaussian_cosine(rng, sum_difference) == pytest.approx(2 * said[1], rel=0.05)


def test_tap_noise_law_for_little_noise():
    three, sum_difference = tap_gradient_error(1e-4, 64)
    assert three == pytest.approx(64e-8, rel=1e-5)
    assert sum_difference == pytest.approx(16e-8, rel=1e-5)


@pytest.mark.parametrize("total_db", [0.8, 5.0, 20.0])
def test_loss_law_is_that_of_gaussian_fields(total_db, rng):
    nepers = math.log(10) / 10 * total_db
    along = np.linspace(0, 1, 400)[:, None]

    def arrived(z, a):
        # Amplitudes at the tap: forward light, adjoint light from the right, and its conjugate sent back in.
        weak = np.exp(-nepers * along / 2), np.exp(-nepers * (1 - along) / 2)
        return weak[0] * z, weak[1] * a, weak[1] * np.exp(-nepers * along) * a

    def three(z, a):
        z, a, again = arrived(z, a)
        return (np.abs(z - 1j * again.conj()) ** 2 - np.abs(z) ** 2 - np.abs(a) ** 2) / 2

    def sum_difference(z, a):
        z, _, again = arrived(z, a)
        return (np.abs(z - 1j * again.conj()) ** 2 - np.abs(z + 1j * again.conj()) ** 2) / 4

    said = loss_gradient_error(total_db)
    assert gaussian_cosine(rng, three) == pytest.approx(said[0], rel=0.05)
    assert gaussian_cosine(rng, sum_difference) == pytest.approx(said[1], rel=0.05)


def test_loss_law_at_its_ends():
    assert loss_gradient_error(0.0) == (0, 0)
    assert loss_gradient_error(5e4) == pytest.approx((1, 1), abs=0.02)
    tiny = loss_gradient_error(1e-9)
    assert all(0 <= error < 1e-12 for error in tiny)
    # 0.1 dB per column over 8 columns: a cosine of 0.999 for sum and difference.
    assert 1 - loss_gradient_error(0.8)[1] == pytest.approx(0.999, abs=1e-3)


@pytest.mark.parametrize("mesh", [triangular(400), rectangular(400)], ids=["triangular", "rectangular"])
def test_the_law_of_large_meshes_is_that_of_all_their_elements(mesh):
    assert matrix_law("couplers", mesh.modes, 0.01) == pytest.approx(coupler_matrix_error(mesh, 0.01), rel=2e-3)
    assert matrix_law("phases", mesh.modes, 0.01) == pytest.approx(phase_matrix_error(mesh, 0.01), rel=2e-3)
