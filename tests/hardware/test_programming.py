"""Phases on their way to the light: levels, write errors, heat, offsets, and the walk they take afterwards.

A statistic of a correct draw leaves 5 standard errors with probability 6e-7; there are about 20 of them here.
"""

from __future__ import annotations

import dataclasses

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.hardware import (
    Imperfections,
    drift_step,
    fabricate,
    program,
    quantise,
    thermal_crosstalk,
)
from retrolux.mesh import haar_phases, matrix, rectangular

LIMIT = 5.0
TURN = 2 * np.pi
MESH = rectangular(12)
SHIFTERS = 2 * MESH.mzis + MESH.modes


def write(imperfections, phases, number=0, seed=1):
    met = program(
        *phases,
        imperfections=imperfections,
        fabrication=fabricate(MESH, imperfections, seed),
        crosstalk=thermal_crosstalk(MESH, imperfections),
        seed=seed,
        write=number,
    )
    return np.split(met, [MESH.mzis, 2 * MESH.mzis])


@pytest.mark.parametrize("bits", [1, 2, 7, 16, 32])
def test_levels_stay_where_they_are(bits):
    level = np.unique(np.linspace(0, 2.0**bits - 1, 1001).astype(np.int64))
    phases = level * (TURN / 2.0**bits)
    np.testing.assert_array_equal(quantise(phases, bits), phases)
    assert quantise(phases + TURN, bits) == pytest.approx(phases, abs=1e-14)


@given(st.floats(-30, 30), st.integers(1, 20))
def test_the_nearest_level_is_taken_on_the_circle(phase, bits):
    levels = np.arange(2**bits) * (TURN / 2**bits)
    chosen = quantise(phase, bits)
    assert chosen in levels

    def away(level):
        return np.abs((level - phase + np.pi) % TURN - np.pi)

    assert away(chosen) <= away(levels).min() + 1e-13


def test_just_below_a_turn_the_nearest_level_is_zero():
    step = TURN / 8
    phases = [TURN - 0.49 * step, TURN - 0.51 * step, -0.49 * step, -0.51 * step]
    assert quantise(phases, 3).tolist() == [0, 7 * step, 0, 7 * step]


def test_without_bits_phases_are_only_wrapped():
    assert quantise([7.0, -1.0], None).tolist() == [7.0 - TURN, TURN - 1.0]


@pytest.mark.parametrize("size", [1e2, 1e5, 1e8, 1e15, 1e30, 1e300])
@pytest.mark.parametrize("bits", [None, 40])
def test_phases_of_any_size_lose_whole_turns_alone(size, bits):
    """Against 400 digits: 2π has to be the true one, not the nearest double."""
    phases = np.random.default_rng(0).uniform(-1, 1, 50) * size
    wrapped = quantise(phases, bits)
    with mpmath.workdps(400):
        for phase, got in zip(phases, wrapped, strict=True):
            off = mpmath.mpf(float(got)) - mpmath.mpf(float(phase))
            off -= 2 * mpmath.pi * mpmath.nint(off / (2 * mpmath.pi))
            assert abs(off) < 1.5e-15 + (0 if bits is None else np.pi / 2**bits), phase
    assert ((wrapped >= 0) & (wrapped < 2 * np.pi)).all()


@pytest.mark.parametrize("bits", [None, 1, 8])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_phase_is_refused(bits, bad):
    with pytest.raises(ValueError, match=f"^phases must be finite, got {bad}$"):
        quantise([0.5, bad], bits)


def test_quantisation_error_is_uniform(rng):
    phases = rng.uniform(0, TURN, 20_000)
    error = (quantise(phases, 6) - phases + np.pi) % TURN - np.pi
    step = TURN / 64
    assert np.abs(error).max() <= step / 2 + 1e-12
    # The square of a uniform number has mean 1/12 and variance 1/80 − 1/144.
    assert abs(((error / step) ** 2).mean() - 1 / 12) < LIMIT * np.sqrt((1 / 80 - 1 / 144) / error.size)


def test_an_ideal_chip_does_as_told(rng):
    phases = haar_phases(MESH, rng)
    for got, wanted in zip(write(Imperfections(), phases), phases, strict=True):
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, wanted)


def test_whole_turns_do_not_change_the_matrix(rng):
    theta, phi, gamma = haar_phases(MESH, rng)
    got = write(Imperfections(), (theta - TURN, phi + 3 * TURN, gamma - 4 * TURN))
    np.testing.assert_allclose(matrix(MESH, *got), matrix(MESH, theta, phi, gamma), atol=1e-12)


def test_the_order_of_what_happens(rng):
    imperfections = Imperfections(phase_bits=5, crosstalk=0.1, phase_offset_std=0.4)
    phases = haar_phases(MESH, rng)
    made = fabricate(MESH, imperfections, 1)
    heat = thermal_crosstalk(MESH, imperfections)
    expected = heat.apply(quantise(np.concatenate(phases), 5))
    expected += np.concatenate([made.theta_offset, made.phi_offset, made.gamma_offset])
    np.testing.assert_allclose(np.concatenate(write(imperfections, phases)), expected, atol=1e-15)


