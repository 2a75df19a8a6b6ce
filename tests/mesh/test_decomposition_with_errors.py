"""Decompose on meshes with coupler errors: exact where every split can be reached, near where not."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.mesh import (
    TOPOLOGIES,
    butterfly,
    decompose,
    decompose_on,
    haar_phases,
    haar_unitary,
    matrix,
    rectangular,
    triangular,
)
from retrolux.mesh.convention import mzi
from retrolux.mesh.reference import propagate

BUILDERS = [named.build for named in TOPOLOGIES.values() if named.universal]


def rebuilt(topology, phases, coupler_error):
    return propagate(topology, np.eye(topology.modes), *phases, coupler_error=coupler_error).T


def distance(first, second):
    return np.linalg.norm(first - second) / np.sqrt(len(second))


def phases_of(found):
    return found.theta, found.phi, found.gamma


def test_crossed_power_lies_between_the_stated_bounds(rng):
    theta = np.linspace(0, 2 * np.pi, 2001)
    for first, second in rng.uniform(-0.7, 0.7, (20, 2)):
        crossed = np.abs(mzi(theta, 0.3, [first, second])[:, 0, 1]) ** 2
        assert crossed.max() == pytest.approx(np.cos(first + second) ** 2, abs=1e-12)
        assert crossed.min() == pytest.approx(np.sin(first - second) ** 2, abs=1e-12)
        assert theta[crossed.argmax()] % (2 * np.pi) == pytest.approx(0)
        assert theta[crossed.argmin()] == pytest.approx(np.pi)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("n", [2, 3, 5, 8, 17, 64])
@pytest.mark.parametrize("coupler_std", [0.01, 0.1, 0.2])
def test_a_unitary_of_the_chip_itself_is_found_again(build, n, coupler_std, rng):
    topology = build(n)
    coupler_error = np.clip(rng.normal(0, coupler_std, (topology.mzis, 2)), -0.7, 0.7)
    theta, phi, gamma = haar_phases(topology, rng)
    unitary = matrix(topology, theta, phi, gamma, coupler_error)
    found = decompose_on(unitary, topology, coupler_error)
    assert not found.unreachable.any()
    assert found.error < 1e-12
    np.testing.assert_allclose(matrix(topology, *phases_of(found), coupler_error), unitary, rtol=0, atol=1e-10)
    for phase, expected in zip(phases_of(found), (theta, phi, gamma), strict=True):
        # An MZI near cross fixes its phases only as well as it fixes the light that it sends straight.
        np.testing.assert_allclose(np.exp(1j * phase), np.exp(1j * expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("coupler_std", [0.01, 0.03, 0.1])
def test_haar_unitaries_are_exact_unless_an_mzi_is_reported(build, coupler_std, rng):
    topology = build(6)
    counts = {True: 0, False: 0}
    for _ in range(40):
        unitary = haar_unitary(6, rng)
        coupler_error = rng.normal(0, coupler_std, (topology.mzis, 2))
        found = decompose_on(unitary, topology, coupler_error)
        error = distance(rebuilt(topology, phases_of(found), coupler_error), unitary)
        assert found.error == pytest.approx(error, rel=1e-9, abs=1e-13)
        assert found.unreachable.any() == (error > 1e-10)
        at_a_bound = (found.theta == 0) | (found.theta == np.pi)
        np.testing.assert_array_equal(found.unreachable, at_a_bound)
        counts[bool(found.unreachable.any())] += 1
    assert counts[False] >= 10
    assert counts[True] >= (10 if coupler_std == 0.1 else 0)


@pytest.mark.parametrize("build", BUILDERS)
def test_errors_follow_the_published_laws(build, rng):
    for n, coupler_std, draws in [(8, 0.05, 60), (16, 0.03, 30), (32, 0.02, 8)]:
        topology = build(n)
        squares = []
        for _ in range(draws):
            unitary = haar_unitary(n, rng)
            coupler_error = rng.normal(0, coupler_std, (topology.mzis, 2))
            uncorrected = matrix(topology, *decompose(unitary, topology), coupler_error)
            found = decompose_on(unitary, topology, coupler_error)
            assert found.error < distance(uncorrected, unitary)
            squares.append([distance(uncorrected, unitary) ** 2, found.error**2])
        before, after = np.sqrt(np.mean(squares, axis=0))
        assert before == pytest.approx(np.sqrt(2 * n) * coupler_std, rel=0.15)
        # Local correction leaves √(2/3) N σ²; what the later MZIs absorb lowers it.
        assert 0.4 < after / (np.sqrt(2 / 3) * n * coupler_std**2) < 1.3


@pytest.mark.parametrize("build", BUILDERS)
def test_four_times_less_error_for_half_the_coupler_error(build):
    rms = []
    for coupler_std in (0.04, 0.08):
        rng = np.random.default_rng(11)
        topology = build(16)
        errors = [
            decompose_on(haar_unitary(16, rng), topology, coupler_std * rng.standard_normal((topology.mzis, 2))).error
            for _ in range(40)
        ]
        rms.append(np.sqrt(np.mean(np.square(errors))))
    assert np.log2(rms[1] / rms[0]) == pytest.approx(2, abs=0.4)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_count_of_unreachable_mzis_grows_with_the_cube_of_the_modes(build, rng):
    # Near cross a Haar mesh has the density α of straight power, and Σ α = N³/6, against sin²(ε₁ + ε₂) ≈ 2σ².
    for n, coupler_std in [(8, 0.05), (16, 0.02)]:
        topology = build(n)
        counts = []
        for _ in range(100):
            coupler_error = rng.normal(0, coupler_std, (topology.mzis, 2))
            counts.append(decompose_on(haar_unitary(n, rng), topology, coupler_error).unreachable.sum())
        assert np.mean(counts) == pytest.approx(n**3 / 3 * coupler_std**2, rel=0.4)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("n", [2, 3, 8])
def test_without_errors_it_is_the_plain_decomposition(build, n, rng):
    topology = build(n)
    for unitary in (haar_unitary(n, rng), np.eye(n), np.eye(n)[::-1], np.fft.fft(np.eye(n), norm="ortho")):
        found = decompose_on(unitary, topology, np.zeros((topology.mzis, 2)))
        for phase, expected in zip(phases_of(found), decompose(unitary, topology), strict=True):
            np.testing.assert_array_equal(phase, expected)
        assert not found.unreachable.any()
        assert found.error < 1e-13


def test_an_mzi_that_cannot_cross_is_named_and_set_to_cross():
    topology = triangular(2)
    found = decompose_on([[0, 1], [1, 0]], topology, [[0.05, 0.07]])
    assert found.unreachable.tolist() == [True]
    assert found.theta[0] == 0
    straight = np.sin(0.12)
    assert found.error == pytest.approx(np.sqrt(2 * straight**2 + 2 * (1 - np.cos(0.12)) ** 2) / np.sqrt(2))


def test_an_mzi_that_cannot_bar_is_named_and_set_to_bar():
    topology = triangular(2)
    found = decompose_on(np.eye(2) * [1, -1], topology, [[0.05, -0.07]])
    assert found.theta[0] == np.pi
    assert found.error == pytest.approx(np.sqrt(2 * np.sin(0.12) ** 2 + 2 * (1 - np.cos(0.12)) ** 2) / np.sqrt(2))
    assert found.unreachable.tolist() == [True]


@pytest.mark.parametrize("build", BUILDERS)
def test_equal_errors_of_opposite_sign_leave_the_cross_state_exact(build, rng):
    topology = build(7)
    first = rng.normal(0, 0.1, topology.mzis)
    found = decompose_on(np.eye(7)[::-1], topology, np.stack([first, -first], axis=-1))
    assert found.error < 1e-13


@pytest.mark.parametrize("build", BUILDERS)
def test_structured_unitaries_come_nearer_than_uncorrected(build, rng):
    n = 9
    topology = build(n)
    for unitary in (np.eye(n), np.eye(n)[::-1], np.roll(np.eye(n), 1, axis=0), np.eye(n)[rng.permutation(n)]):
        coupler_error = rng.normal(0, 0.05, (topology.mzis, 2))
        uncorrected = matrix(topology, *decompose(unitary, topology), coupler_error)
        assert decompose_on(unitary, topology, coupler_error).error < distance(uncorrected, unitary)


def test_inputs_are_left_as_they_were(rng):
    unitary, coupler_error = haar_unitary(4, rng), rng.normal(0, 0.1, (6, 2))
    before = unitary.copy(), coupler_error.copy()
    unitary.setflags(write=False)
    coupler_error.setflags(write=False)
    decompose_on(unitary, rectangular(4), coupler_error)
    np.testing.assert_array_equal(unitary, before[0])
    np.testing.assert_array_equal(coupler_error, before[1])


@pytest.mark.parametrize("shape", [(6,), (2, 6), (5, 2), (6, 3)])
def test_a_wrong_shape_of_errors_is_refused(shape):
    message = rf"^coupler_error must have shape \(mzis, 2\) = \(6, 2\), got \({', '.join(map(str, shape))},?\)$"
    with pytest.raises(ValueError, match=message):
        decompose_on(np.eye(4), rectangular(4), np.zeros(shape))


@pytest.mark.parametrize("value", [np.pi / 4, -1.0, np.nan, np.inf])
def test_an_error_that_leaves_no_splitter_is_refused(value):
    coupler_error = np.zeros((6, 2))
    coupler_error[3, 1] = value
    with pytest.raises(ValueError, match=rf"^coupler_error must be between −π/4 and π/4 rad, got {value}"):
        decompose_on(np.eye(4), rectangular(4), coupler_error)


def test_other_topologies_and_matrices_are_refused():
    with pytest.raises(ValueError, match=r"^topology must equal rectangular\(4\) or triangular\(4\), got "):
        decompose_on(np.eye(4), butterfly(4), np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"^unitary must satisfy \|U U† − 1\| ≤ 1e-10, got 3$"):
        decompose_on(2 * np.eye(4), rectangular(4), np.zeros((6, 2)))
    with pytest.raises(ValueError, match=r"^unitary must have shape \(modes, modes\) = \(4, 4\), got \(3, 3\)$"):
        decompose_on(np.eye(3), rectangular(4), np.zeros((6, 2)))
