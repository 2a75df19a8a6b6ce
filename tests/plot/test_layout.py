"""The geometry of a drawn mesh: no two MZIs in one place, waveguides without gaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from retrolux import mesh
from retrolux.plot.layout import Layout

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
    layout = Layout(topology)
    for column, pairs in enumerate(topology.columns):
        first = topology.starts[column]
        for (i, (a, b)), (j, (c, d)) in itertools.combinations(enumerate(pairs.tolist(), start=first), 2):
            overlap = min(max(a, b), max(c, d)) >= max(min(a, b), min(c, d))
            assert not (overlap and layout.left[i] == layout.left[j])


def test_cells_lie_in_their_columns(topology):
    layout = Layout(topology)
    assert len(layout.edges) == topology.depth + 1
    assert (np.diff(layout.edges) >= 1).all()
    column = np.repeat(np.arange(topology.depth), np.diff(topology.starts))
    assert (layout.left >= layout.edges[column]).all()
    assert (layout.left + 1 <= layout.edges[column + 1]).all()


def test_neighbours_need_one_cell_per_column():
    assert Layout(mesh.triangular(20)).length == mesh.triangular(20).depth


def test_distant_pairs_of_a_butterfly_get_cells_side_by_side():
    assert Layout(mesh.butterfly(8)).length == 1 + 2 + 4


def test_every_waveguide_runs_through_without_a_gap(topology):
    layout = Layout(topology)
    paths, columns, modes = layout.waveguides()
    for mode in range(topology.modes):
        pieces = sorted(
            ((column, path) for path, column, m in zip(paths, columns, modes, strict=True) if m == mode),
            key=lambda piece: (piece[1][0, 0], piece[0]),
        )
        assert pieces[0][1][0].tolist() == [0, mode]
        assert pieces[-1][1][-1].tolist() == [layout.length, mode]
        for (before, left), (after, right) in itertools.pairwise(pieces):
            np.testing.assert_allclose(left[-1], right[0], atol=1e-12)
            assert before <= after <= before + 1


def test_blocks_lie_on_the_upper_arm_of_small_meshes():
    topology = mesh.from_columns(3, [[(2, 1)]])
    layout = Layout(topology)
    for boxes in (layout.phi_boxes(), layout.theta_boxes()):
        assert boxes.shape == (1, 4, 2)
        assert boxes[0, :, 1].mean() == pytest.approx(2.0)
    assert layout.phi_boxes()[..., 0].max() < layout.theta_boxes()[..., 0].min()


def test_only_distant_pairs_are_tied():
    topology = mesh.from_columns(12, [[(0, 1), (2, 7), (9, 8)]])
    ties = Layout(topology).ties()
    assert ties.shape == (1, 2, 2)
    assert ties[0, :, 1].tolist() == [2, 7]
    assert Layout(mesh.from_columns(4, [[(0, 3)]])).ties().shape == (2, 2, 2)  # both couplers
