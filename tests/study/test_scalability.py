"""A study and its folder."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from retrolux import energy
from retrolux.data import PLANAR
from retrolux.study import Study, load, read_results, run_study
from retrolux.study.run_record import identity
from retrolux.study.tradeoff import DEVICES

STUDY = Study(
    name="small",
    about="Small.",
    settings={"epochs": 2, "batch": 400, "modes": 10, "meshes": 1},
    grids=({"tap_noise": (0.0, 0.1)}, {"modes": (10, 12)}),
    planar_epochs=1,
    laws={"modes": (4,), "tap_noise": (0.02,), "loss_db_std": (0.02,), "effort": 16},
)


@pytest.mark.slow
def test_a_study_leaves_its_runs_and_everything_in_one_result(tmp_path, in_process):
    results = run_study(STUDY, tmp_path / "out", DEVICES)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [".lock", "results.nc", "runs"]
    assert read_results(tmp_path / "out" / "results.nc").identical(results)
    assert len(in_process) == 3 + 2 * len(PLANAR)
    assert results["failure"].squeeze("seed").transpose("modes", "tap_pd_shot_noise").values.tolist() == [
        ["", ""],
        ["", "not run"],
    ]
    for name in ("laws_tap_error", "energy_step", "planar_map", "mesh_theta"):
        assert name in results
    assert json.loads(results.attrs["study"]) == {"name": "small", "about": "Small."}
    devices = json.loads(results.attrs["devices"])
    assert {name: energy.from_toml(text) for name, text in devices.items()} == DEVICES


@pytest.mark.slow
def test_phases_of_chips_are_read_without_noise(tmp_path, in_process):
    results = run_study(STUDY, tmp_path, DEVICES)
    config = STUDY.planar["ring", "measured"]
    found = load(tmp_path / "runs" / identity(config) / "last.pt").layers[0]
    assert found.experiment is not None
    again = run_study(STUDY, tmp_path, DEVICES)
    np.testing.assert_array_equal(again["planar_map"], results["planar_map"])


@pytest.mark.slow
def test_a_study_goes_on(tmp_path, in_process):
    run_study(STUDY, tmp_path, DEVICES)
    del in_process[:]
    grown = replace(STUDY, grids=(*STUDY.grids, {"tap_noise": (0.2,)}))
    results = run_study(grown, tmp_path, DEVICES)
    assert [config.imperfections.tap_noise for config in in_process] == [0.2]
    assert int((results["failure"] == "").sum()) == 4


@pytest.mark.slow
def test_planar_networks_that_workers_kept_to_themselves_are_trained_again(tmp_path, in_process):
    results = run_study(STUDY, tmp_path, DEVICES)
    for config in STUDY.planar.values():
        for name in ("last.pt", "best.pt"):
            (tmp_path / "runs" / identity(config) / name).unlink()
    again = run_study(STUDY, tmp_path, DEVICES)
    np.testing.assert_array_equal(again["planar_map"], results["planar_map"])


def test_missing_data_are_missed_at_once(tmp_path, monkeypatch, in_process):
    monkeypatch.delenv("RETROLUX_DATA", raising=False)
    study = replace(STUDY, settings={"dataset": "mnist"}, grids=({"tap_noise": (0.1,)},))
    with pytest.raises(FileNotFoundError, match="--data-dir"):
        run_study(study, tmp_path, DEVICES)
    assert not in_process
    assert not list(tmp_path.iterdir())


def test_a_sweep_is_not_written_over(tmp_path, in_process):
    (tmp_path / "sweep.toml").touch()
    with pytest.raises(FileExistsError, match="holds a sweep: choose another --out"):
        run_study(STUDY, tmp_path, DEVICES)
    assert not in_process
