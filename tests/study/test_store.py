"""Records of runs: what makes two runs the same, and files that are not records."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from retrolux.hardware import Imperfections
from retrolux.study import Epoch, TrainConfig
from retrolux.study.store import Record, identity, read_record, write_record

CONFIG = replace(TrainConfig(), epochs=2, imperfections=Imperfections(tap_noise=0.1, phase_bits=8))
EPOCH = Epoch(1, 0.5, 0.25, 0.125, 1 / 3, 0.9, math.inf, 100, 1.5)


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


def test_where_and_how_fast_does_not_matter():
    assert identity(replace(CONFIG, threads=4, data_dir="elsewhere")) == identity(CONFIG)
    assert identity(replace(CONFIG, lr=1)) == identity(replace(CONFIG, lr=1.0))


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
