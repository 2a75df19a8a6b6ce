"""Learning curves: the numbers drawn are the numbers given."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.plot import learning_curves

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
