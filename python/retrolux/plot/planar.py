"""Maps of the decisions of classifiers in the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DecisionMap", "decision_maps", "draw_decision_maps"]

# Blue and orange differ in every common form of colour blindness.
_CLASSES = ("#2563a8", "#e07b00")
_PROBABILITY_MAP = LinearSegmentedColormap.from_list("probability", ["#3f7cb8", "#f4f4f2", "#ee9a35"])
_INK = "#2b2f36"
_SIDE = 161


@dataclass(frozen=True, eq=False)
class DecisionMap:
    """The probability of the second class, in the plane and at points.

    Attributes
    ----------
    plane : array_like of float, shape (side, side)
        On an even grid; rows run along x₂.
    at_points : array_like of float, shape (points,)
        At the points.
    points : array_like of float, shape (points, 2)
        Where they are.
    labels : array_like of int, shape (points,)
        Class of each, 0 or 1.
    """

    plane: ArrayLike
    at_points: ArrayLike
    points: ArrayLike
    labels: ArrayLike


def decision_maps(
    probability: Mapping[str, Callable[[NDArray[np.float64]], ArrayLike]],
    points: Mapping[str, ArrayLike],
    labels: Mapping[str, ArrayLike],
    extent: float,
) -> Figure:
    """Draw the decisions of classifiers in the plane, with points of the task.

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
    side = np.linspace(-extent, extent, _SIDE)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    maps = {
        name: DecisionMap(
            np.reshape(probability[name](plane), (_SIDE, _SIDE)),
            probability[name](np.asarray(points[name], dtype=np.float64)),
            points[name],
            labels[name],
        )
        for name in names
    }
    return draw_decision_maps(maps, extent)


def draw_decision_maps(maps: Mapping[str, DecisionMap], extent: float, columns: int = 4) -> Figure:
    """Draw decision maps side by side, each with its accuracy.

    Parameters
    ----------
    maps : mapping of title to DecisionMap
        One at least.
    extent : float
        They show −extent … extent in both directions, above 0.
    columns : int
        Maps in a row, at least 1.

    Returns
    -------
    Figure
        One axes per map, then the colour bar.
    """
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    side = 3.4 if rows == 1 else 2.6
    figure = Figure(figsize=(side * columns + 1.0, (side + 0.35) * rows + 0.25), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax, (title, decisions) in zip(grid.flat, maps.items(), strict=False):
        _draw(ax, title, decisions, extent)
    for ax in grid[-1]:
        ax.set_xlabel("x₁")
    for ax in grid[:, 0]:
        ax.set_ylabel("x₂")
    for ax in grid.flat[len(maps) :]:
        ax.remove()
    filled = list(grid.flat[: len(maps)])
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), _PROBABILITY_MAP), ax=filled, pad=0.02, aspect=25)
    bar.set_label("probability of the second class")
    bar.outline.set_visible(False)
    return figure


def _draw(ax: Axes, title: str, decisions: DecisionMap, extent: float) -> None:
    shades = np.asarray(decisions.plane, dtype=np.float64)
    points, labels = np.asarray(decisions.points), np.asarray(decisions.labels)
    side = np.linspace(-extent, extent, len(shades))
    box = (-extent, extent, -extent, extent)
    ax.imshow(shades, cmap=_PROBABILITY_MAP, vmin=0, vmax=1, origin="lower", extent=box, interpolation="bilinear")
    ax.contour(side, side, shades, levels=[0.5], colors=_INK, linewidths=1.2)
    for label, colour in enumerate(_CLASSES):
        chosen = points[labels == label]
        ax.scatter(chosen[:, 0], chosen[:, 1], s=14, color=colour, edgecolors="white", linewidths=0.5)
    right = (np.asarray(decisions.at_points) > 0.5) == labels
    ax.set_title(f"{title}: {100 * np.mean(right):.1f} %", color=_INK)
