"""Small runs: the moons, a few epochs, one thread."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import replace
from pathlib import Path

import pytest

from retrolux.study import TrainConfig
from retrolux.study.run_record import run_folder, write_record
from retrolux.study.worker import TOKEN, compute


@pytest.fixture
def tiny():
    return replace(TrainConfig.recommended("moons"), epochs=4, batch=100, meshes=2)


@pytest.fixture
def read_metrics():
    """Return a function: the rows of a metrics.csv as text, without the wall time."""

    def read(folder):
        with (folder / "metrics.csv").open(newline="") as file:
            return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]

    return read


@pytest.fixture
def in_process(monkeypatch):
    """Have runs computed here, one after the other, as soon as they are started: no cluster. Return their list."""
    computed = []

    class Pool:
        workers = 1

        def __init__(self, folder):
            self.folder, self.records = Path(folder), []

        def start(self, config):
            computed.append(config)
            self.records.append(compute(config, str(self.folder), "here"))

        def ends(self):
            while self.records:
                record = self.records.pop(0)
                write_record(run_folder(self.folder, record.config) / "run.json", record)
                yield record

    @contextlib.contextmanager
    def pool(folder, **_):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, TOKEN).write_text("here")
        yield Pool(folder)

    monkeypatch.setattr("retrolux.study.cluster.pool", pool)
    monkeypatch.setattr("retrolux.study.search_driver.pool", pool)
    return computed
