"""What a chip is made with: statistics of the draws, independence of the streams, the loss of the columns.

A statistic of a correct draw leaves 5 standard errors with probability 6e-7; there are about 20 of them here.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrolux.hardware import Fabrication, Imperfections, fabricate
from retrolux.hardware.fabrication import arm_loss
from retrolux.mesh import (
    butterfly,
    cascade,
    from_columns,
    haar_phases,
    permuting_rectangular,
    rectangular,
    tree,
    triangular,
)
from retrolux.mesh.reference import propagate

LIMIT = 5.0
MESH = rectangular(64)
ALL = Imperfections(coupler_std=0.02, loss_db=0.1, loss_db_std=0.2, column_loss_db=0.05, phase_offset_std=0.3)
ARRAYS = [field.name for field in dataclasses.fields(Fabrication)]


def same(one, other):
    return [name for name in ARRAYS if np.array_equal(getattr(one, name), getattr(other, name))]


def check_moments(numbers, mean, std):
    """Check mean and standard deviation; for a normal number the variance has standard error √(2/n) of itself."""
    error = numbers.std() / np.sqrt(numbers.size)
    assert abs(numbers.mean() - mean) < LIMIT * error
    fourth = ((numbers - numbers.mean()) ** 4).mean()
    assert abs(numbers.var() - std**2) < LIMIT * np.sqrt((fourth - numbers.var() ** 2) / numbers.size)


def test_shapes_types_and_protection():
    made = fabricate(MESH, ALL, 1)
    assert made.coupler_error.shape == (MESH.mzis, 2)
    assert made.loss_db.shape == (MESH.mzis, 4)
    assert made.theta_offset.shape == made.phi_offset.shape == (MESH.mzis,)
    assert made.gamma_offset.shape == made.output_loss_db.shape == (MESH.modes,)
    for name in ARRAYS:
        array = getattr(made, name)
        assert array.dtype == np.float64
        assert not array.flags.writeable
    assert repr(made) == "Fabrication(2016 MZIs, 64 modes)"


def test_an_ideal_chip_has_no_errors():
    made = fabricate(MESH, Imperfections(), 7)
    assert not any(getattr(made, name).any() for name in ARRAYS)


@pytest.mark.parametrize("field", [0, 1])
def test_coupler_errors_are_normal(field):
    check_moments(fabricate(MESH, ALL, 2).coupler_error[:, field], 0, 0.02)


def test_couplers_of_an_mzi_are_independent():
    first, second = fabricate(MESH, ALL, 2).coupler_error.T / 0.02
    assert abs((first * second).mean()) < LIMIT / np.sqrt(len(first))


@pytest.mark.parametrize("name", ["theta_offset", "phi_offset", "gamma_offset"])
def test_offsets_are_normal(name):
    check_moments(getattr(fabricate(MESH, ALL, 3), name), 0, 0.3)


@pytest.mark.parametrize(("loss_db", "loss_db_std"), [(0, 0.05), (0.1, 0.2), (0.3, 0.1), (0.5, 0.01), (0.2, 0)])
def test_arm_loss_has_the_stated_mean_and_spread_and_is_no_gain(loss_db, loss_db_std):
    imperfections = Imperfections(loss_db=loss_db, loss_db_std=loss_db_std)
    losses = fabricate(MESH, imperfections, 4).loss_db
    assert (losses >= 0).all()
    if loss_db_std == 0:
        assert (losses == loss_db).all()
        assert arm_loss(imperfections) == (loss_db, 0)
    else:
        check_moments(losses.ravel(), *arm_loss(imperfections))


@given(st.floats(0, 10), st.floats(1e-3, 10))
def test_arm_loss_agrees_with_the_integral(centre, spread):
    n = np.linspace(-12, 12, 200_001)
    weight = np.exp(-(n**2) / 2) * (n[1] - n[0]) / np.sqrt(2 * np.pi)
    loss = np.abs(centre + spread * n)
    mean = (weight * loss).sum()
    std = np.sqrt((weight * (loss - mean) ** 2).sum())
    assert arm_loss(Imperfections(loss_db=centre, loss_db_std=spread)) == pytest.approx((mean, std), rel=1e-6)


def test_half_normal_loss_is_the_textbook_one():
    mean, std = arm_loss(Imperfections(loss_db_std=1))
    assert mean == pytest.approx(np.sqrt(2 / np.pi), rel=1e-14)
    assert std == pytest.approx(np.sqrt(1 - 2 / np.pi), rel=1e-14)


def test_the_seed_decides():
    assert same(fabricate(MESH, ALL, 5), fabricate(MESH, ALL, 5)) == ARRAYS
    assert same(fabricate(MESH, ALL, 5), fabricate(MESH, ALL, 6)) == ["output_loss_db"]  # which nothing draws


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({"coupler_std": 0.0}, {"coupler_error"}),
        ({"loss_db_std": 0.0}, {"loss_db"}),
        ({"loss_db": 0.4}, {"loss_db"}),
        ({"column_loss_db": 0.0}, {"loss_db", "output_loss_db"}),
        ({"phase_offset_std": 0.0}, {"theta_offset", "phi_offset", "gamma_offset"}),
    ],
)
def test_one_imperfection_leaves_the_draws_of_the_others(change, touched):
    # A triangular mesh, so that some modes have columns left behind their last MZI.
    mesh = triangular(8)
    before, after = fabricate(mesh, ALL, 8), fabricate(mesh, dataclasses.replace(ALL, **change), 8)
    assert set(ARRAYS) - set(same(before, after)) == touched


def test_a_size_scales_its_draws():
    before, after = fabricate(MESH, ALL, 9), fabricate(MESH, dataclasses.replace(ALL, coupler_std=0.04), 9)
    np.testing.assert_array_equal(after.coupler_error, 2 * before.coupler_error)


def test_different_quantities_do_not_share_draws():
    made = fabricate(MESH, ALL, 10)
    draws = {
        "coupler": made.coupler_error[:, 0] / 0.02,
        "theta": made.theta_offset / 0.3,
        "phi": made.phi_offset / 0.3,
    }
    names = list(draws)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert abs((draws[one] * draws[other]).mean()) < LIMIT / np.sqrt(MESH.mzis), (one, other)


@pytest.mark.parametrize(
    "mesh",
    [
        rectangular(5),
        rectangular(6, columns=9),
        triangular(6),
        butterfly(8),
        tree(7),
        cascade(5),
        permuting_rectangular(8),
        from_columns(4, [[], [(0, 3)], [], [(3, 1)], []]),
        from_columns(3, [[], []]),
    ],
    ids=lambda mesh: f"{mesh.name}{mesh.modes}",
)
def test_column_loss_dims_every_path_alike(mesh, rng):
    made = fabricate(mesh, Imperfections(column_loss_db=0.3), 0)
    phases = haar_phases(mesh, rng)
    light = np.eye(mesh.modes)
    ideal = propagate(mesh, light, *phases)
    lossy = propagate(mesh, light, *phases, loss_db=made.loss_db) * 10 ** (-made.output_loss_db / 20)
    np.testing.assert_allclose(lossy, 10 ** (-0.3 * mesh.depth / 20) * ideal, rtol=0, atol=1e-14)


def test_column_loss_comes_on_top_of_the_arms():
    mesh = triangular(5)
    arms = fabricate(mesh, dataclasses.replace(ALL, column_loss_db=0), 11).loss_db
    both = fabricate(mesh, ALL, 11).loss_db
    np.testing.assert_array_equal(both[:, 2:], arms[:, 2:])
    waited = (both[:, :2] - arms[:, :2]) / ALL.column_loss_db
    # The first MZI of a triangle meets light at once; the last mode of column 2 waited for three columns.
    np.testing.assert_allclose(waited[0], [1, 1])
    np.testing.assert_allclose(waited[mesh.pairs[:, 1].tolist().index(3), 1], 3)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_the_seed_has_64_bits(seed):
    with pytest.raises(ValueError, match=f"seed must be between .*, got {seed}$"):
        fabricate(MESH, ALL, seed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coupler_error": np.zeros((3, 2))}, r"coupler_error must have shape \(mzis, 2\) = \(6, 2\), got \(3, 2\)$"),
        ({"loss_db": np.zeros((6, 2))}, r"loss_db must have shape \(mzis, 4\) = \(6, 4\), got \(6, 2\)$"),
        ({"output_loss_db": np.zeros(3)}, r"output_loss_db must have shape \(modes,\) = \(4,\), got \(3,\)$"),
        ({"phi_offset": np.zeros(5)}, r"phi_offset must have shape \(mzis,\) = \(6,\), got \(5,\)$"),
        ({"loss_db": np.full((6, 4), -0.1)}, r"loss_db must be finite and at least 0, got -0\.1$"),
        ({"output_loss_db": np.full(4, np.nan)}, r"output_loss_db must be finite and at least 0, got nan$"),
        ({"gamma_offset": np.full(4, np.inf)}, r"gamma_offset must be finite, got inf$"),
    ],
)
def test_a_measured_chip_is_checked(change, message):
    made = fabricate(rectangular(4), ALL, 0)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(made, **change)


def test_a_measured_chip_may_be_given_in_tensors():
    """Warnings are errors here: NumPy warned of a keyword that tensors do not know."""
    made = fabricate(MESH, Imperfections(coupler_std=0.1), 3)
    again = Fabrication(**{name: torch.from_numpy(array.copy()) for name, array in vars(made).items()})
    for name, array in vars(made).items():
        np.testing.assert_array_equal(getattr(again, name), array)


def test_a_measured_chip_keeps_apart_from_the_callers_arrays():
    offsets = np.full(4, -1.5)
    made = dataclasses.replace(fabricate(rectangular(4), ALL, 0), gamma_offset=offsets)
    offsets[0] = 0
    assert made.gamma_offset.tolist() == [-1.5] * 4
