"""Heat between shifters: the sparse matrix against the plain sum over all pairs, and its transpose."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.hardware import Crosstalk, Imperfections, thermal_crosstalk
from retrolux.hardware.crosstalk import shifter_positions
from retrolux.mesh import butterfly, from_columns, permuting_rectangular, rectangular, tree, triangular

MESHES = [
    rectangular(2),
    rectangular(7),
    triangular(6),
    butterfly(8),
    tree(5),
    permuting_rectangular(8),
    from_columns(5, [[], [(4, 0), (3, 1)], []]),
    from_columns(3, []),
]
mesh_names = [f"{mesh.name}{mesh.modes}" for mesh in MESHES]


def place(mesh, shifter):
    """Return where a shifter sits, by going through the columns one MZI at a time."""
    if shifter >= 2 * mesh.mzis:
        return 2 * mesh.depth, shifter - 2 * mesh.mzis
    mzi = shifter % mesh.mzis
    column = next(c for c in range(mesh.depth) if mesh.starts[c] <= mzi < mesh.starts[c + 1])
    return 2 * column + (shifter < mesh.mzis), mesh.pairs[mzi, 0]


def dense(mesh, ratio, reach):
    shifters = 2 * mesh.mzis + mesh.modes
    matrix = np.zeros((shifters, shifters))
    for i in range(shifters):
        for j in range(shifters):
            distance = np.hypot(*np.subtract(place(mesh, i), place(mesh, j)))
            if distance <= reach:
                matrix[i, j] = ratio**distance
    return matrix


def as_dense(crosstalk):
    matrix = np.zeros((crosstalk.shifters, crosstalk.shifters))
    for row in range(crosstalk.shifters):
        entries = slice(crosstalk.indptr[row], crosstalk.indptr[row + 1])
        matrix[row, crosstalk.indices[entries]] += crosstalk.values[entries]
    return matrix


@pytest.mark.parametrize("mesh", MESHES, ids=mesh_names)
@pytest.mark.parametrize("reach", [1, 1.5, 2, 3, 50])
def test_every_neighbour_within_reach_is_found(mesh, reach):
    made = thermal_crosstalk(mesh, Imperfections(crosstalk=0.3, crosstalk_range=reach))
    np.testing.assert_allclose(as_dense(made), dense(mesh, 0.3, reach), rtol=1e-13, atol=0)


@pytest.mark.parametrize("mesh", MESHES, ids=mesh_names)
def test_products_equal_the_dense_ones(mesh, rng):
    made = thermal_crosstalk(mesh, Imperfections(crosstalk=0.3))
    numbers = rng.standard_normal(made.shifters)
    np.testing.assert_allclose(made.apply(numbers), dense(mesh, 0.3, 3) @ numbers, atol=1e-14)
    np.testing.assert_allclose(made.apply_transposed(numbers), dense(mesh, 0.3, 3).T @ numbers, atol=1e-14)


def test_nearest_neighbours_receive_the_ratio():
    mesh = rectangular(4)
    made = as_dense(thermal_crosstalk(mesh, Imperfections(crosstalk=0.01)))
    # θ and φ of an MZI are nearest neighbours; so are the output shifters of adjacent modes.
    assert made[0, mesh.mzis] == made[mesh.mzis, 0] == 0.01
    assert made[2 * mesh.mzis, 2 * mesh.mzis + 1] == 0.01
    assert (np.diagonal(made) == 1).all()
    assert made[~np.eye(len(made), dtype=bool)].max() == 0.01


def test_without_crosstalk_nothing_is_shared(rng):
    made = thermal_crosstalk(rectangular(6), Imperfections(crosstalk_range=9))
    numbers = rng.standard_normal(made.shifters)
    np.testing.assert_array_equal(made.apply(numbers), numbers)
    assert len(made.values) == made.shifters


def test_no_two_shifters_share_a_place():
    for mesh in MESHES:
        positions = shifter_positions(mesh)
        assert len(positions) == 2 * mesh.mzis + mesh.modes
        assert len(np.unique(positions, axis=0)) == len(positions)


def measured(rng, shifters=40):
    """Return a matrix that is not symmetric, with empty rows and empty columns."""
    matrix = rng.standard_normal((shifters, shifters)) * (rng.random((shifters, shifters)) < 0.1)
    matrix[[0, 5, -1]] = 0
    matrix[:, [1, -1]] = 0
    rows, columns = np.nonzero(matrix)
    indptr = np.searchsorted(rows, np.arange(shifters + 1))
    return matrix, Crosstalk(indptr=indptr, indices=columns, values=matrix[rows, columns])


def test_a_measured_matrix_need_not_be_symmetric(rng):
    matrix, made = measured(rng)
    x, y = rng.standard_normal((2, 40))
    np.testing.assert_allclose(made.apply(x), matrix @ x, atol=1e-13)
    np.testing.assert_allclose(made.apply_transposed(y), matrix.T @ y, atol=1e-13)
    assert np.dot(made.apply(x), y) == pytest.approx(np.dot(x, made.apply_transposed(y)), rel=1e-12)
    assert not np.allclose(matrix, matrix.T)


def test_gradients_flow_back_through_the_transpose(rng):
    _, made = measured(rng)
    x, target, step = rng.standard_normal((3, 40))

    def loss(phases):
        return ((made.apply(phases) - target) ** 2).sum() / 2

    gradient = made.apply_transposed(made.apply(x) - target)
    slope = (loss(x + 1e-6 * step) - loss(x - 1e-6 * step)) / 2e-6
    assert slope == pytest.approx(gradient @ step, rel=1e-7)


def test_arrays_are_read_only_and_small():
    made = thermal_crosstalk(rectangular(32), Imperfections(crosstalk=0.1))
    assert (made.indptr.dtype, made.indices.dtype, made.values.dtype) == (np.int32, np.int32, np.float64)
    assert not any(array.flags.writeable for array in (made.indptr, made.indices, made.values))
    # Of the 29 places within a distance of 3 about half hold a shifter.
    assert len(made.values) < 29 * made.shifters
    assert repr(made) == f"Crosstalk(1024 shifters, {len(made.values)} entries)"


def test_wrong_lengths_are_told():
    made = thermal_crosstalk(rectangular(3), Imperfections(crosstalk=0.1))
    with pytest.raises(ValueError, match=r"phases must have shape \(shifters,\) = \(9,\), got \(8,\)$"):
        made.apply(np.zeros(8))
    with pytest.raises(ValueError, match=r"gradients must have shape \(shifters,\) = \(9,\), got \(2, 9\)$"):
        made.apply_transposed(np.zeros((2, 9)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([0, 1, 3], [0, 1], [1, 1]), r"indptr must rise from 0 to the number of values, 2, got \[0 1 3\]$"),
        (([1, 1, 2], [0, 1], [1, 1]), r"indptr must rise from 0 .*, got \[1 1 2\]$"),
        (([0, 2, 1, 2], [0, 1], [1, 1]), r"indptr must rise from 0 .*, got \[0 2 1 2\]$"),
        (([0, 1, 2], [0], [1, 1]), r"indices must have the shape of values, \(2,\), got \(1,\)$"),
        (([0, 1, 2], [0, 2], [1, 1]), r"indices must lie between 0 and 1, got 2$"),
        (([0, 1, 2], [-1, 1], [1, 1]), r"indices must lie between 0 and 1, got -1$"),
        (([0, 1, 2], [0.0, 1.0], [1, 1]), r"indices must be integers of shape \(n,\), got float64 of shape \(2,\)$"),
        (([[0, 1]], [0], [1]), r"indptr must be integers of shape \(n,\), got int64 of shape \(1, 2\)$"),
        (([0, 1, 2], [0, 1], [1, np.nan]), r"values must be finite, got nan$"),
    ],
)
def test_a_measured_matrix_is_checked(arrays, message):
    with pytest.raises(ValueError, match=message):
        Crosstalk(*(np.array(array) for array in arrays))
