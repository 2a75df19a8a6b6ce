"""Light of another wavelength."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retrolux.hardware import Imperfections, detuned
from retrolux.mesh import haar_phases, matrix, rectangular

MESH = rectangular(6)
CHIP = Imperfections(coupler_dispersion=0.004, phase_dispersion=-1 / 1550, detuning_nm=10)


def test_phases_stretch_and_couplers_turn(rng):
    theta, phi, gamma = haar_phases(MESH, rng)
    error = 0.01 * rng.standard_normal((MESH.mzis, 2))
    theta_at, phi_at, gamma_at, error_at = detuned(theta, phi, gamma, error, CHIP)
    for got, given in ((theta_at, theta), (phi_at, phi), (gamma_at, gamma)):
        np.testing.assert_allclose(got, given * (1 - 10 / 1550), rtol=1e-15)
    np.testing.assert_allclose(error_at, error + 0.04, rtol=1e-14)


@pytest.mark.parametrize(
    "change", [{"detuning_nm": 0}, {"coupler_dispersion": 0, "phase_dispersion": 0}], ids=["tuned", "no dispersion"]
)
def test_without_detuning_or_dispersion_nothing_changes(change, rng):
    given = (*haar_phases(MESH, rng), rng.standard_normal((MESH.mzis, 2)))
    for got, before in zip(detuned(*given, dataclasses.replace(CHIP, **change)), given, strict=True):
        np.testing.assert_array_equal(got, before)


def test_a_sweep_over_the_wavelength_is_a_smooth_curve_through_the_ideal_matrix(rng):
    phases = haar_phases(MESH, rng)
    error = np.zeros((MESH.mzis, 2))
    ideal = matrix(MESH, *phases)
    detunings = np.linspace(-2, 2, 9)
    off = []
    for detuning in detunings:
        at = dataclasses.replace(CHIP, detuning_nm=detuning)
        off.append(np.linalg.norm(matrix(MESH, *detuned(*phases, error, at)) - ideal))
    off = np.array(off)
    assert off[4] < 1e-14  # rounding alone: coupler errors of zero take another kernel than none
    # To first order the distance grows with |Δλ| alone; at 2 nm the second order is a few per cent.
    slope = off[[0, 1, 2, 3, 5, 6, 7, 8]] / np.abs(np.delete(detunings, 4))
    assert slope.max() / slope.min() < 1.1
    assert slope.min() > 0.01


def test_more_bar_than_cross_when_the_couplers_turn():
    phases = np.zeros(1), np.zeros(1), np.zeros(2)
    mesh = rectangular(2)
    at = Imperfections(coupler_dispersion=0.01, detuning_nm=5)
    turned = matrix(mesh, *detuned(*phases, np.zeros((1, 2)), at))
    # θ = 0 joins the two couplers to one of angle π/2 + 2 · 0.05.
    np.testing.assert_allclose(np.abs(turned), [[np.sin(0.1), np.cos(0.1)], [np.cos(0.1), np.sin(0.1)]], atol=1e-14)
