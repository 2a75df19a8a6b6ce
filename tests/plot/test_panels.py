"""Panels: the numbers drawn are the numbers given, and one legend serves all."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from retrolux.plot import Panel, Series, draw_panels

X, Y = np.array([1.0, 2.0, 4.0]), np.array([3.0, np.nan, 5.0])


def panel(*series, **changes):
    return Panel("title", "x", "y", series, **changes)


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.mark.parametrize("style", ["points", "dots", "band", "line", "marks"])
def test_points_are_where_they_are_and_nan_is_left_out(style):
    axes = draw_panels([panel(Series("a", X, Y, style, "black"))]).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 3], [4, 5]])


def test_bars_reach_from_low_to_high():
    series = Series("a", X, [3.0, 4.0, 5.0], "points", "black", low=[2.0, 3.5, np.nan], high=[3.5, 6.0, np.nan])
    bars = draw_panels([panel(series)]).axes[0].collections[0]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[2, 3.5], [3.5, 6], [5, 5]])


def test_a_band_fills_what_is_between():
    series = Series("a", X, [3.0, 4.0, 5.0], "band", "black", low=[2.0, 2.0, 2.0], high=[7.0, 8.0, 9.0])
    band = next(c for c in draw_panels([panel(series)]).axes[0].collections if isinstance(c, PolyCollection))
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (2, 9)


def test_one_legend_names_each_series_once_and_nameless_ones_not_at_all():
    figure = draw_panels(
        [
            panel(Series("a", X, X, "line", "black"), Series("", X, X, "dots", "black")),
            panel(Series("a", X, X, "line", "black"), Series("b", X, X, "line", "red")),
        ]
    )
    assert legend_texts(figure) == ["a", "b"]


def test_notes_stand_at_their_points():
    axes = draw_panels([panel(Series("a", X, Y, "line", "black", notes=["one", "two", "three"]))]).axes[0]
    assert [(note.get_text(), note.xy) for note in axes.texts] == [("one", (1, 3)), ("three", (4, 5))]


def test_axes_have_the_scale_ticks_and_limits_that_are_asked_for():
    zero = Series("a", [0.0, 0.01, 1.0], [1.0, 10.0, 100.0], "line", "black")
    axes = draw_panels([panel(zero, x_scale="symlog", y_scale="log", ticks=[0, 0.01, 1], y_limits=(0.5, 200))]).axes[0]
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylim()) == ("symlog", "log", (0.5, 200))
    assert axes.get_xticks().tolist() == [0, 0.01, 1]
    places = axes.transData.transform([[0, 1], [0.01, 1], [1, 1]])[:, 0]
    assert places[1] - places[0] > 10  # 0 is in sight, apart from the smallest value
    assert [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()] == ["title", "x", "y"]


def test_panels_fill_rows():
    axes = draw_panels([panel(Series("a", X, X, "line", "black"))] * 3, columns=2).axes
    assert [(a.get_subplotspec().rowspan.start, a.get_subplotspec().colspan.start) for a in axes] == [
        (0, 0),
        (0, 1),
        (1, 0),
    ]


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="there must be a panel and a column at least, got 0 and 2"):
        draw_panels([])


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"x, y, low and high of 'a' must have one shape \(points,\), got \(3,\), \(2,\)"
    ):
        draw_panels([panel(Series("a", X, [1.0, 2.0], "line", "black"))])
