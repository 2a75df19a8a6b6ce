"""Small runs: the moons, a few epochs, one thread."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from retrolux.study import TrainConfig


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
