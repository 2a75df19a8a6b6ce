"""Decompose and multiply back: random, structured and nearly degenerate unitaries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrolux.mesh import (
    TOPOLOGIES,
    butterfly,
    decompose,
    decompose_many,
    decompose_on,
    from_columns,
    haar_phases,
    haar_unitary,
    permuting_rectangular,
    rectangular,
    triangular,
)
from retrolux.mesh.reference import propagate

BUILDERS = [named.build for named in TOPOLOGIES.values() if named.universal]


def rebuilt(topology, theta, phi, gamma):
    return propagate(topology, np.eye(topology.modes), theta, phi, gamma).T


def check_round_trip(unitary, topology, allowed):
    theta, phi, gamma = decompose(unitary, topology)
    np.testing.assert_allclose(rebuilt(topology, theta, phi, gamma), unitary, rtol=0, atol=allowed)
    assert theta.dtype == phi.dtype == gamma.dtype == np.float64
    assert (theta.shape, phi.shape, gamma.shape) == ((topology.mzis,),) * 2 + ((topology.modes,),)
    assert ((theta >= 0) & (theta <= np.pi)).all()
    for phase in (phi, gamma):
        assert ((phase >= 0) & (phase < 2 * np.pi)).all()


def block_diagonal(first, second):
    zeros = np.zeros((len(first), len(second)))
    return np.block([[first, zeros], [zeros.T, second]])


def reflection(vector):
    return np.eye(len(vector)) - 2 * np.outer(vector, vector.conj()) / np.vdot(vector, vector).real


def nearest_unitary(matrix):
    left, _, right = np.linalg.svd(matrix)
    return left @ right


ZOO = {
    "identity": lambda n, rng: np.eye(n),
    "minus identity": lambda n, rng: -np.eye(n) + 0j,
    "negative zeros": lambda n, rng: -(1 - np.eye(n)) * 0.0 + np.eye(n),
    "reversal": lambda n, rng: np.eye(n)[::-1],
    "cyclic shift": lambda n, rng: np.roll(np.eye(n), 1, axis=0),
    "cyclic shift back": lambda n, rng: np.roll(np.eye(n), -1, axis=0),
    "permutation": lambda n, rng: np.eye(n)[rng.permutation(n)],
    "diagonal": lambda n, rng: np.diag(np.exp(1j * rng.uniform(0, 2 * np.pi, n))),
    "permutation with phases": lambda n, rng: np.diag(np.exp(1j * rng.uniform(0, 7, n)))[rng.permutation(n)],
    "Fourier": lambda n, rng: np.fft.fft(np.eye(n), norm="ortho"),
    "real orthogonal": lambda n, rng: np.linalg.qr(rng.normal(size=(n, n))).Q,
    "real reflection": lambda n, rng: reflection(rng.normal(size=n)),
    "complex reflection": lambda n, rng: reflection(rng.normal(size=n) + 1j * rng.normal(size=n)),
    "reflection of ones": lambda n, rng: reflection(np.ones(n)),
    "blocks": lambda n, rng: block_diagonal(haar_unitary(n // 2, rng), haar_unitary(n - n // 2, rng)),
    "blocks, shuffled": lambda n, rng: block_diagonal(haar_unitary(n // 2, rng), np.eye(n - n // 2))[
        rng.permutation(n)
    ],
    "identity + 1e-9": lambda n, rng: nearest_unitary(np.eye(n) + 1e-9 * haar_unitary(n, rng)),
    "reversal + 1e-9": lambda n, rng: nearest_unitary(np.eye(n)[::-1] + 1e-9 * haar_unitary(n, rng)),
    "identity + 1e-17": lambda n, rng: np.eye(n) + 1e-17 * haar_unitary(n, rng),
    "permutation + 1e-17": lambda n, rng: np.eye(n)[rng.permutation(n)] + 1e-17 * haar_unitary(n, rng),
    "identity + 1e-310": lambda n, rng: np.eye(n) + 1e-310 * haar_unitary(n, rng),
    "blocks + 1e-13": lambda n, rng: nearest_unitary(
        block_diagonal(haar_unitary(n // 2, rng), haar_unitary(n - n // 2, rng)) + 1e-13 * haar_unitary(n, rng)
    ),
    "rotation by 1e-8": lambda n, rng: block_diagonal(
        np.array([[np.cos(1e-8), -np.sin(1e-8)], [np.sin(1e-8), np.cos(1e-8)]]), np.eye(n - 2)
    ),
}


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("kind", ZOO)
def test_degenerate_unitaries(kind, build, rng, tolerance):
    for n in (2, 3, 4, 5, 8, 17):
        topology = build(n)
        check_round_trip(ZOO[kind](n, rng), topology, tolerance(np.float64, topology.depth))


@settings(max_examples=60)
@given(n=st.integers(2, 24), seed=st.integers(0, 2**32), build=st.sampled_from(BUILDERS))
def test_random_unitaries(n, seed, build):
    check_round_trip(haar_unitary(n, np.random.default_rng(seed)), build(n), 1e-13)


@settings(max_examples=60)
@given(
    n=st.integers(2, 8),
    seed=st.integers(0, 2**32),
    exponent=st.integers(-320, 0),
    build=st.sampled_from(BUILDERS),
)
def test_products_of_sparse_and_tiny_rotations(n, seed, exponent, build):
    rng = np.random.default_rng(seed)
    unitary = np.eye(n, dtype=complex)[rng.permutation(n)]
    for _ in range(n):
        pair = rng.choice(n, 2, replace=False)
        angle = rng.choice([10.0**exponent, 0.0, np.pi / 2, 1.0])
        phase = np.exp(1j * rng.choice([0.0, np.pi, 10.0**exponent, 2.0]))
        turn = np.array([[np.cos(angle), -np.sin(angle) / phase], [np.sin(angle) * phase, np.cos(angle)]])
        unitary[pair] = turn @ unitary[pair]
    check_round_trip(unitary, build(n), 1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_256_modes(build, rng):
    check_round_trip(haar_unitary(256, rng), build(256), 1e-12)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_phases_of_a_mesh_are_found_again(n, build, rng):
    topology = build(n)
    wanted = haar_phases(topology, rng)
    found = decompose(rebuilt(topology, *wanted), topology)
    for phase, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.exp(1j * phase), np.exp(1j * expected), rtol=0, atol=1e-10)


@pytest.mark.parametrize("build", BUILDERS)
def test_nothing_to_null_leaves_the_bar_state(build):
    theta, _, _ = decompose(np.eye(6), build(6))
    np.testing.assert_array_equal(theta, np.full(15, np.pi))


@pytest.mark.parametrize("build", BUILDERS)
def test_a_permutation_needs_bar_and_cross_only(build, rng):
    for n in (3, 8, 17):
        theta, _, _ = decompose(np.eye(n)[rng.permutation(n)], build(n))
        assert set(theta) == {0.0, np.pi}


def test_nothing_to_null_on_the_input_side_leaves_phi_at_zero():
    _, phi, _ = decompose(np.eye(6), triangular(6))
    np.testing.assert_array_equal(phi, np.zeros(15))


def test_the_layout_decides_and_not_the_name(rng):
    unitary = haar_unitary(5, rng)
    mine = from_columns(5, rectangular(5).columns, "mine")
    for found, expected in zip(decompose(unitary, mine), decompose(unitary, rectangular(5)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_matrix_is_left_as_it_was(rng):
    unitary = haar_unitary(5, rng)
    before = unitary.copy()
    unitary.setflags(write=False)
    decompose(unitary, rectangular(5))
    np.testing.assert_array_equal(unitary, before)


def test_tolerance_admits_single_precision(rng):
    single = haar_unitary(8, rng).astype(np.complex64)
    with pytest.raises(ValueError, match="unitary must satisfy"):
        decompose(single, rectangular(8))
    phases = decompose(single, rectangular(8), tolerance=1e-5)
    np.testing.assert_allclose(rebuilt(rectangular(8), *phases), single, rtol=0, atol=1e-6)


@pytest.mark.parametrize("decomposed", [decompose, decompose_many])
def test_tensors_are_taken_as_arrays_are(decomposed, rng):
    """Warnings are errors here: NumPy warned of a keyword that tensors do not know."""
    unitary = haar_unitary(4, rng)
    found = decomposed(torch.from_numpy(unitary), rectangular(4))
    for part, expected in zip(found, decomposed(unitary, rectangular(4)), strict=True):
        np.testing.assert_array_equal(part, expected)
    on = decompose_on(torch.from_numpy(unitary), rectangular(4), torch.zeros(6, 2))
    np.testing.assert_array_equal(on.theta, decompose(unitary, rectangular(4))[0])


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (4,), (1, 4, 4), (5, 5)])
def test_a_wrong_shape_is_refused(shape):
    message = rf"^unitary must have shape \(modes, modes\) = \(4, 4\), got \({', '.join(map(str, shape))},?\)$"
    with pytest.raises(ValueError, match=message):
        decompose(np.zeros(shape), rectangular(4))


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0, -np.inf)])
def test_undefined_elements_are_refused(value):
    unitary = np.eye(4, dtype=complex)
    unitary[1, 2] = value
    with pytest.raises(ValueError, match=r"^unitary must be finite, got .*(nan|inf).* in row 1, column 2$"):
        decompose(unitary, rectangular(4))


@pytest.mark.parametrize(
    ("matrix", "deviation"),
    [
        (2 * np.eye(4), "3"),
        (np.eye(4) * (1 + 1e-6), "2e-06"),
        (np.ones((4, 4)), "4"),
        (1e200 * np.eye(4), "inf"),
    ],
)
def test_what_is_not_unitary_is_refused(matrix, deviation):
    with pytest.raises(ValueError, match=rf"^unitary must satisfy \|U U† − 1\| ≤ 1e-10, got {deviation}$"):
        decompose(matrix, triangular(4))


@pytest.mark.parametrize("topology", [butterfly(4), rectangular(4, 5), permuting_rectangular(4)], ids=repr)
def test_other_topologies_are_refused(topology):
    message = rf"^topology must equal rectangular\(4\) or triangular\(4\), got Topology\({topology.name}: 4 modes"
    with pytest.raises(ValueError, match=message):
        decompose(np.eye(4), topology)
