"""The interactive figures: every run is there, with what is known of it; tests/report/test_browser.py moves them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bokeh.models import CustomJS, GlyphRenderer, MultiLine, Scatter
from bokeh.models.widgets import RadioButtonGroup, Slider

from retrolux.energy.presets import PAI2023_TABLES_REAL_LIGHT
from retrolux.report import costs
from retrolux.report.interactive import embedded, explorer, front_figure
from retrolux.report.view import SweepView
from retrolux.study import Sweep
from retrolux.study.results import empty_results
from retrolux.study.tradeoff import with_costs

TAP = "tap_pd_shot_noise"


@pytest.fixture(scope="module")
def models(view):
    return explorer(view, PAI2023_TABLES_REAL_LIGHT.name)


def glyphs(plot, kind):
    return [renderer for renderer in plot.select({"type": GlyphRenderer}) if isinstance(renderer.glyph, kind)]


@pytest.mark.slow
def test_every_option_has_a_control(models, view):
    controls = [models[f"control {i}"] for i in range(4)]
    assert isinstance(controls[0], Slider)
    assert [control.title for control in controls if isinstance(control, Slider)] == [
        "modes N",
        "tap noise s",
        "phase error of inputs and outputs (π rad)",
    ]
    buttons = controls[2].select_one({"type": RadioButtonGroup})
    assert buttons.labels == ["three measurements", "sum and difference"]
    assert (controls[0].value, controls[0].end) == (1, 1)  # the larger of two sizes
    assert (controls[1].value, controls[1].end) == (0, 2)  # no noise, of three


def test_every_run_is_there_with_its_curve(models, view, results):
    (script,) = {
        callback for i in (0, 1, 3) for callback in models[f"control {i}"].js_property_callbacks["change:value"]
    }
    assert isinstance(script, CustomJS)
    runs = script.args["runs"]
    assert len(runs) == len(view.points)
    at = {dim: list(results[dim].values) for dim in view.dims}
    for run, point in zip(runs, view.points, strict=True):
        assert run["at"] == [at[dim].index(point[dim]) for dim in view.dims]
        np.testing.assert_allclose(run["mean"], 100 * view.curves["mean"].sel(point), atol=1e-3)
        np.testing.assert_allclose(run["most"], 100 * view.curves["most"].sel(point), atol=1e-3)
    (background,) = glyphs(models["curve"], MultiLine)
    assert len(background.data_source.data["ys"]) == len(runs)


def test_the_readout_tells_error_and_costs(models, view):
    script = models["control 1"].js_property_callbacks["change:value"][0]
    point = view.base | {TAP: 0.1}
    text = re.sub("<.*?>", "", script.args["runs"][view.points.index(point)]["text"])
    assert f"test error {100 * float(view.final['mean'].sel(point)):.2f} %" in text
    assert "gradient error 0.1" in text
    assert re.search(r"energy of a step \S+ .J", text)


def test_the_front_knows_every_point(view):
    points = costs.trade_offs(view, PAI2023_TABLES_REAL_LIGHT.name)
    plot = front_figure(points)["front"]
    data = [renderer.data_source.data for renderer in glyphs(plot, Scatter)]
    drawn = sorted(
        zip(*(np.concatenate([d[name] for d in data]) for name in ("energy", "error", "modes")), strict=True)
    )
    expected = sorted((1e9 * point.energy, 100 * point.error, point.modes) for point in points)
    np.testing.assert_allclose(drawn, expected)
    assert plot.toolbar_location is None  # a finger scrolls the page, not the figure


def test_nothing_to_move_is_nothing_to_show():
    results = empty_results(Sweep(lists={"lr": (0.1,)}))
    results["failure"][:] = ""
    results["metrics"][:] = 0.5
    assert explorer(SweepView(with_costs(results)), PAI2023_TABLES_REAL_LIGHT.name) == {}
    assert front_figure([]) == {}


def test_parts_of_a_page_need_no_network(models):
    parts = embedded(dict(models))
    assert set(parts.places) == set(models)
    assert "<script src" not in parts.library
    assert len(parts.library) < 2.5e6
