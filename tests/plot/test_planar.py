"""Decision maps: the numbers drawn are the numbers given."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.plot import DecisionMap, decision_maps, draw_decision_maps


def half_plane(points):
    """Return the probability that a point lies right of x₁ = 0.5."""
    return 1 / (1 + np.exp(-20 * (points[:, 0] - 0.5)))


@pytest.fixture
def maps():
    points = np.array([[-1.0, 0.0], [1.0, 1.0], [0.9, -1.0], [0.0, 0.3]])
    labels = np.array([0, 1, 1, 1])  # the last one is on the wrong side
    return {"probability": {"halves": half_plane}, "points": {"halves": points}, "labels": {"halves": labels}}


@pytest.mark.slow
def test_decision_map_shows_probability_points_and_accuracy(maps):
    figure = decision_maps(**maps, extent=2.0)
    axes, bar = figure.axes
    assert axes.get_title() == "halves: 75.0 %"
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("x₁", "x₂", "probability of the second class")
    shades = np.asarray(axes.images[0].get_array())
    side = np.linspace(-2, 2, len(shades))
    np.testing.assert_allclose(shades, np.broadcast_to(half_plane(side[:, None]), shades.shape))
    assert axes.images[0].get_extent() == [-2, 2, -2, 2]
    assert axes.images[0].origin == "lower"
    shown = [np.asarray(artist.get_offsets()).tolist() for artist in axes.collections if len(artist.get_offsets()) > 0]
    assert [[-1.0, 0.0]] in shown
    assert [[1.0, 1.0], [0.9, -1.0], [0.0, 0.3]] in shown


def test_the_boundary_is_where_both_classes_are_as_likely(maps):
    axes = decision_maps(**maps, extent=2.0).axes[0]
    contour = next(artist for artist in axes.collections if type(artist).__name__ == "QuadContourSet")
    np.testing.assert_allclose(contour.get_paths()[0].vertices[:, 0], 0.5, atol=0.02)


def test_maps_side_by_side(maps):
    twice = {part: {"a": mapping["halves"], "b": mapping["halves"]} for part, mapping in maps.items()}
    assert [axes.get_title() for axes in decision_maps(**twice, extent=1.0).axes[:2]] == ["a: 75.0 %", "b: 75.0 %"]


def test_bad_maps_are_refused(maps):
    with pytest.raises(ValueError, match="probability, points and labels must share names"):
        decision_maps(**{**maps, "labels": {"other": [0]}}, extent=1.0)
    with pytest.raises(ValueError, match="probability, points and labels must share names"):
        decision_maps({}, {}, {}, extent=1.0)
    with pytest.raises(ValueError, match=r"extent must be a finite number above 0, got -1\.0"):
        decision_maps(**maps, extent=-1.0)


def test_maps_in_rows():
    shades, points = np.zeros((5, 5)), np.zeros((2, 2))
    maps = {name: DecisionMap(shades, [0.2, 0.9], points, [0, 0]) for name in "abc"}
    figure = draw_decision_maps(maps, 1.0, columns=2)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["a: 50.0 %", "b: 50.0 %", "c: 50.0 %"]
    tops = [round(axes.get_subplotspec().rowspan.start) for axes in figure.axes[:3]]
    assert tops == [0, 0, 1]
