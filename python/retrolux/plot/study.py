"""Figures of training runs: how they learnt, and what they decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["decision_maps", "learning_curves"]

# Blue and orange differ in every common form of colour blindness.
_TRAIN, _TEST = "#8aa4c8", "#d9480f"
_CLASSES = ("#2563a8", "#e07b00")
_PROBABILITY_MAP = LinearSegmentedColormap.from_list("probability", ["#3f7cb8", "#f4f4f2", "#ee9a35"])
_INK = "#2b2f36"


def learning_curves(
    epochs: ArrayLike,
    train_loss: ArrayLike,
    test_loss: ArrayLike,
    train_error: ArrayLike,
    test_error: ArrayLike,
    title: str = "",
) -> Figure:
    """Draw loss and error against the epoch; the smallest test error is marked.

    Both axes are logarithmic, with an error of 0 below their end.

    Parameters
    ----------
    epochs : array_like of int, shape (epochs,)
        1, 2, …
    train_loss, test_loss : array_like of float, shape (epochs,)
    train_error, test_error : array_like of float, shape (epochs,)
        Fractions in [0, 1], shown in %.
    title : str, optional
        Above the figure.

    Returns
    -------
    Figure
        Two axes: loss and error.

    Raises
    ------
    ValueError
        When there is no epoch, or the shapes differ.
    """
    x = np.asarray(epochs)
    curves = [np.asarray(curve, dtype=np.float64) for curve in (train_loss, test_loss, train_error, test_error)]
    if x.ndim != 1 or len(x) == 0 or any(curve.shape != x.shape for curve in curves):
        shapes = ", ".join(str(curve.shape) for curve in curves)
        raise ValueError(f"all curves must have shape (epochs,) with an epoch at least, got {x.shape}, {shapes}")
    best = int(np.argmin(curves[3]))
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    losses, errors = figure.subplots(1, 2)
    _curves(losses, x, curves[0], curves[1], "loss", "test")
    found = f"test, best {100 * curves[3][best]:.2f} % in epoch {x[best]}"
    _curves(errors, x, 100 * curves[2], 100 * curves[3], "error (%)", found)
    errors.plot(x[best], 100 * curves[3][best], "o", color=_TEST, markersize=8, markerfacecolor="none")
    figure.suptitle(title, color=_INK)
    return figure


def decision_maps(
    probability: Mapping[str, Callable[[NDArray[np.float64]], ArrayLike]],
    points: Mapping[str, ArrayLike],
    labels: Mapping[str, ArrayLike],
    extent: float,
) -> Figure:
    """Draw what classifiers of the plane decide, with the points they were asked about.

    Parameters
    ----------
    probability : mapping of name to callable
        Takes points, float64 of shape (points, 2), and returns the probability of the second class, (points,).
    points : mapping of name to array_like of float, shape (points, 2)
        Points to show on the map of that name.
    labels : mapping of name to array_like of int, shape (points,)
        Class of each point, 0 or 1.
    extent : float
        The maps show −extent … extent in both directions.

    Returns
    -------
    Figure
        One axes per map, then the colour bar.

    Raises
    ------
    ValueError
        When there is no map, the names differ, or `extent` is not positive.
    """
    names = list(probability)
    if not names or set(points) != set(names) or set(labels) != set(names):
        raise ValueError(
            f"probability, points and labels must share names, got {names}, {list(points)}, {list(labels)}"
        )
    if not 0 < extent < np.inf:
        raise ValueError(f"extent must be a finite number above 0, got {extent}")
    figure = Figure(figsize=(3.4 * len(names) + 1.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, len(names), squeeze=False, sharey=True)[0])
    for ax, name in zip(axes, names, strict=True):
        _decision_map(ax, name, probability[name], np.asarray(points[name]), np.asarray(labels[name]), extent)
    axes[0].set_ylabel("x₂")
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), _PROBABILITY_MAP), ax=axes, pad=0.02, aspect=25)
    bar.set_label("probability of the second class")
    bar.outline.set_visible(False)
    return figure


def _curves(
    ax: Axes, x: NDArray[np.int_], train: NDArray[np.float64], test: NDArray[np.float64], name: str, test_label: str
) -> None:
    marker = "o" if len(x) == 1 else ""
    ax.plot(x, train, marker=marker, color=_TRAIN, linewidth=2.0, label="train")
    ax.plot(x, test, marker=marker, color=_TEST, linewidth=2.0, label=test_label)
    positive = np.concatenate([train, test])
    positive = positive[positive > 0]
    if len(positive):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        wide = positive.max() > 30 * positive.min()
        ax.yaxis.set_minor_formatter(NullFormatter() if wide else StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel(name)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)


def _decision_map(
    ax: Axes,
    name: str,
    probability: Callable[[NDArray[np.float64]], ArrayLike],
    points: NDArray[np.float64],
    labels: NDArray[np.int_],
    extent: float,
) -> None:
    side = np.linspace(-extent, extent, 161)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    shades = np.asarray(probability(grid.reshape(-1, 2)), dtype=np.float64).reshape(len(side), len(side))
    box = (-extent, extent, -extent, extent)
    ax.imshow(shades, cmap=_PROBABILITY_MAP, vmin=0, vmax=1, origin="lower", extent=box, interpolation="bilinear")
    ax.contour(side, side, shades, levels=[0.5], colors=_INK, linewidths=1.2)
    for label, colour in enumerate(_CLASSES):
        chosen = points[labels == label]
        ax.scatter(chosen[:, 0], chosen[:, 1], s=14, color=colour, edgecolors="white", linewidths=0.5)
    decided = np.asarray(probability(points.astype(np.float64))) > 0.5
    ax.set_title(f"{name}: {100 * np.mean(decided == labels):.1f} %", color=_INK)
    ax.set_xlabel("x₁")
