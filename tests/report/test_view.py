"""Reading a sweep: what is an error, what is the base, and the means that stand in the figures."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.report.view import SweepView
from retrolux.report.words import gradient_text, label_of, value_in_words, value_text
from retrolux.study import Sweep
from retrolux.study.results import empty_results

TAP, PHASE = "tap_pd_shot_noise", "io_phase_error_std"


def test_options_are_told_apart(view):
    assert view.dims == ("modes", TAP, "gradient", PHASE)
    assert view.errors == (TAP, PHASE)
    assert view.others == ("modes", "gradient")
    assert view.dim_of("tap_noise") == TAP
    assert view.dim_of("optimizer") is None
    assert view.option_at("optimizer", view.base) == "sgd"
    assert view.option_at("tap_noise", {TAP: 0.1}) == 0.1
    assert view.option_at("loss_db", {}) == 0.0


def test_the_base_is_the_largest_mesh_without_errors(view):
    assert view.base == {"modes": 64, TAP: 0.0, "gradient": "three_measurement", PHASE: 0.0}
    assert view.is_perfect(view.base)
    assert not view.is_perfect(view.base | {TAP: 0.1})


def test_points_are_those_that_ended_well(view):
    assert len(view.points) == 6 + 2  # of the second grid two are in the first, and one has failed
    failed = view.base | {"gradient": "sum_difference", PHASE: 0.05}
    assert failed not in view.points
    assert np.isnan(view.final["mean"].sel(failed))


def test_final_errors_are_means_over_the_last_epochs_and_the_seeds(view):
    assert view.last_epochs == 2
    last = (1 + 1 / 3 + 1 + 1 / 4) / 2
    final = view.final.sel(view.base | {TAP: 0.1})
    error = (1 / 64 + 0.01) * last
    assert float(final["mean"]) == pytest.approx(1.05 * error)
    assert float(final["least"]) == pytest.approx(error)
    assert float(final["most"]) == pytest.approx(1.1 * error)
    # Student's t for two values: 12.706 standard errors, and these are half of the range.
    assert float(final["high"]) == pytest.approx((1.05 + 12.706 * 0.05) * error, rel=1e-4)
    assert float(view.gradient_error.sel(view.base | {TAP: 0.1})) == pytest.approx(0.1)


def test_families_are_the_ways_to_train(view):
    families = list(view.families())
    assert [view.family_text(family) for family in families] == ["three measurements", "sum and difference"]
    assert all(family["modes"] == 64 and family[PHASE] == 0 for family in families)


def test_a_row_goes_along_one_option(view):
    row = view.row(TAP, view.base)
    assert row["mean"].dims == (TAP,)
    assert row["runs"].values.tolist() == [2, 2, 2]


def test_costs_at_a_point(view, results):
    device = results["device"].values[0]
    cost = view.costs_at(view.base | {TAP: 0.1}, device)
    point = {"modes": 64, "tap_pd_shot_noise": 0.1, "gradient": view.base["gradient"]}
    expected = results["energy_step_noise"].sel(device=device, **point)
    assert cost["energy_step_noise"] == float(expected)


def test_words(results):
    assert label_of(results[TAP]) == "tap noise s"
    assert value_in_words(results[PHASE], 0.05) == "phase error of 0.05 π rad"
    assert [value_text(value) for value in ("sgd", 0.010, "some_thing", None)] == ["SGD", "0.01", "some thing", "None"]
    assert [gradient_text(error) for error in (0.0123, 1e-13, float("nan"))] == ["0.012", "0", "–"]
    other = empty_results(Sweep(lists={"phase_std": (0.0, 0.1), "drift_std_per_s": (0.1, 0.2)}))
    assert label_of(other["phase_std"]) == "error of a written phase (rad)"
    assert value_in_words(other["phase_std"], 0.1) == "phase write error of 0.1 rad"


def test_as_many_bits_as_there_are_are_no_error():
    results = empty_results(Sweep(lists={"phase_bits": (None, 4), "tap_noise": (0.1, 0.2)}))
    results["failure"][:] = ""
    results["metrics"][:] = 0.5
    view = SweepView(results)
    assert view.base == {"phase_bits": np.inf, TAP: 0.1}
    assert not view.is_perfect(view.base)


def test_a_sweep_of_one_value_has_no_dimension():
    results = empty_results(Sweep(lists={"lr": (0.1,)}))
    results["failure"][:] = ""
    results["metrics"][:] = 0.5
    view = SweepView(results)
    assert view.dims == ()
    assert view.points == [{}]
    assert float(view.final["mean"]) == 0.5
