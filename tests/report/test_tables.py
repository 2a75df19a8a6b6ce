"""Tables and sentences: the numbers are those of the result."""

from __future__ import annotations

import dataclasses

import pytest

from retrolux import energy
from retrolux.energy.presets import PAI2023_TABLES_REAL_LIGHT, PRESETS
from retrolux.energy.quantity import engineering
from retrolux.report import costs, tables
from retrolux.report.findings import compared_methods, findings
from retrolux.report.view import SweepView

TAP = "tap_pd_shot_noise"


@pytest.fixture(scope="module")
def points(view):
    return costs.trade_offs(view, PAI2023_TABLES_REAL_LIGHT.name)


def test_one_error_at_a_time_stands_beside_the_published(view):
    table = tables.one_error(view)
    assert table.head == ("error", "training", "test error (%)", "gradient error", "published (%)", "difference")
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    final = 105 * (1 / 64) * (2 + 7 / 12) / 2
    least, most = final / 1.05, final / 1.05 * 1.1
    assert rows["none", "three measurements"] == (
        f"{final:.2f} ({least:.2f} to {most:.2f})",
        "0",
        "2.97",
        f"{final - 2.97:+.2f}",
    )
    assert rows["tap noise of 0.01", "three measurements"][2] == "3.91"
    assert rows["tap noise of 0.1", "three measurements"][2:] == ("–", "–")
    assert ("phase error of 0.05 π", "sum and difference") not in rows  # it has failed


def test_other_data_are_not_compared_with_the_published(results):
    config = results.attrs["config"].replace('"mnist"', '"digits"')
    table = tables.one_error(SweepView(results.assign_attrs(config=config)))
    assert table.head == ("error", "training", "test error (%)", "gradient error")


def test_three_seeds_have_an_interval(results):
    three = results.isel(seed=[0, 1, 0]).assign_coords(seed=[0, 1, 2])
    first = tables.one_error(SweepView(three)).rows[0]
    assert " ± " in first[2]


def test_advantages_are_the_smallest_sizes():
    table = tables.advantages(PRESETS, 60)
    for row in table.rows:
        device = PRESETS[row[0].replace(" ", "_")]
        assert row[1] == str(energy.advantage(device, "mvm", range(2, 1025), 60))
        assert row[6] == str(energy.advantage(device, "gradient", range(2, 1025), 60, 4.0))


def test_costs_have_a_row_for_each_size(view, results):
    table = tables.costs(view, PAI2023_TABLES_REAL_LIGHT.name)
    assert [row[0] for row in table.rows] == ["16", "64"]
    area = float(results["area"].sel(device=PAI2023_TABLES_REAL_LIGHT.name, modes=64).max())
    assert table.rows[1][-1] == f"{1e6 * area:.3g} mm²"
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_the_front_as_a_table(points):
    table = tables.trade_off(points)
    assert len(table.rows) == sum(point.best for point in points)
    assert table.rows[0][:2] == ("16", "0.1")
    assert tables.trade_off([]) is None


def test_findings(view, points):
    error, noise, price, light = findings(view, points)
    assert error.number == f"{105 / 64 * (2 + 7 / 12) / 2:.1f} %"
    assert "64 modes and perfect chips" in error.words
    assert noise.number == "s = 0.01"  # 0.1 costs 1.3 points
    good = next(point for point in points if point.best and point.error < points[-1].error + 0.01)
    assert f"N = {good.modes} and s = {good.tap_noise:g}" in price.words
    assert price.number == engineering(good.energy, "J")
    assert light.number == engineering(good.light, "W")


def test_chips_that_are_never_perfect_are_not_called_so(results):
    config = results.attrs["config"].replace('"coupler_std": 0.0', '"coupler_std": 0.1')
    assert '"coupler_std": 0.1' in config
    first = findings(SweepView(results.assign_attrs(config=config)), [])[0]
    assert first.words == "test error with 64 modes and the best of these chips"


def test_methods_are_compared_where_both_ended(view, results):
    assert compared_methods(view) == []  # the run with phase errors has failed
    healed = results.copy(deep=True)
    healed["failure"][:] = ""
    at = {"modes": 64, TAP: 0.0, "io_phase_error_std": 0.05, "param": "eval/error"}
    healed["metrics"].loc[at | {"gradient": "sum_difference"}] = 0.02
    healed["metrics"].loc[at | {"gradient": "three_measurement"}] = 0.06
    assert (
        "With a phase error of 0.05 π rad, three measurements end at 6.0 % test error, sum and difference at 2.0 %."
        in compared_methods(SweepView(healed))
    )


def test_points_are_numbers(points):
    for point in points:
        assert all(value == value for value in dataclasses.astuple(point))  # noqa: PLR0124 - NaN differs from itself
