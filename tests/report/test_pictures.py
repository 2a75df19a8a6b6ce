"""The static pictures: what is drawn is what the result holds."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy.presets import PAI2023_TABLES_REAL_LIGHT
from retrolux.report import costs, decisions, training
from retrolux.report.gradient_laws import gradient_laws, law_panels
from retrolux.report.published import PUBLISHED, WITHOUT_ERROR
from retrolux.report.view import SweepView
from retrolux.study import Sweep
from retrolux.study.results import empty_results
from retrolux.study.tradeoff import DEVICES, with_costs

TAP = "tap_pd_shot_noise"


def panel_named(picture, title):
    return next(axes for axes in picture.wide.axes if axes.get_title("left") == title)


def line(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


def named(axes, label):
    handles, labels = axes.get_legend_handles_labels()
    return handles[labels.index(label)]


def test_rows_show_the_error_and_the_published_one(view):
    picture = training.error_rows(view)
    axes = panel_named(picture, "Tap noise alone")
    points = named(axes, "three measurements").lines[0].get_xydata()
    np.testing.assert_allclose(points[:, 0], [0, 0.01, 0.1])
    np.testing.assert_allclose(points[:, 1], 100 * view.row(TAP, view.base)["mean"])
    marks = line(axes, "published (MNIST, SGD)").get_xydata()
    np.testing.assert_allclose(marks, [[0, 100 * WITHOUT_ERROR], [0.01, 100 * PUBLISHED["tap_noise"][1]]])


@pytest.mark.slow
def test_sizes_have_a_panel_of_their_own(view):
    axes = panel_named(training.error_rows(view), "Tap noise and size")
    for modes in (16, 64):
        points = named(axes, f"N = {modes}").lines[0].get_xydata()
        np.testing.assert_allclose(points[:, 1], 100 * view.row(TAP, view.base | {"modes": modes})["mean"])


def test_learning_curves_have_the_range_of_the_seeds(view):
    axes = panel_named(training.learning_curves(view), "modes N = 64")
    curve = line(axes, "tap noise s = 0.1").get_xydata()
    expected = (1 / 64 + 0.01) * (1 + 1 / np.arange(1, 5))
    np.testing.assert_allclose(curve, np.stack([np.arange(1, 5), 105 * expected], axis=-1))
    bands = [c.get_paths()[0].vertices[:, 1] for c in axes.collections]
    assert any(np.isclose([band.min(), band.max()], [100 * expected[-1], 110 * expected[0]]).all() for band in bands)


def test_a_sweep_without_errors_has_no_such_pictures():
    results = empty_results(Sweep(lists={"lr": (0.1, 0.2)}))
    results["failure"][:] = ""
    results["metrics"][:] = 0.5
    view = SweepView(with_costs(results))
    assert training.error_rows(view) is None
    assert training.learning_curves(view) is None
    assert gradient_laws(results) is None
    assert costs.trade_offs(view, PAI2023_TABLES_REAL_LIGHT.name) == []
    assert costs.trade_off({}) is None
    assert decisions.decisions(results) is None
    assert decisions.light(results) is None


def test_laws_are_lines_and_chips_are_points(results):
    noise, size, loss, matrix = law_panels(results)
    law, chips = noise.series[:2]
    np.testing.assert_allclose(law.y, 16 * np.square([0.01, 0.02]))  # N s² of three measurements
    found = results["laws_tap_error"].sel(laws_modes=16, laws_method="three_measurement")
    np.testing.assert_array_equal(chips.y, found.sel(laws_statistic="mean"))
    np.testing.assert_allclose(np.subtract(chips.high, chips.y), 2 * found.sel(laws_statistic="standard_error"))
    np.testing.assert_allclose(size.series[2].y, np.array([4, 16]) * 0.02**2 / 4)  # of sum and difference
    assert len(loss.series) == 2
    np.testing.assert_allclose(matrix.series[0].y, np.sqrt([8, 32]) * 1e-3)


def test_trade_offs_are_the_points_with_tap_noise(view):
    points = costs.trade_offs(view, PAI2023_TABLES_REAL_LIGHT.name)
    assert {(point.modes, point.tap_noise) for point in points} == {(n, s) for n in (16, 64) for s in (0.01, 0.1)}
    assert [point.energy for point in points] == sorted(point.energy for point in points)
    # A large mesh with little noise is the best, a small one with much the cheapest; neither is beaten.
    assert points[0].best
    assert min(points, key=lambda point: point.error).best
    assert (points[0].modes, points[0].tap_noise) == (16, 0.1)


def test_the_front_is_drawn_as_steps(view):
    points = costs.trade_offs(view, PAI2023_TABLES_REAL_LIGHT.name)
    axes = costs.trade_off({PAI2023_TABLES_REAL_LIGHT.name: points}).wide.axes[0]
    steps = line(axes, "nobody is cheaper and better").get_xydata()
    best = [point for point in points if point.best]
    np.testing.assert_allclose(steps[0], [1e9 * best[0].energy, 100 * best[0].error])
    np.testing.assert_allclose(steps[-1], [1e9 * best[-1].energy, 100 * best[-1].error])
    assert (np.diff(steps, axis=0) == 0).any(axis=1).all()


def test_energy_has_maps_for_both_operations_of_every_device():
    picture = costs.maps(DEVICES)
    assert [axes.get_title() for axes in picture.wide.axes[:4]] == [
        f"{name}: {words}" for name in DEVICES for words in ("multiplication", "gradient")
    ]
    assert len(picture.narrow[0].axes) == 5


def test_light_crosses_mesh_after_mesh(results):
    picture = decisions.light(results)
    assert [axes.get_title("left") for axes in picture.wide.axes[:3]] == [f"mesh {i} of 3" for i in (1, 2, 3)]
    field = results["mesh_field"].values @ np.array([1, 1j])
    for theta, phi in zip(results["mesh_theta"].values, results["mesh_phi"].values, strict=True):
        field = np.abs(mesh.matrix(mesh.triangular(4), theta, phi, np.zeros(4)) @ field)
    assert np.sum(field**2) == pytest.approx(9, rel=1e-5)  # nothing is lost on the way


def test_decisions_have_a_map_for_each_task(results):
    titles = [axes.get_title() for axes in decisions.decisions(results).wide.axes[:4]]
    for title, task in zip(titles, results["planar_task"].values, strict=True):
        chosen = results.sel(planar_task=task, planar_gradient="exact")
        right = ((chosen["planar_decision"] > 0.5) == chosen["planar_label"]).mean()
        assert title == f"{task}, exact: {100 * float(right):.1f} %"


@pytest.mark.slow
def test_files_of_a_picture(view, results):
    lines, shades = training.learning_curves(view).render(), decisions.decisions(results).render()
    for rendered in (lines, shades):
        assert rendered.png.startswith(b"\x89PNG")
        assert b"<svg" in rendered.svg
    assert lines.wide == lines.svg
    assert b"<svg" in lines.narrow[0]
    assert all(image[8:12] == b"WEBP" for image in (shades.wide, *shades.narrow))