def test_write_errors_are_spread_by_heat_but_not_rounded(rng):
    imperfections = Imperfections(phase_bits=5, crosstalk=0.1, phase_std=0.02)
    phases = haar_phases(MESH, rng)
    quiet = np.concatenate(write(dataclasses.replace(imperfections, phase_std=0), phases))
    alone = np.concatenate(write(dataclasses.replace(imperfections, crosstalk=0), phases))
    error = alone - quantise(np.concatenate(phases), 5)
    heat = thermal_crosstalk(MESH, imperfections)
    np.testing.assert_allclose(np.concatenate(write(imperfections, phases)), quiet + heat.apply(error), atol=1e-14)
    assert np.unique(error).size > SHIFTERS / 2


def test_offsets_heat_nobody(rng):
    imperfections = Imperfections(crosstalk=0.1, phase_offset_std=0.4)
    phases = haar_phases(MESH, rng)
    made = fabricate(MESH, imperfections, 1)
    without = write(dataclasses.replace(imperfections, phase_offset_std=0), phases)
    for got, bare, offset in zip(
        write(imperfections, phases), without, (made.theta_offset, made.phi_offset, made.gamma_offset), strict=True
    ):
        np.testing.assert_array_equal(got, bare + offset)


def test_write_errors_have_their_size_and_are_new_at_every_write():
    imperfections = Imperfections(phase_std=0.1)
    still = [np.full(MESH.mzis, 3.0), np.full(MESH.mzis, 2.0), np.full(MESH.modes, 1.0)]
    errors = np.stack([np.concatenate(write(imperfections, still, n)) - np.concatenate(still) for n in range(40)])
    errors /= 0.1
    count = errors.size
    assert abs(errors.mean()) < LIMIT / np.sqrt(count)
    assert abs((errors**2).mean() - 1) < LIMIT * np.sqrt(2 / count)
    assert abs((errors[1:] * errors[:-1]).mean()) < LIMIT / np.sqrt(count)
    np.testing.assert_array_equal(
        np.concatenate(write(imperfections, still, 7)), np.concatenate(write(imperfections, still, 7))
    )
    assert not np.array_equal(write(imperfections, still, 7, seed=1)[0], write(imperfections, still, 7, seed=2)[0])


@pytest.mark.parametrize(
    ("which", "bad", "message"),
    [
        (0, np.zeros(3), r"theta must have shape \(66,\), got \(3,\)$"),
        (1, np.zeros((66, 1)), r"phi must have shape \(66,\), got \(66, 1\)$"),
        (2, np.zeros(66), r"gamma must have shape \(12,\), got \(66,\)$"),
        (1, np.full(66, np.nan), r"phi must be finite, got nan$"),
        (2, np.full(12, -np.inf), r"gamma must be finite, got -inf$"),
    ],
)
def test_bad_phases_are_refused(which, bad, message, rng):
    phases = list(haar_phases(MESH, rng))
    phases[which] = bad
    with pytest.raises(ValueError, match=message):
        write(Imperfections(), phases)


def walk(seconds, shifters, first_tick=0, std=0.2, seed=3):
    """Return where phases stand after each of the given times, starting at 0."""
    steps = [
        drift_step(Imperfections(drift_std_per_s=std), elapsed, shifters, seed=seed, tick=first_tick + n)
        for n, elapsed in enumerate(np.diff([0, *seconds]))
    ]
    return np.cumsum(steps, axis=0)


@pytest.mark.parametrize("times", [[9.0], [1.0, 4.0, 9.0], [0.0, 8.999, 9.0], list(np.linspace(0.09, 9, 100))])
def test_drift_spreads_linearly_in_time_however_it_is_cut(times):
    count = 4000
    stands = walk(times, count)
    for time, stand in zip(times, stands, strict=True):
        variance = (stand**2).mean()
        assert abs(variance - 0.04 * time) <= LIMIT * np.sqrt(2 / count) * 0.04 * time
        assert abs(stand.mean()) <= LIMIT * 0.2 * np.sqrt(time / count)


def test_drift_remembers_where_it_was():
    count = 4000
    early, late = walk([4.0, 9.0], count)
    # A Brownian motion has covariance σ² min(s, t), and increments that do not depend on the past.
    assert abs((early * late).mean() - 0.16) < LIMIT * np.sqrt((0.16 * 0.36 + 0.16**2) / count)
    assert abs((early * (late - early)).mean()) < LIMIT * np.sqrt(0.16 * 0.2 / count)


def test_looking_longer_does_not_change_the_past():
    np.testing.assert_array_equal(walk([1.0, 2.0], 50), walk([1.0, 2.0, 30.0], 50)[:2])


def test_drift_is_fixed_by_seed_and_tick():
    np.testing.assert_array_equal(walk([2.0], 50), walk([2.0], 50))
    assert not np.array_equal(walk([2.0], 50), walk([2.0], 50, first_tick=1))
    assert not np.array_equal(walk([2.0], 50), walk([2.0], 50, seed=4))


def test_no_drift_without_time_or_size():
    assert not walk([0.0], 50).any()
    assert not walk([5.0], 50, std=0).any()


@pytest.mark.parametrize("elapsed", [-1e-9, np.nan, np.inf])
def test_time_runs_forward(elapsed):
    with pytest.raises(ValueError, match=r"elapsed_s must be finite and at least 0, got "):
        drift_step(Imperfections(drift_std_per_s=1), elapsed, 5, seed=0, tick=0)
