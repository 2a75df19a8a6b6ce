"""Fitted exponents, and what is computed from measured constants for more machines."""

from __future__ import annotations

import _extrapolation
import numpy as np
import pytest
import scale

SIZE = _extrapolation.Measured(modes=100, mzis=4950, seconds=2e-6, disturbed=False, peak=10**6)


def test_exponents_of_power_laws_one_per_round():
    modes = np.array([64, 128, 256])
    rounds = np.stack([3.0 * modes**2.0, 1e-6 * modes**1.5, np.ones(3)], axis=1)
    np.testing.assert_allclose(scale.exponents(modes, rounds), [2, 1.5, 0], atol=1e-12)
    assert scale.exponents(modes[:2], [1, 8]) == pytest.approx([3])


def test_a_step_over_machines_is_its_share_and_the_ring(monkeypatch):
    monkeypatch.setattr(_extrapolation, "_LINK_BYTES_PER_S", 1e9)
    monkeypatch.setattr(_extrapolation, "_MESSAGE_S", 1e-5)
    assert _extrapolation.ring_seconds(1e6, 1) == 0
    assert _extrapolation.ring_seconds(1e6, 4) == pytest.approx(6 * (0.25e-3 + 1e-5))
    expected = 25 * 2e-6 + 6 * (8 * 4950 / 4 / 1e9 + 1e-5)
    assert _extrapolation.step_seconds(SIZE, 100, 4) == pytest.approx(expected)


def test_samples_for_an_efficiency(monkeypatch):
    monkeypatch.setattr(_extrapolation, "_MESSAGE_S", 0)
    machines = 10**6
    batch = 9 * _extrapolation.samples_of_exchange(SIZE) * machines
    alone, together = (_extrapolation.step_seconds(SIZE, batch, count) for count in (1, machines))
    assert alone / together / machines == pytest.approx(0.9, rel=1e-4)


def test_doubt_about_a_row_stays_with_what_follows_from_it():
    text = _extrapolation.extrapolated([SIZE, _extrapolation.Measured(200, 19900, 8e-6, True, 10**7)], 256)
    assert "| 100, P = 1 | 0.00819 | 0 | 1.00 | 100% |" in text
    assert "| 200, P = 1 | ~0.0328 | 0 | ~1.00 | ~100% |" in text
