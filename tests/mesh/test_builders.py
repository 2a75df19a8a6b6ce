"""The named layouts: their counts by formula, their pairs by hand, and what they are for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retrolux.mesh import (
    butterfly,
    cascade,
    diamond,
    haar_phases,
    permuting_rectangular,
    rectangular,
    tree,
    triangular,
)
from retrolux.mesh.reference import propagate

SIZES = [2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 17, 24, 33]
POWERS = [2, 4, 8, 16, 64]


def pairs(topology):
    return [[tuple(pair) for pair in column.tolist()] for column in topology.columns]


def matrix(topology, theta, phi, gamma, loss_db=None):
    return propagate(topology, np.eye(topology.modes), theta, phi, gamma, loss_db=loss_db).T


@pytest.mark.parametrize("n", SIZES)
def test_counts(n):
    half = n * (n - 1) // 2
    for topology, modes, mzis, depth in [
        (rectangular(n), n, half, n),
        (triangular(n), n, half, 2 * n - 3),
        (permuting_rectangular(n), n, half, n),
        (tree(n), n, n - 1, math.ceil(math.log2(n))),
        (cascade(n), n, n - 1, n - 1),
        (diamond(n), 2 * n - 2, (n - 1) ** 2, 2 * n - 3),
    ]:
        assert (topology.modes, topology.mzis, topology.depth) == (modes, mzis, depth), topology


@pytest.mark.parametrize("n", POWERS)
def test_butterfly_counts(n):
    levels = n.bit_length() - 1
    topology = butterfly(n)
    assert (topology.modes, topology.mzis, topology.depth) == (n, n // 2 * levels, levels)


@pytest.mark.parametrize("columns", [1, 2, 5, 9])
@pytest.mark.parametrize("n", [2, 3, 8, 17])
def test_rectangular_with_any_number_of_columns(n, columns):
    topology = rectangular(n, columns)
    assert topology.depth == columns
    assert topology.mzis == (columns + 1) // 2 * (n // 2) + columns // 2 * ((n - 1) // 2)
    shared = min(columns, n)
    assert pairs(topology)[:shared] == pairs(rectangular(n))[:shared]


@pytest.mark.parametrize("build", [rectangular, triangular, tree, cascade, diamond, butterfly])
def test_columns_are_numbered_top_to_bottom(build):
    for column in build(16).columns:
        assert (column[:, 0] < column[:, 1]).all()
        assert (np.diff(column[:, 0]) > 0).all()


def test_pairs_by_hand():
    assert pairs(rectangular(2)) == [[(0, 1)], []]
    assert pairs(rectangular(5, 3)) == [[(0, 1), (2, 3)], [(1, 2), (3, 4)], [(0, 1), (2, 3)]]
    assert pairs(triangular(2)) == [[(0, 1)]]
    assert pairs(triangular(4)) == [[(0, 1)], [(1, 2)], [(0, 1), (2, 3)], [(1, 2)], [(0, 1)]]
    assert pairs(butterfly(4)) == [[(0, 1), (2, 3)], [(0, 2), (1, 3)]]
    assert pairs(butterfly(8))[2] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    assert pairs(tree(5)) == [[(0, 3)], [(0, 2), (3, 4)], [(0, 1)]]
    assert pairs(cascade(4)) == [[(0, 1)], [(1, 2)], [(2, 3)]]
    assert pairs(diamond(2)) == [[(0, 1)]]
    assert pairs(diamond(3)) == [[(1, 2)], [(0, 1), (2, 3)], [(1, 2)]]
    assert pairs(permuting_rectangular(2)) == pairs(rectangular(2))
    assert pairs(permuting_rectangular(4)) == [[(0, 1), (2, 3)], [(1, 2)], [(1, 3), (0, 2)], [(3, 0)]]


@pytest.mark.parametrize("n", POWERS)
def test_butterfly_joins_every_input_and_output_by_one_path(n):
    paths = np.eye(n, dtype=np.int64)
    for column in butterfly(n).columns:
        for a, b in column:
            paths[[a, b]] = paths[a] + paths[b]
    assert (paths == 1).all()


@pytest.mark.parametrize("kind", ["complex", "sparse", "one mode", "tiny"])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("build", [tree, cascade])
def test_generators_prepare_any_vector(build, n, kind, rng, tolerance):
    wanted = rng.normal(size=n) + 1j * rng.normal(size=n)
    if kind == "sparse":
        wanted *= rng.permutation(n) < 2
    elif kind == "one mode":
        wanted = np.eye(n)[-1] * 1j
    elif kind == "tiny":
        wanted[1:] *= 1e-12
    wanted = wanted / np.linalg.norm(wanted)

    topology = build(n)
    theta, phi = np.empty(n - 1), rng.uniform(0, 2 * np.pi, n - 1)
    power = np.abs(wanted) ** 2
    for k in reversed(range(n - 1)):  # the light of a pair comes from its upper mode
        upper, lower = topology.pairs[k]
        theta[k] = 2 * np.arctan2(np.sqrt(power[upper]), np.sqrt(power[lower]))
        power[upper] += power[lower]
    source = np.eye(n)[0]
    gamma = np.angle(wanted) - np.angle(propagate(topology, source, theta, phi, np.zeros(n)))
    prepared = propagate(topology, source, theta, phi, gamma)
    np.testing.assert_allclose(prepared, wanted, rtol=0, atol=tolerance(np.float64, topology.depth))


def permutation_matrix(n, distance):
    """Move light from even places down and from odd places up, reflected at the edges."""
    place = np.arange(n)
    moved = np.where(place % 2 == 0, place + distance, place - distance)
    moved = np.where(moved < 0, -1 - moved, moved)
    moved = np.where(moved > n - 1, 2 * n - 1 - moved, moved)
    return np.eye(n)[:, np.argsort(moved)].T


@pytest.mark.parametrize(
    ("n", "lengths"),
    [(8, [4, 2, 2]), (11, [4, 4, 3]), (12, [4, 4, 2, 2]), (17, [4, 4, 4, 5]), (32, [8, 6, 6, 6, 6])],
)
def test_permuting_rectangular_is_blocks_between_permutations(n, lengths, rng, tolerance):
    topology = permuting_rectangular(n)
    theta, phi, gamma = haar_phases(topology, rng)
    ends = topology.starts[np.cumsum(lengths)][:-1]
    settings = zip(np.split(theta, ends), np.split(phi, ends), strict=True)

    places, unitary = np.eye(n), np.eye(n)
    for k, (length, (block_theta, block_phi)) in enumerate(zip(lengths, settings, strict=True)):
        if k > 0:
            moved = permutation_matrix(n, 2**k)
            places, unitary = moved @ places, moved @ unitary
        unitary = matrix(rectangular(n, length), block_theta, block_phi, np.zeros(n)) @ unitary
    expected = np.exp(1j * gamma)[:, None] * (places.T @ unitary)

    allowed = tolerance(np.float64, topology.depth)
    np.testing.assert_allclose(matrix(topology, theta, phi, gamma), expected, rtol=0, atol=allowed)
    assert (np.abs(np.diff(topology.pairs, axis=1)) > 1).any()


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_diamond_contains_the_triangular_mesh(n, rng, tolerance):
    small, large = triangular(n), diamond(n)
    theta, phi, gamma = haar_phases(small, rng)
    inside = large.pairs[:, 0] >= n - 2
    np.testing.assert_array_equal(large.pairs[inside] - (n - 2), small.pairs)

    large_theta, large_phi = np.full(large.mzis, np.pi), rng.uniform(0, 2 * np.pi, large.mzis)
    large_theta[inside], large_phi[inside] = theta, phi
    whole = matrix(large, large_theta, large_phi, np.concatenate([np.zeros(n - 2), gamma]))
    np.testing.assert_allclose(
        whole[n - 2 :, n - 2 :],
        matrix(small, theta, phi, gamma),
        rtol=0,
        atol=tolerance(np.float64, large.depth),
    )


@pytest.mark.parametrize(("build", "balanced"), [(diamond, True), (triangular, False)])
def test_only_the_diamond_has_equal_paths_between_an_input_and_an_output(build, balanced, rng):
    topology = build(6)
    attenuations = []
    for _ in range(2):
        settings = haar_phases(topology, rng)
        ideal, lossy = matrix(topology, *settings), matrix(topology, *settings, np.ones((topology.mzis, 4)))
        joined = np.abs(ideal) > 1e-6
        attenuations.append(np.where(joined, np.abs(lossy), 0) / np.where(joined, np.abs(ideal), 1))
    assert np.allclose(*attenuations, rtol=0, atol=1e-9) is balanced


def test_a_diamond_of_a_single_mode_is_refused():
    with pytest.raises(ValueError, match=r"^n must be at least 2, got 1$"):
        diamond(1)


def test_rectangular_needs_a_column():
    with pytest.raises(ValueError, match=r"^columns must be at least 1, got 0$"):
        rectangular(4, 0)


@pytest.mark.parametrize("n", [3, 6, 12])
def test_butterfly_needs_a_power_of_two(n):
    with pytest.raises(ValueError, match=f"^n must be a power of two for a butterfly, got {n}$"):
        butterfly(n)
