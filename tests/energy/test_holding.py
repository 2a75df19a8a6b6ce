"""Holding power: from given phases, and the closed form against phases that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy import MeshSize, haar_holding_power, holding_power
from retrolux.energy.presets import PAI2023_TABLES

DEVICE = PAI2023_TABLES.changed("shifters.power_per_pi", 25)


def test_power_is_proportional_to_the_phase_modulo_a_turn():
    phases = [0.0, np.pi, -np.pi / 2, 2 * np.pi, 5 * np.pi]
    assert holding_power(DEVICE, phases) == pytest.approx(25e-3 * (0 + 1 + 1.5 + 0 + 1))
    assert holding_power(DEVICE, []) == 0


@pytest.mark.parametrize("build", [mesh.triangular, mesh.rectangular])
@pytest.mark.parametrize("modes", [2, 3, 12])
def test_haar_random_phases_take_what_the_closed_form_says(build, modes, rng):
    draws = 1000
    powers = [holding_power(DEVICE, np.concatenate(mesh.haar_phases(build(modes), rng))) for _ in range(draws)]
    expected = haar_holding_power(DEVICE, MeshSize.of(build(modes)))
    # Four standard errors of the mean: wrong by chance once in 16 000.
    assert abs(np.mean(powers) - expected) < 4 * np.std(powers) / np.sqrt(draws)


def test_a_single_mzi():
    # N = 2: θ has P(θ > x) = cos²(x/2), mean π/2; φ and two γ have the mean π.
    assert haar_holding_power(DEVICE, 2) == pytest.approx(25e-3 * 3.5)


def test_large_meshes_hold_mostly_phi():
    per_mzi = haar_holding_power(DEVICE, 1024) / 25e-3 / (1024 * 1023 / 2)
    assert 1 < per_mzi < 1.06  # θ goes to cross as 1/√N
