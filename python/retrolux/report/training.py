"""Pictures of what errors do to training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrolux.plot import Panel, Series
from retrolux.plot.panels import COLOURS, INK, shades
from retrolux.report.pictures import picture_of_panels
from retrolux.report.published import PUBLISHED, WITHOUT_ERROR
from retrolux.report.words import label_of, option_of, short_label_of, value_text

if TYPE_CHECKING:
    from typing import Any

    from retrolux.plot.panels import Scale
    from retrolux.report.pictures import Picture
    from retrolux.report.view import SweepView

__all__ = ["error_rows", "learning_curves"]


def error_rows(view: SweepView) -> Picture | None:
    """Draw the test error against each error alone, with the published values; None where no error was swept."""
    panels = [panel for dim in view.errors if (panel := _row(view, dim)) is not None]
    modes = view.dim_of("modes")
    if modes is not None:
        panels = [_sizes(view, dim, modes) for dim in view.errors if _ended(view, dim, modes)] + panels
    if not panels:
        return None
    shown = [series.low if series.low is not None else series.y for panel in panels for series in panel.series]
    limits = max(0.1, np.nanmin(np.concatenate(shown)) / 1.3), 130 * float(view.final["most"].max())
    panels = [replace(panel, y_limits=limits) for panel in panels]
    return picture_of_panels(
        "test_error",
        "Test error against each error of the chips, one panel for each.",
        f"Test error after training with one kind of error at a time: the mean of {view.last_text} and of the seeds, "
        "whose range the bars are. Flat means that training does not mind. Diamonds are the published values for "
        "MNIST, 64 modes and SGD: their trend compares, their height on the same data only.",
        panels,
    )


def learning_curves(view: SweepView) -> Picture | None:
    """Draw the test error of every epoch for every value of the error with the most runs; None without any."""
    if not view.errors:
        return None
    along = max(view.errors, key=lambda dim: sum(point[dim] != view.base[dim] for point in view.points))
    across = next((dim for dim in (view.dim_of("modes"), *view.others) if dim is not None), None)
    panels = [
        _curves(view, along, view.base | ({} if across is None else {across: value}), across)
        for value in ([None] if across is None else view.results[across].values.tolist())
    ]
    return picture_of_panels(
        "learning_curves",
        f"Test error against the epoch, one curve for each value of {label_of(view.results[along])}.",
        f"How the networks learn: one curve for each {label_of(view.results[along])}, dark for much; bands are the "
        "range of the seeds.",
        [panel for panel in panels if panel.series],
        columns=3,
    )


def _row(view: SweepView, dim: str) -> Panel | None:
    """Return the panel of one error alone, a line for every way to train; None where there is one value only."""
    values = view.results[dim].values
    series = []
    for number, family in enumerate(view.families()):
        row = view.row(dim, family)
        if int(row["runs"].astype(bool).sum()) > 1:
            text, colour = view.family_text(family) or "this study", COLOURS[number % len(COLOURS)]
            series.append(_points(text, values, row, colour))
    if not series:
        return None
    option = option_of(view.results[dim])
    if option in PUBLISHED:
        value, error = PUBLISHED[option]
        marks = np.array([0.0, value]), 100 * np.array([WITHOUT_ERROR, error])
        series.append(Series("published (MNIST, SGD)", *marks, "marks", INK))
    title = f"{short_label_of(view.results[dim]).capitalize()} alone"
    return Panel(title, *_axes(view, dim), series, _scale(values), "log", values)


def _sizes(view: SweepView, dim: str, modes: str) -> Panel:
    """Return the panel of one error for all sizes."""
    sizes = view.results[modes].values
    rows = [view.row(dim, view.base | {modes: size}) for size in sizes]
    values = view.results[dim].values
    series = [
        _points(f"N = {value_text(size)}", values, row, colour)
        for size, row, colour in zip(sizes, rows, shades(len(sizes)), strict=True)
    ]
    title = f"{short_label_of(view.results[dim]).capitalize()} and size"
    return Panel(title, *_axes(view, dim), series, _scale(values), "log", values)


def _ended(view: SweepView, dim: str, modes: str) -> bool:
    """Return whether more than one size has been trained with more than one value of an error."""
    rest = {other: value for other, value in view.base.items() if other not in {dim, modes}}
    values = (view.final["runs"].sel(rest) > 0).sum(dim)
    return int((values > 1).sum()) > 1


def _curves(view: SweepView, along: str, at: dict[str, Any], across: str | None) -> Panel:
    values = view.results[along].values
    curves = view.curves.sel({dim: value for dim, value in at.items() if dim != along})
    epochs = view.results["epoch"].values
    series = []
    for value, colour in zip(values, shades(len(values)), strict=True):
        chosen = curves.sel({along: value})
        if bool(chosen["mean"].notnull().any()):
            ends = 100 * chosen["least"].values, 100 * chosen["most"].values
            text = f"{label_of(view.results[along])} = {value_text(value)}"
            series.append(Series(text, epochs, 100 * chosen["mean"].values, "band", colour, *ends))
    title = "" if across is None else f"{label_of(view.results[across])} = {value_text(at[across])}"
    return Panel(title, "epoch", "test error (%)", series, "linear", "log")


def _points(text: str, values: Any, row: Any, colour: str) -> Series:
    mean, least, most = (100 * row[name].values for name in ("mean", "least", "most"))
    return Series(text, values, mean, "points", colour, least, most)


def _axes(view: SweepView, dim: str) -> tuple[str, str]:
    return label_of(view.results[dim]), "test error (%)"


def _scale(values: Any) -> Scale:
    positive = values[values > 0]
    return "symlog" if len(positive) > 1 and positive.max() > 8 * positive.min() else "linear"
