"""Panels of measured points with their intervals and the curves they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

__all__ = ["COLOURS", "INK", "Panel", "Series", "draw_panels", "shades"]

INK = "#2b2f36"
# Neighbours differ in every common form of colour blindness.
COLOURS = ("#d9480f", "#2563a8", "#2b8a3e", "#7048a8", "#0b7285", "#a61e4d")

Scale = Literal["linear", "log", "symlog"]


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers that belong together.

    Attributes
    ----------
    label : str
        In the legend; series of the same label in several panels have one entry, those of none have none.
    x, y : array_like of float, shape (points,)
        NaN where there is no point.
    style : {"points", "dots", "band", "line", "marks"}
        Points with bars and a line through them or without, a curve inside a band, a curve alone, or hollow marks.
    colour : str
        As matplotlib takes it.
    low, high : array_like of float, shape (points,), optional
        Ends of the intervals around y.
    notes : sequence of str, optional
        A word next to each point.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    style: Literal["points", "dots", "band", "line", "marks"]
    colour: str
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Panel:
    """Axes and what is in them.

    Attributes
    ----------
    title, x_label, y_label : str
    series : sequence of Series
    x_scale, y_scale : {"linear", "log", "symlog"}
        symlog is logarithmic but for what lies between 0 and the smallest x that is not 0.
    ticks : array_like of float
        On the x axis; matplotlib's choice when empty.
    y_limits : tuple of float, optional
        Ends of the y axis; matplotlib's choice when None.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    ticks: ArrayLike = ()
    y_limits: tuple[float, float] | None = None


def shades(count: int) -> list[str]:
    """Return colours for values in order, from light to dark."""
    return [to_hex(colour) for colour in mpl.colormaps["plasma"](np.linspace(0.82, 0.08, max(count, 1)))]


def draw_panels(panels: Sequence[Panel], columns: int = 2) -> Figure:
    """Draw panels in rows, with one legend below them.

    Parameters
    ----------
    panels : sequence of Panel
    columns : int
        Panels in a row, at least 1.

    Returns
    -------
    Figure
        One axes per panel, in their order.

    Raises
    ------
    ValueError
        When there is no panel, `columns` is below 1, or the arrays of a series differ in shape.
    """
    if not panels or columns < 1:
        raise ValueError(f"there must be a panel and a column at least, got {len(panels)} and {columns}")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width, height = {1: (5.2, 3.5), 2: (4.9, 3.5)}.get(columns, (3.6, 3.0))
    figure = Figure(figsize=(width * columns, height * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    entries: dict[str, Artist] = {}
    for ax, panel in zip(grid.flat, panels, strict=False):
        for series in panel.series:
            _draw(ax, series)
        _finish(ax, panel)
        handles, labels = ax.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    for ax in grid.flat[len(panels) :]:
        ax.remove()
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=2 * columns, frameon=False
        )
    return figure


def _draw(ax: Axes, series: Series) -> None:
    x, y = (np.asarray(values, dtype=np.float64) for values in (series.x, series.y))
    low, high = (y if ends is None else np.asarray(ends, dtype=np.float64) for ends in (series.low, series.high))
    if not x.shape == y.shape == low.shape == high.shape or x.ndim != 1:
        shapes = ", ".join(str(values.shape) for values in (x, y, low, high))
        raise ValueError(f"x, y, low and high of {series.label!r} must have one shape (points,), got {shapes}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    low, high = (np.where(np.isfinite(ends[known]), ends[known], y) for ends in (low, high))
    style: dict[str, Any] = {"color": series.colour, "label": series.label}
    if series.style in {"points", "dots"}:
        bars = [np.maximum(y - low, 0), np.maximum(high - y, 0)]
        shape = "o-" if series.style == "points" else "o"
        ax.errorbar(x, y, bars, fmt=shape, markersize=5, markeredgecolor="white", linewidth=1.6, capsize=2.5, **style)
    elif series.style == "band":
        ax.fill_between(x, low, high, color=series.colour, alpha=0.18, linewidth=0)
        ax.plot(x, y, linewidth=1.8, **style)
    elif series.style == "line":
        ax.plot(x, y, linewidth=1.4, alpha=0.75, zorder=1.5, **style)
    else:
        ax.plot(x, y, "D", markersize=7, markerfacecolor="none", markeredgewidth=1.6, zorder=4, **style)
    for note, at_x, at_y in zip(np.asarray(series.notes)[known] if series.notes else (), x, y, strict=False):
        ax.annotate(note, (at_x, at_y), (5, 5), textcoords="offset points", color=series.colour, fontsize=8)


def _finish(ax: Axes, panel: Panel) -> None:
    places = np.concatenate([np.asarray(series.x, dtype=np.float64) for series in panel.series] or [np.zeros(0)])
    if panel.x_scale == "symlog":
        smallest = places[places > 0].min(initial=np.inf)
        ax.set_xscale("symlog", linthresh=smallest if np.isfinite(smallest) else 1.0, linscale=0.4)
    else:
        ax.set_xscale(panel.x_scale)
    ax.set_yscale(panel.y_scale)
    for axis, scale in ((ax.xaxis, panel.x_scale), (ax.yaxis, panel.y_scale)):
        if scale == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if np.size(panel.ticks):
        ax.xaxis.set_major_locator(FixedLocator(np.asarray(panel.ticks).tolist()))
    elif panel.x_scale == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=bool((places == np.rint(places)).all())))
    if panel.y_limits is not None:
        ax.set_ylim(*panel.y_limits)
    ax.set_title(panel.title, color=INK, fontsize=11, loc="left")
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
