"""The studies: the runs they are made of, and the frame that holds them."""

from __future__ import annotations

import dataclasses

import pytest

from retrolux.data import PLANAR
from retrolux.study.presets import STUDIES, Study
from retrolux.study.run_record import identity


@pytest.fixture(params=STUDIES.values(), ids=list(STUDIES))
def study(request):
    return request.param


def test_the_frame_holds_every_run(study):
    framed = {identity(config) for config in study.whole.configs}
    assert {identity(config) for config in study.configs} <= framed


@pytest.mark.parametrize("epochs", [None, 0, 7])
def test_every_planar_task_is_trained_with_and_without_errors(study, epochs):
    if epochs is not None:
        study = dataclasses.replace(study, planar_epochs=epochs)
    tasks = PLANAR if study.planar_epochs else ()
    assert list(study.planar) == [(task, gradient) for task in tasks for gradient in ("exact", "measured")]
    for (task, gradient), config in study.planar.items():
        assert config.epochs == study.planar_epochs
        assert config.dataset == task
        assert config.method == {"exact": None, "measured": "three_measurement"}[gradient]


def test_paper_is_the_published_grid():
    paper = STUDIES["paper"]
    assert len({identity(config) for config in paper.configs}) == 144
    assert paper.whole.lists == {
        "io_amplitude_std": (0.0, 0.025, 0.05),
        "io_phase_std": (0.0, 0.025, 0.05),
        "loss_db_std": (0.0, 0.05),
        "tap_noise": (0.0, 0.005, 0.01, 0.02),
        "optimizer": ("adam", "sgd"),
    }
    for config in paper.configs:
        assert (config.dataset, config.modes, config.meshes, config.topology) == ("mnist", 64, 2, "triangular")
        assert (config.batch, config.epochs, config.loss) == (600, 100, "cross_entropy")
        assert config.lr == {"adam": 0.005, "sgd": 0.05}[config.optimizer]


def test_paper_takes_over_the_rows_that_it_has():
    paper, rows = ({identity(config) for config in STUDIES[name].configs} for name in ("paper", "rows"))
    assert len(rows) == 36
    assert len(paper & rows) == 18


def test_rows_have_one_error_each():
    for config in STUDIES["rows"].configs:
        assert sum(value != 0 for value in vars(config.imperfections).values() if value is not None) <= 2
        assert vars(config.imperfections)["crosstalk_range"] == 3.0  # the other one


def test_a_frame_has_the_settings_where_a_grid_says_nothing():
    study = Study(
        name="mine",
        about="",
        settings={"modes": 32},
        grids=({"tap_noise": (0.2, 0.1)}, {"modes": (16, 64)}),
        planar_epochs=0,
    )
    assert study.whole.lists == {"tap_noise": (0.0, 0.1, 0.2), "modes": (16, 32, 64)}
    assert [(config.modes, config.imperfections.tap_noise) for config in study.configs] == [
        (32, 0.2),
        (32, 0.1),
        (16, 0.0),
        (64, 0.0),
    ]
    assert study.planar == {}
