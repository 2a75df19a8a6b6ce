"""Energy figures: the shades, contours and bars drawn are the energies of the model."""

from __future__ import annotations

import io

import numpy as np
import pytest

from retrolux.energy import breakdown, digital_gradient, digital_mvm, energy_ratio, tops_per_watt
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES
from retrolux.plot import cost_bars, energy_maps

DEVICES = {"tables": PAI2023_TABLES, "figure": PAI2023_FIGURE}
N, M = np.arange(4, 65), np.array([1, 2, 5, 30, 100])


@pytest.fixture(scope="module")
def maps():
    return energy_maps(DEVICES, N, M)


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize(("operation", "words"), [("mvm", "multiplication"), ("gradient", "gradient")])
def test_shades_are_the_efficiency(maps, name, operation, words):
    shades = panel(maps, f"{name}: {words}").collections[0].get_array()
    np.testing.assert_allclose(shades, tops_per_watt(DEVICES[name], operation, N, M[:, None]))


def test_contours_lie_where_the_gain_is_what_they_say(maps):
    axes = panel(maps, "figure: gradient")
    contour = axes.collections[1]
    assert list(contour.levels) == [1, 2]  # 4 lies beyond 64 modes
    assert [text.get_text() for text in axes.texts] == ["1× ", "2× "]
    for factor, path in zip(contour.levels, contour.get_paths(), strict=True):
        exact = path.vertices[np.isin(path.vertices[:, 1], M)]
        assert len(exact) == len(M)
        nearest = np.rint(exact).astype(int)
        np.testing.assert_allclose(
            energy_ratio(PAI2023_FIGURE, "gradient", nearest[:, 0], nearest[:, 1]), factor, atol=0.5 * factor / 19
        )


def test_axes_have_names_and_one_colour_bar(maps):
    *panels, bar = maps.axes
    assert len(panels) == 4
    assert [axes.get_xlabel() for axes in panels] == ["", "", "modes N", "modes N"]
    assert [axes.get_ylabel() for axes in panels] == ["batch M", "", "batch M", ""]
    assert bar.get_ylabel() == "TOPS/W"
    assert {axes.get_xlim() for axes in panels} == {(4, 64)}


def test_a_device_without_advantage_has_no_contour():
    figure = energy_maps({"hopeless": PAI2023_TABLES.changed("components.adc.energy", 1000)}, N, M)
    assert [len(axes.collections) for axes in figure.axes[:2]] == [1, 1]
    figure.savefig(io.BytesIO())


def test_a_device_that_loses_all_light_can_be_drawn():
    figure = energy_maps({"dark": PAI2023_TABLES.changed("link.mzi_loss", 100)}, N, M)
    figure.savefig(io.BytesIO())


def test_bars_are_the_parts_of_the_energy():
    axes = cost_bars(DEVICES, 16, 10).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "tables: multiplication",
        "tables: gradient",
        "figure: multiplication",
        "figure: gradient",
    ]
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
    parts = breakdown(PAI2023_TABLES, "gradient", 16, 10)
    for name, energy in parts.items():
        if energy > 0:
            assert widths[name][1] == pytest.approx(energy / 160)
    assert "memory" not in widths
    assert widths["taps"] == pytest.approx([0, 0, 0, 0.206e-12 * 16 / 10])
    starts = [bars[1].get_x() for bars in axes.containers]
    np.testing.assert_allclose(starts, np.cumsum([0, *(width[1] for width in widths.values())])[:-1])


def test_a_line_marks_the_digital_rival():
    axes = cost_bars(DEVICES, 16, 10).axes[0]
    places = [segment[0, 0] for segment in axes.collections[0].get_segments()]
    rivals = [rival(device, 16, 10) / 160 for device in DEVICES.values() for rival in (digital_mvm, digital_gradient)]
    np.testing.assert_allclose(places, rivals)
    assert axes.get_xlim()[1] > max(places)


def test_bad_figures_are_refused():
    for draw in (energy_maps, cost_bars):
        with pytest.raises(ValueError, match=rf"^{draw.__name__} needs a device, got none$"):
            draw({}, N, M)
    with pytest.raises(
        ValueError, match=r"^modes and batch must have two sizes at least, got shapes \(1,\) and \(5,\)$"
    ):
        energy_maps(DEVICES, N[:1], M)
    with pytest.raises(ValueError, match=r"^modes must be integers of at least 2, got 1$"):
        cost_bars(DEVICES, 1, 10)
