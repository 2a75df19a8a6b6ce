"""What an earlier version saved is read, resumed and reported by this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray

from retrolux import hardware, mesh, nn
from retrolux.cli import main
from retrolux.study import load
from retrolux.study.cluster import compute_all
from retrolux.study.run_record import read_record
from retrolux.study.sweep_grid import from_toml

SAVED = sorted(path for path in (Path(__file__).parents[1] / "saved").iterdir() if path.is_dir())
pytestmark = pytest.mark.parametrize("saved", SAVED, ids=lambda path: path.name)


@pytest.fixture
def old(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "old")


def test_a_network_is_loaded(old):
    network = load(old / "run" / "best.pt")
    network.eval()
    assert network(torch.zeros(2, 4)).shape[0] == 2


@pytest.mark.slow
def test_a_run_is_resumed(old):
    before = torch.load(old / "run" / "last.pt", weights_only=True)
    assert main(["train", "--out", str(old / "run"), "--resume", "--epochs", "3"]) in (0, None)
    after = torch.load(old / "run" / "last.pt", weights_only=True)
    history = [row for row in (old / "run" / "metrics.csv").read_text().splitlines() if row]
    assert len(history) == 1 + 3
    assert before.keys() <= after.keys()
    assert "epochs = 3" in (old / "run" / "config.toml").read_text()


def test_a_sweep_is_resumed_without_a_run_again(old, capsys):
    runs = sorted((old / "sweep" / "runs").glob("*/run.json"))
    stamps = {path: path.stat().st_mtime_ns for path in runs}
    values = json.loads(runs[0].read_text())
    with xarray.open_dataset(old / "sweep" / "results.nc", engine="h5netcdf") as data:
        errors = data["metrics"].values.copy()
    (old / "sweep" / "results.nc").unlink()
    assert main(["sweep", "--out", str(old / "sweep"), "--resume", "--workers", "1"]) in (0, None)
    assert {path: path.stat().st_mtime_ns for path in sorted((old / "sweep" / "runs").glob("*/run.json"))} == stamps
    assert json.loads(runs[0].read_text()) == values
    with xarray.open_dataset(old / "sweep" / "results.nc", engine="h5netcdf") as data:
        np.testing.assert_array_equal(data["metrics"].values, errors)


@pytest.mark.slow
def test_a_run_that_had_not_ended_goes_on_where_it_is(old, in_process):
    runs = old / "sweep" / "runs"
    first, *others = sorted(folder for folder in runs.iterdir() if folder.is_dir())
    expected = read_record(first / "run.json")
    (first / "run.json").unlink()
    compute_all(from_toml(old / "sweep" / "sweep.toml").configs, runs)
    assert len(in_process) == 1
    assert sorted(folder for folder in runs.iterdir() if folder.is_dir()) == [first, *others]
    assert read_record(first / "run.json") == expected


@pytest.mark.slow
def test_results_are_reported(old):
    assert main(["report", str(old / "sweep" / "results.nc")]) in (0, None)
    assert (old / "sweep" / "report.html").stat().st_size > 10_000


def test_states_of_layers_are_loaded(old):
    imperfections = hardware.Imperfections(coupler_std=0.02, tap_noise=0.01)
    network = torch.nn.Sequential(
        nn.Mesh(mesh.rectangular(4), seed=5, imperfections=imperfections, gradient="sum_difference", chip_seed=7),
        nn.Modulus(),
        nn.Mesh(mesh.triangular(4), seed=6),
        nn.Linear(4, 3, seed=7),
        nn.Intensity(),
    )
    state = torch.load(old / "layers.pt", weights_only=True)
    network.load_state_dict(state)
    assert network[0].experiment.shots == 20
    assert network[0].experiment.chip.seed == 0
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, state[name])
