"""A sweep and its folder."""

from __future__ import annotations

import pytest

from retrolux.study import Sweep, read_results, run_sweep
from retrolux.study.sweep_grid import from_toml

SETTINGS = {"dataset": "moons", "epochs": 2, "batch": 200, "meshes": 1}
SWEEP = Sweep(settings=SETTINGS, lists={"tap_noise": [0.0, 0.1]}, seeds=[0, 1])


def test_a_sweep_leaves_its_declaration_its_runs_and_its_result(tmp_path, in_process):
    results = run_sweep(SWEEP, tmp_path / "deep" / "out")
    assert sorted(file.name for file in (tmp_path / "deep" / "out").iterdir()) == [
        ".lock",
        "results.nc",
        "runs",
        "sweep.toml",
    ]
    assert from_toml(tmp_path / "deep" / "out" / "sweep.toml") == SWEEP
    assert read_results(tmp_path / "deep" / "out" / "results.nc").identical(results)
    assert in_process == list(SWEEP.configs)
    assert results["metrics"].sel(param="eval/error").notnull().all()
    assert results["shots"].values.tolist() == [[0, 0], [6800, 6800]]


def test_the_same_sweep_gives_the_same_bits(tmp_path, in_process):
    once, again = (run_sweep(SWEEP, tmp_path / name) for name in ("once", "again"))
    assert len(in_process) == 8
    assert once["metrics"].identical(again["metrics"])


def test_a_sweep_may_grow(tmp_path, in_process):
    run_sweep(SWEEP, tmp_path)
    del in_process[:]
    grown = Sweep(settings=SETTINGS, lists={"tap_noise": [0.0, 0.1, 0.2]}, seeds=[0, 1])
    results = run_sweep(grown, tmp_path, resume=True)
    assert in_process == list(grown.configs[-2:])
    assert from_toml(tmp_path / "sweep.toml") == grown
    assert results["metrics"].sel(param="eval/error").notnull().all()


def test_a_folder_with_a_sweep_is_left_alone(tmp_path, in_process):
    run_sweep(SWEEP, tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(FileExistsError, match=r"already holds a sweep: continue it with --resume or choose another"):
        run_sweep(Sweep(settings=SETTINGS), tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_resume_needs_a_sweep(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no sweep to resume: there is no sweep.toml$"):
        run_sweep(SWEEP, tmp_path, resume=True)
    assert not list(tmp_path.iterdir())
