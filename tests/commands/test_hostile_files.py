"""Files that a user may hand in, damaged or hostile: every command says what is wrong in one line, and does nothing."""

from __future__ import annotations

import dataclasses

import optuna
import pytest
import torch

from retrolux.cli import main
from retrolux.study import TrainConfig, start_run
from retrolux.study.checkpoint import write_checkpoint
from retrolux.study.results import collect, write_results
from retrolux.study.search_space import Range, Search, to_toml
from retrolux.study.sweep_grid import Sweep

NESTED = "lr = " + "[" * 3000
DOTTED = "a" + ".a" * 50_000 + " = 1"
DIGITS = "seed = " + "1" * 5000


def said(capsys, *arguments):
    """Return the line that a command ends with."""
    assert main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("retrolux: ")
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 1000
    return captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--config"),
        ("train", "--chip"),
        ("sweep", "--config"),
        ("search", "--config"),
        ("energy", "--device"),
        ("study", "--device"),
    ],
)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (NESTED, "nested at most 32 deep"),
        (DOTTED, "at most 32 parts"),
        (DIGITS, "at most 64 digits"),
        (b"\xff\xfe", "is not text in UTF-8"),
        ("x" * 2**21, "is too large: expected at most 1048576 bytes"),
    ],
    ids=["nested", "dotted", "digits", "bytes", "large"],
)
def test_settings(tmp_path, capsys, arguments, content, message):
    file = tmp_path / "mine.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = said(capsys, *arguments, file, *(() if arguments[0] == "study" else ("--out", tmp_path / "out")))
    assert message in line
    assert line.startswith(f"retrolux: {file}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["train", "sweep", "search", "energy"])
def test_settings_without_end(capsys, command):
    option = "--device" if command == "energy" else "--config"
    assert "/dev/zero is too large: expected at most 1048576 bytes" in said(capsys, command, option, "/dev/zero")


def test_a_result(tmp_path, capsys):
    file = tmp_path / "results.nc"
    write_results(collect(Sweep(lists={"tap_noise": [0.0, 0.1]}), {}), file)
    whole = file.read_bytes()
    file.write_bytes(whole[:872] + bytes(508) + whole[1380:])
    assert f"{file} is not a NetCDF file: it is damaged: its checksum is that of other" in said(capsys, "report", file)
    results = collect(Sweep(lists={"tap_noise": [0.0, 0.1]}), {})
    write_results(results.assign_attrs(versions="[" * 3000), file)
    assert f"{file} is not the result of a sweep: the attribute versions is not JSON" in said(capsys, "report", file)
    assert [path.name for path in tmp_path.iterdir()] == ["results.nc"]


def test_a_checkpoint(tmp_path, capsys):
    config = dataclasses.replace(TrainConfig.recommended("moons"), epochs=1, batch=400, meshes=1)
    start_run(config, tmp_path / "run")
    contents = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    contents["optimizer"]["state"][0]["exp_avg"] = torch.zeros(7)
    contents["network"]["meshes.0.phi"] = "phases"
    del contents["format"]
    for name in ("last.pt", "best.pt"):
        write_checkpoint(tmp_path / "run" / name, contents)
    wrong = "is not a checkpoint of retrolux train: network: meshes.0.phi must be torch.float32 of shape (6,), got str"
    assert wrong in said(capsys, "train", "--resume", "--out", tmp_path / "run", "--epochs", 2)
    assert wrong in said(capsys, "energy", "--checkpoint", tmp_path / "run" / "best.pt", "--out", tmp_path / "out")


def test_the_database_of_a_search(tmp_path, capsys):
    search = Search(settings={"dataset": "moons", "epochs": 1}, space={"lr": Range(0.01, 0.1)})
    (tmp_path / "search.toml").write_text(to_toml(search))
    optuna.create_study(storage=f"sqlite:///{tmp_path / 'search.db'}", study_name="another").ask()
    line = said(capsys, "search", "--resume", "--out", tmp_path, "--trials", 1)
    assert "search.db is not the record of this search: it must hold one study, 'retrolux search'" in line
    (tmp_path / "search.db").write_bytes(b"PK" * 5000)
    line = said(capsys, "search", "--resume", "--out", tmp_path, "--trials", 1)
    assert "search.db is not the record of this search: DatabaseError file is not a database" in line
    assert not (tmp_path / "runs").exists()
