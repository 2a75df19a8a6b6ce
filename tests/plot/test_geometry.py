"""The geometry of a drawn mesh: no two MZIs in one place, waveguides without gaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from retrolux import mesh
from retrolux.plot.geometry import MeshGeometry

TOPOLOGIES = [
    *(named.at_least(7) for named in mesh.TOPOLOGIES.values()),
    mesh.rectangular(2),
    mesh.butterfly(32),
    mesh.permuting_rectangular(16),
    mesh.from_columns(5, [[(4, 0)], [], [(1, 2), (3, 4)]]),
]


@pytest.fixture(params=TOPOLOGIES, ids=repr)
def topology(request):
    return request.param


def test_mzis_of_a_column_do_not_overlap(topology):
    geometry = MeshGeometry(topology)
    for column, pairs in enumerate(topology.columns):
        first = topology.starts[column]
        for (i, (a, b)), (j, (c, d)) in itertools.combinations(enumerate(pairs.tolist(), start=first), 2):
            overlap = min(max(a, b), max(c, d)) >= max(min(a, b), min(c, d))
            assert not (overlap and geometry.left[i] == geometry.left[j])


def test_cells_lie_in_their_columns(topology):
    geometry = MeshGeometry(topology)
    assert len(geometry.edges) == topology.depth + 1
    assert (np.diff(geometry.edges) >= 1).all()
    column = np.repeat(np.arange(topology.depth), np.diff(topology.starts))
    assert (geometry.left >= geometry.edges[column]).all()
    assert (geometry.left + 1 <= geometry.edges[column + 1]).all()


def test_neighbours_need_one_cell_per_column():
    assert MeshGeometry(mesh.triangular(20)).length == mesh.triangular(20).depth


def test_distant_pairs_of_a_butterfly_get_cells_side_by_side():
    assert MeshGeometry(mesh.butterfly(8)).length == 1 + 2 + 4


def test_every_waveguide_runs_through_without_a_gap(topology):
    geometry = MeshGeometry(topology)
    paths, columns, modes = geometry.waveguides()
    for mode in range(topology.modes):
        pieces = sorted(
            ((column, path) for path, column, m in zip(paths, columns, modes, strict=True) if m == mode),
            key=lambda piece: (piece[1][0, 0], piece[0]),
        )
        assert pieces[0][1][0].tolist() == [0, mode]
        assert pieces[-1][1][-1].tolist() == [geometry.length, mode]
        for (before, left), (after, right) in itertools.pairwise(pieces):
            np.testing.assert_allclose(left[-1], right[0], atol=1e-12)
            assert before <= after <= before + 1


def test_blocks_lie_on_the_upper_arm_of_small_meshes():
    topology = mesh.from_columns(3, [[(2, 1)]])
    geometry = MeshGeometry(topology)
    for boxes in (geometry.phi_boxes(), geometry.theta_boxes()):
        assert boxes.shape == (1, 4, 2)
        assert boxes[0, :, 1].mean() == pytest.approx(2.0)
    assert geometry.phi_boxes()[..., 0].max() < geometry.theta_boxes()[..., 0].min()


def test_only_distant_pairs_are_tied():
    topology = mesh.from_columns(12, [[(0, 1), (2, 7), (9, 8)]])
    ties = MeshGeometry(topology).ties()
    assert ties.shape == (1, 2, 2)
    assert ties[0, :, 1].tolist() == [2, 7]
    assert MeshGeometry(mesh.from_columns(4, [[(0, 3)]])).ties().shape == (2, 2, 2)  # both couplers
