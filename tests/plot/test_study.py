"""Learning curves and decision maps: the numbers drawn are the numbers given."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.plot import decision_maps, learning_curves

CURVES = {
    "epochs": [1, 2, 3],
    "train_loss": [2.0, 1.0, 0.5],
    "test_loss": [2.1, 1.2, 0.9],
    "train_error": [0.5, 0.2, 0.0],
    "test_error": [0.6, 0.1, 0.3],
}


def line(axes, label):
    return next(line for line in axes.lines if str(line.get_label()).startswith(label))


def test_learning_curves_show_loss_and_error_in_percent():
    figure = learning_curves(**CURVES, title="digits")
    loss, error = figure.axes
    assert figure.get_suptitle() == "digits"
    assert [axes.get_xlabel() for axes in figure.axes] == ["epoch", "epoch"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "error (%)"]
    np.testing.assert_allclose(line(loss, "train").get_xydata(), [[1, 2.0], [2, 1.0], [3, 0.5]])
    np.testing.assert_allclose(line(loss, "test").get_ydata(), [2.1, 1.2, 0.9])
    np.testing.assert_allclose(line(error, "train").get_ydata(), [50, 20, 0])
    np.testing.assert_allclose(line(error, "test").get_ydata(), [60, 10, 30])


def test_learning_curves_mark_the_best_epoch():
    error = learning_curves(**CURVES).axes[1]
    assert line(error, "test").get_label() == "test, best 10.00 % in epoch 2"
    assert any(marked.get_xydata().tolist() == [[2, 10]] for marked in error.lines)


@pytest.mark.parametrize("errors", [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
def test_learning_curves_without_error_can_be_drawn(errors):
    figure = learning_curves(**{**CURVES, "train_error": errors, "test_error": errors})
    figure.canvas.draw()
    assert figure.axes[1].get_yscale() == ("log" if any(errors) else "linear")


def test_one_epoch_shows_as_points():
    loss, _ = learning_curves(**{name: curve[:1] for name, curve in CURVES.items()}).axes
    assert line(loss, "train").get_marker() == "o"


@pytest.mark.parametrize(("name", "value"), [("train_loss", [1.0, 2.0]), ("epochs", []), ("epochs", 3)])
def test_curves_of_different_length_are_refused(name, value):
    with pytest.raises(ValueError, match=r"all curves must have shape \(epochs,\) with an epoch at least, got "):
        learning_curves(**{**CURVES, name: value})


def half_plane(points):
    """Return the probability that a point lies right of x₁ = 0.5."""
    return 1 / (1 + np.exp(-20 * (points[:, 0] - 0.5)))


@pytest.fixture
def maps():
    points = np.array([[-1.0, 0.0], [1.0, 1.0], [0.9, -1.0], [0.0, 0.3]])
    labels = np.array([0, 1, 1, 1])  # the last one is on the wrong side
    return {"probability": {"halves": half_plane}, "points": {"halves": points}, "labels": {"halves": labels}}


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
