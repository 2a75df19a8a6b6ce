"""The figures that a reader moves: the runs of the sweep under sliders, and the trade-off under the pointer."""

from __future__ import annotations

import html
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from bokeh.embed import components
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, CustomJS, CustomJSTickFormatter, FixedTicker, HoverTool
from bokeh.models.widgets import Div, RadioButtonGroup, Slider
from bokeh.plotting import figure
from bokeh.resources import Resources

from retrolux.energy.quantity import engineering
from retrolux.plot.panels import COLOURS, INK, shades
from retrolux.report.words import gradient_text, label_of, value_text

if TYPE_CHECKING:
    from bokeh.model import Model

    from retrolux.report.costs import TradeOff
    from retrolux.report.view import SweepView

__all__ = ["Embedded", "embedded", "explorer", "front_figure"]


@dataclass(frozen=True, eq=False)
class Embedded:
    """Figures as parts of a page.

    Attributes
    ----------
    library : str
        Elements that bring bokeh, all of it.
    script : str
        Element that draws the figures.
    places : dict of str to str
        Element that each is drawn in, by its name.
    """

    library: str
    script: str
    places: dict[str, str]


def embedded(models: dict[str, Model]) -> Embedded:
    """Return figures as parts of a page that needs no network."""
    script, places = components(models)
    library = Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).render_js()
    return Embedded(library, script, dict(places))


def explorer(view: SweepView, device: str) -> dict[str, Model]:
    """Return the learning curve of every point of a sweep, what is known of it, and a control for every option.

    Parameters
    ----------
    view : SweepView
    device : str
        Whose costs to tell.

    Returns
    -------
    dict
        ``"curve"``, ``"readout"`` and ``"control 0"``, ``"control 1"``, …; nothing where there is one point only.
    """
    if len(view.points) < 2:
        return {}
    values = {dim: view.results[dim].values.tolist() for dim in view.dims}
    at = [[values[dim].index(point[dim]) for dim in view.dims] for point in view.points]
    runs: list[dict[str, Any]] = [
        {"at": index, "text": _readout(view, point, device)} | _curve(view, point)
        for index, point in zip(at, view.points, strict=True)
    ]
    first = view.points.index(view.base)
    epochs = view.results["epoch"].values.tolist()
    source = ColumnDataSource({"epoch": epochs, **{name: runs[first][name] for name in ("mean", "least", "most")}})
    plot = _axes("epoch", "test error (%)", "linear")
    plot.multi_line([epochs] * len(runs), [run["mean"] for run in runs], color="#d9dde3", line_width=1)
    plot.varea("epoch", "least", "most", source=source, color=COLOURS[0], alpha=0.2)
    curve = plot.line("epoch", "mean", source=source, color=COLOURS[0], line_width=2.5)
    plot.add_tools(HoverTool(renderers=[curve], tooltips=[("epoch", "@epoch"), ("test error", "@mean{0.00} %")]))
    readout = Div(text=runs[first]["text"], sizing_mode="stretch_width")
    controls = [_control(view, dim, values[dim], at[first][i]) for i, dim in enumerate(view.dims)]
    code = (files("retrolux.report") / "explorer.js").read_text(encoding="utf-8")
    moved = CustomJS(
        args={"controls": controls, "runs": runs, "source": source, "readout": readout, "epochs": epochs}, code=code
    )
    for control in controls:
        control.js_on_change("active" if isinstance(control, RadioButtonGroup) else "value", moved)
    placed = {f"control {i}": _labelled(view, dim, controls[i]) for i, dim in enumerate(view.dims)}
    return {"curve": plot, "readout": readout, **placed}


