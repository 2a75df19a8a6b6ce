"""Records of runs: what makes two runs the same, and files that are not records."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from retrolux.hardware import Imperfections
from retrolux.option import option
from retrolux.study import Epoch, TrainConfig
from retrolux.study.epoch import epochs_from
from retrolux.study.run_record import Record, identity, read_record, run_folder, write_record

CONFIG = replace(TrainConfig(), epochs=2, imperfections=Imperfections(tap_noise=0.1, phase_bits=8))
EPOCH = Epoch(1, 0.5, 0.25, 0.125, 1 / 3, 0.9, 0.8, 100, 1.5)


def test_round_trip(tmp_path):
    record = Record(CONFIG, (EPOCH, replace(EPOCH, epoch=2)), "the disk was full", lasting=False)
    write_record(tmp_path / "deep" / "run.json", record)
    assert read_record(tmp_path / "deep" / "run.json") == record


def test_numbers_that_are_none_come_back(tmp_path):
    write_record(tmp_path / "run.json", Record(CONFIG, (replace(EPOCH, gradient_cosine=math.nan),)))
    assert math.isnan(read_record(tmp_path / "run.json").history[0].gradient_cosine)


@pytest.mark.parametrize("change", [{"lr": 0.02}, {"epochs": 3}, {"seed": 1}, {"imperfections": Imperfections()}])
def test_another_computation_is_another_run(change):
    assert identity(replace(CONFIG, **change)) != identity(CONFIG)


@dataclass(frozen=True, kw_only=True)
class NewerFlaws(Imperfections):
    theta_gain_std: float = option(0.0, since="0.2.0")


@dataclass(frozen=True, kw_only=True)
class NewerConfig(TrainConfig):
    clip: float = option(0.0, since="0.2.0")


def newer(config, clip=0.0, theta_gain_std=0.0):
    """Return a configuration in a version with two more options."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    imperfections = NewerFlaws(**vars(config.imperfections), theta_gain_std=theta_gain_std)
    return NewerConfig(**values | {"imperfections": imperfections}, clip=clip)


def test_an_option_that_is_added_changes_no_run_that_leaves_it_alone():
    for config in (TrainConfig(), CONFIG):
        assert identity(newer(config)) == identity(config)
        assert identity(newer(config, clip=1.0)) != identity(config)
        assert identity(newer(config, theta_gain_std=0.1)) not in {identity(config), identity(newer(config, clip=0.1))}


@dataclass(frozen=True)
class NewerEpoch(Epoch):
    energy: float = math.inf


def test_epochs_from_before_a_quantity_have_its_default(monkeypatch):
    monkeypatch.setattr("retrolux.study.epoch.Epoch", NewerEpoch)
    assert epochs_from([vars(EPOCH)]) == (NewerEpoch(**vars(EPOCH)),)
    with pytest.raises(ValueError, match=r"^history: epoch 1 must have epoch, train_loss, "):
        epochs_from([{name: value for name, value in vars(EPOCH).items() if name != "shots"}])


def test_runs_of_0_1_0_are_found_where_they_are():
    runs = Path(__file__).parents[1] / "saved" / "0.1.0" / "sweep" / "runs"
    for folder in runs.iterdir():
        config = read_record(folder / "run.json").config
        assert run_folder(runs, config) == run_folder(runs, newer(config)) == folder
        assert folder.name != identity(config)
        for other in (newer(config, clip=1.0), newer(config, theta_gain_std=0.1), replace(config, lr=0.5)):
            assert run_folder(runs, other) == runs / identity(other)


def test_where_and_how_fast_does_not_matter():
    assert identity(replace(CONFIG, threads=4, data_dir="elsewhere")) == identity(CONFIG)
    assert identity(replace(CONFIG, lr=1)) == identity(replace(CONFIG, lr=1.0))


WRONG = {
    "nested": ("[" * 3000, "brackets must be nested at most 32 deep"),
    "digits": ('{"format": ' + "9" * 5000 + "}", "a number must have at most 64 digits"),
    "no field": ({"lasting": None, "more": 1}, "it must have config, failure, format, history, lasting"),
    "failure": ({"failure": 3}, "failure must be a str, got 3"),
    "history": ({"history": 3}, "history must be a list of epochs, got a int"),
    "an epoch": ({"history": [3]}, "history: epoch 1 must have epoch, train_loss"),
    "the order": (
        {"history": [vars(replace(EPOCH, epoch=2))]},
        "history must hold the epochs 1, 2, .*, got 2 as number 1",
    ),
    "a text": (
        {"history": [vars(EPOCH) | {"shots": "x"}]},
        "history: epoch 1: shots is no int that it can be, got 'x'",
    ),
    "a table": (
        {"history": [vars(EPOCH) | {"shots": {}}]},
        "history: epoch 1: shots is no int that it can be, got a dict",
    ),
    "an error": ({"history": [vars(EPOCH) | {"test_error": 1.5}]}, "test_error is no float that it can be, got 1.5"),
    "too long": ({"history": [vars(replace(EPOCH, epoch=k)) for k in (1, 2, 3)]}, "history must have at most 2 epochs"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(tmp_path, change, message):
    path = tmp_path / "run.json"
    write_record(path, Record(CONFIG, (EPOCH,)))
    path.write_text(change if isinstance(change, str) else json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"run.json is not the record of a run, delete it .*: {message}"):
        read_record(path)


@pytest.mark.parametrize("change", ["truncated", "format", "epoch", "config", "list"])
def test_damage_is_named(tmp_path, change):
    path = tmp_path / "run.json"
    write_record(path, Record(CONFIG, (EPOCH,)))
    values = json.loads(path.read_text())
    if change == "format":
        values["format"] = "retrolux run 0"
    elif change == "epoch":
        del values["history"][0]["shots"]
    elif change == "config":
        values["config"]["modes"] = 1
    elif change == "list":
        values = [values]
    path.write_text(json.dumps(values)[: 100 if change == "truncated" else None])
    with pytest.raises(ValueError, match=r"run.json is not the record of a run, delete it to compute the run again: "):
        read_record(path)


def test_runs_keep_their_names(tmp_path):
    """Another hash loses every run, and a default that changes takes older runs for new ones: let _IDENTITY grow."""
    assert identity(TrainConfig()) == "3da2733d93b95441"
    assert identity(TrainConfig(dataset="moons", modes=4, lr=0.5)) == "97bab3859fabb13a"
    defaults = "322ad49a6cdbdaa7"  # 0.1.0 has hashed all options
    (tmp_path / defaults).mkdir()
    assert run_folder(tmp_path, TrainConfig()) == tmp_path / defaults
