"""The laws and what simulated chips say to them; tests/gradient/test_laws.py has the physics with its confidence."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.hardware.error_laws import loss_law, matrix_law, tap_law
from retrolux.study.law_measurement import measure_laws


@pytest.fixture(scope="module")
def laws():
    return measure_laws(modes=(4, 16), tap_noise=(0.01, 0.02), loss_db_std=(0.02,), effort=1000, seed=1)


def inside(found, law, allowed):
    """Whether points lie on a law within some of its size and four standard errors."""
    mean, error = (found.sel(laws_statistic=name).values for name in ("mean", "standard_error"))
    return bool((np.abs(mean - law) < allowed * law + 4 * error).all())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["three_measurement", "sum_difference"])
def test_tap_noise(laws, method):
    found = laws["laws_tap_error"].sel(laws_method=method)
    assert inside(found, tap_law(method, np.array([[4], [16]]), np.array([0.01, 0.02])), 0.05)


@pytest.mark.slow
def test_random_loss(laws):
    assert inside(laws["laws_loss_error"].sel(laws_modes=[16]), loss_law(16, 0.02), 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("cause", ["couplers", "phases"])
def test_wrong_elements(laws, cause):
    found = laws["laws_matrix_error"].sel(laws_cause=cause, laws_modes=[16])
    assert inside(found, matrix_law(cause, 16, laws["laws_matrix_error"].attrs["std"]), 0.08)


def test_small_meshes_err_less(laws):
    small = laws.sel(laws_modes=4, laws_statistic="mean")
    assert (small["laws_loss_error"] < loss_law(4, 0.02)).all()


def test_standard_errors_are_small_and_above_zero(laws):
    found = laws["laws_tap_error"]
    relative = found.sel(laws_statistic="standard_error") / found.sel(laws_statistic="mean")
    assert float(relative.min()) > 0
    assert float(relative.max()) < 0.2


def test_points_of_a_law_have_chips_of_their_own(laws):
    """With the same chips and draws, twice the noise would make exactly four times the error."""
    mean = laws["laws_tap_error"].sel(laws_statistic="mean")
    ratio = mean.sel(laws_tap_noise=0.02) / mean.sel(laws_tap_noise=0.01)
    assert (np.abs(ratio - 4) > 1e-6).all()


def test_the_same_seed_gives_the_same_bits():
    small = {"modes": (4,), "tap_noise": (0.02,), "loss_db_std": (0.02,), "effort": 64}
    assert measure_laws(**small).identical(measure_laws(**small))
    assert not measure_laws(**small).identical(measure_laws(**small, seed=1))