def front_figure(points: list[TradeOff]) -> dict[str, Model]:
    """Return accuracy against energy as ``"front"``, all about a point under the pointer; nothing without points."""
    if not points:
        return {}
    plot = _axes("energy of a training step (nJ)", "test error (%)", "log")
    noises = sorted({point.tap_noise for point in points})
    best = [point for point in points if point.best]
    steps_x = np.repeat([1e9 * point.energy for point in best], 2)[1:]
    steps_y = np.repeat([100 * point.error for point in best], 2)[:-1]
    plot.line(steps_x, steps_y, color=INK, line_width=1.5)
    for noise, colour in zip(noises, shades(len(noises)), strict=True):
        chosen = [point for point in points if point.tap_noise == noise]
        source = ColumnDataSource(
            {
                "energy": [1e9 * point.energy for point in chosen],
                "error": [100 * point.error for point in chosen],
                "modes": [point.modes for point in chosen],
                "noise": [point.tap_noise for point in chosen],
                "light": [engineering(point.light, "W") for point in chosen],
                "energy_ratio": [point.digital / point.energy for point in chosen],
                "size": [6 + 2 * np.log2(point.modes) for point in chosen],
            }
        )
        plot.scatter(
            "energy",
            "error",
            size="size",
            source=source,
            color=colour,
            line_color="white",
            legend_label=f"s = {noise:g}",
        )
    plot.add_tools(
        HoverTool(
            tooltips=[
                ("modes N", "@modes"),
                ("tap noise s", "@noise"),
                ("test error", "@error{0.00} %"),
                ("light per mode", "@light"),
                ("energy per step", "@energy{0.0} nJ"),
                ("digital takes", "@energy_ratio{0.00} times as much"),
            ]
        )
    )
    plot.legend.location = "top_right"
    plot.legend.background_fill_alpha = 0.7
    plot.legend.border_line_color = None
    return {"front": plot}


def _axes(x_label: str, y_label: str, x_scale: Literal["linear", "log"]) -> Any:
    # Without tools that take the touch of a finger, a page can be scrolled over the figure.
    plot = figure(
        height=380,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_axis_label=x_label,
        y_axis_label=y_label,
        x_axis_type=x_scale,
        y_axis_type="log",
    )
    plot.outline_line_color = None
    plot.grid.grid_line_color = "#e9ebee"
    plot.yaxis.ticker = FixedTicker(ticks=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None
        axis.axis_line_color = "#a4acb8"
    return plot


def _labelled(view: SweepView, dim: str, control: Any) -> Any:
    """Return a control under its name, which a slider shows by itself."""
    if isinstance(control, Slider):
        return control
    return column(Div(text=html.escape(label_of(view.results[dim]))), control, sizing_mode="stretch_width")


def _control(view: SweepView, dim: str, values: list[Any], chosen: int) -> Any:
    texts = [value_text(value) for value in values]
    if isinstance(values[0], str):
        return RadioButtonGroup(labels=texts, active=chosen, sizing_mode="stretch_width")
    return Slider(
        start=0,
        end=len(values) - 1,
        value=chosen,
        step=1,
        title=label_of(view.results[dim]),
        format=CustomJSTickFormatter(args={"texts": texts}, code="return texts[tick]"),
        sizing_mode="stretch_width",
    )


def _curve(view: SweepView, point: dict[str, Any]) -> dict[str, list[float | None]]:
    curves = view.curves.sel(point)
    # JSON knows no NaN; an error of 0 has no place on a logarithmic axis.
    return {
        name: [None if np.isnan(value) else max(0.01, round(100 * value, 3)) for value in curves[name].values.tolist()]
        for name in ("mean", "least", "most")
    }


def _readout(view: SweepView, point: dict[str, Any], device: str) -> str:
    final = view.final.sel(point)
    cost = view.costs_at(point, device)
    lit = np.isfinite(cost["light_per_mode"])
    facts = [
        ("test error", f"{100 * float(final['mean']):.2f} %"),
        ("gradient error", gradient_text(float(view.gradient_error.sel(point)))),
        ("energy of a step", engineering(cost["energy_step_noise" if lit else "energy_step"], "J")),
        ("digital", engineering(cost["energy_step_digital"], "J")),
        ("chip area", f"{1e6 * cost['area']:.3g} mm²"),
        ("light per mode", engineering(cost["light_per_mode"], "W") if lit else "as the device has it"),
    ]
    style = "display:inline-block;margin:4px 20px 4px 0"
    return "".join(
        f'<span style="{style}">{html.escape(name)} <b>{html.escape(text)}</b></span>' for name, text in facts
    )
