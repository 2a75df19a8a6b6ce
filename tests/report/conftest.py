"""A study that was never run: runs with made-up curves, real costs and laws, untrained planar networks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retrolux.report import write_report
from retrolux.report.view import SweepView
from retrolux.study import Network, Study
from retrolux.study.epoch import Epoch
from retrolux.study.law_measurement import measure_laws
from retrolux.study.planar import map_decisions
from retrolux.study.results import collect, write_results
from retrolux.study.run_record import Record, identity
from retrolux.study.tradeoff import with_costs

EPOCHS = 4
STUDY = Study(
    name="made up",
    about="Nothing was trained.",
    settings={"dataset": "mnist", "optimizer": "sgd", "epochs": EPOCHS, "gradient": "three_measurement"},
    grids=(
        {"modes": (16, 64), "tap_noise": (0.0, 0.01, 0.1)},
        {"gradient": ("three_measurement", "sum_difference"), "io_phase_std": (0.0, 0.05)},
    ),
    seeds=(0, 1),
)


def made_up_error(config, epoch):
    """Falls with modes and epochs, grows with noise, and with phase errors where three measurements are taken."""
    imperfections = config.imperfections
    phases = imperfections.io_phase_std * (1.0 if config.gradient == "three_measurement" else 0.1)
    return (1 / config.modes + imperfections.tap_noise / 10 + phases) * (1 + 0.1 * config.seed) * (1 + 1 / epoch)


def record(config):
    history = tuple(
        Epoch(
            epoch=epoch,
            train_loss=1.0,
            train_error=0.1,
            test_loss=1.0,
            test_error=made_up_error(config, epoch),
            gradient_cosine=1 - config.imperfections.tap_noise,
            gradient_cosine_small=0.9,
            shots=1000 * epoch,
            seconds=1.0,
        )
        for epoch in range(1, EPOCHS + 1)
    )
    return Record(config, history)


@pytest.fixture(scope="session")
def sweep_results():
    """What a sweep leaves: two runs of it have failed."""
    records = {identity(config): record(config) for config in STUDY.configs}
    failing = next(c for c in STUDY.configs if c.imperfections.io_phase_std and c.gradient == "sum_difference")
    for seed in (0, 1):
        failed = replace(failing, seed=seed, chip_seed=seed)
        records[identity(failed)] = Record(failed, (), "diverged <b>here</b>")
    return collect(STUDY.whole, records)


@pytest.fixture(scope="session")
def results(sweep_results):
    networks = {key: Network(config).eval() for key, config in STUDY.planar.items() if key[1] == "exact"}
    laws = measure_laws(modes=(4, 16), tap_noise=(0.01, 0.02), loss_db_std=(0.02,), effort=16)
    whole = with_costs(sweep_results).merge(laws).merge(map_decisions(networks))
    return whole.assign_attrs(study=json.dumps({"name": STUDY.name, "about": STUDY.about}))


@pytest.fixture(scope="session")
def view(results):
    return SweepView(results)


@pytest.fixture(scope="session")
def report(results, tmp_path_factory):
    """The folder of a report, with the result beside it."""
    folder = tmp_path_factory.mktemp("report")
    write_results(results, folder / "results.nc")
    write_report(results, folder)
    return folder
