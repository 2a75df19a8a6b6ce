"""The search: what it finds, that it goes on where it stopped, and what it learns from failures."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import sqlite3
from functools import partialmethod

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy.orm import Session

from retrolux.study import from_toml
from retrolux.study.run_record import identity, read_record
from retrolux.study.search_driver import run_search
from retrolux.study.search_space import Range, Search, to_toml

SETTINGS = {"dataset": "moons", "epochs": 2, "batch": 200, "meshes": 1, "seed": 3}
SEARCH = Search(settings=SETTINGS, space={"lr": Range(1e-4, 1.0, log=True), "optimizer": ["sgd", "adam"]})


def states(folder):
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'search.db'}")
    try:
        study = optuna.load_study(study_name="retrolux search", storage=storage)
        return [trial.state for trial in study.trials]
    finally:
        storage.remove_session()
        storage.engine.dispose()


@pytest.mark.slow
def test_the_best_is_found_and_kept(tmp_path, in_process):
    seen = []
    trials = run_search(SEARCH, tmp_path, trials=6, progress=lambda ended, total, _: seen.append((ended, total)))
    assert seen == [(ended, 6) for ended in range(7)]
    assert len(in_process) == len(trials) == 6
    assert sorted(trial.error for trial in trials) == [trial.error for trial in trials]
    for trial in trials:
        assert trial.config == SEARCH.config(trial.chosen)
        history = read_record(tmp_path / "runs" / identity(trial.config) / "run.json").history
        assert trial.error == min(epoch.test_error for epoch in history)
    assert from_toml(tmp_path / "best.toml") == trials[0].config
    assert {trial.chosen["optimizer"] for trial in trials} == {"sgd", "adam"}
    rates = sorted(trial.chosen["lr"] for trial in trials)
    assert 1e-4 <= rates[0] < 1e-2 < rates[-1] <= 1


@pytest.mark.slow
def test_the_last_epoch_as_objective(tmp_path, in_process):
    settings = SETTINGS | {"epochs": 6, "batch": 20}
    search = Search(settings=settings, space={"lr": Range(0.1, 1.0)}, objective="last")
    trials = run_search(search, tmp_path, trials=4)
    histories = [read_record(tmp_path / "runs" / identity(trial.config) / "run.json").history for trial in trials]
    assert [trial.error for trial in trials] == [history[-1].test_error for history in histories]
    assert any(history[-1].test_error > min(epoch.test_error for epoch in history) for history in histories)


@pytest.mark.slow
def test_it_goes_on_where_it_stopped(tmp_path, in_process):
    """With the choices of a search that was never stopped, and nothing computed twice."""
    whole = run_search(SEARCH, tmp_path / "whole", trials=13)
    del in_process[:]

    def stop(ended, total, _):
        if ended == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_search(SEARCH, tmp_path / "stopped", trials=13, progress=stop)
    resumed = run_search(SEARCH, tmp_path / "stopped", trials=13, resume=True)
    assert [(trial.number, trial.chosen, trial.error) for trial in resumed] == [
        (trial.number, trial.chosen, trial.error) for trial in whole
    ]
    assert len(in_process) == len(set(map(identity, in_process))) == 13


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.slow
def test_killed_after_any_write_it_makes_the_same_choices(tmp_path, in_process, monkeypatch):
    """Nothing is trained twice here: all runs are those of the search that was never stopped."""
    writes = []

    def commit(session, stop_after=0, commit=Session.commit):
        commit(session)
        writes.append(session)
        if len(writes) == stop_after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", commit)
        whole = run_search(SEARCH, tmp_path / "whole", trials=11)  # the last one is past the random choices
    for moment in (2, 8, 9, 10, 11, len(writes) - 3, len(writes) - 1):
        folder = tmp_path / f"stopped {moment}"
        shutil.copytree(tmp_path / "whole" / "runs", folder / "runs")
        del writes[:]
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(Session, "commit", partialmethod(commit, stop_after=moment))
            run_search(SEARCH, folder, trials=11)
        assert len(writes) == moment
        resumed = run_search(SEARCH, folder, trials=11, resume=True)
        assert [(trial.number, trial.chosen, trial.error) for trial in resumed] == [
            (trial.number, trial.chosen, trial.error) for trial in whole
        ]


@pytest.mark.parametrize("name", ["a?b", "100%25", "file:x#y", "ä é"])
def test_the_database_is_in_the_folder_whatever_it_is_called(tmp_path, in_process, name):
    run_search(SEARCH, tmp_path / name, trials=1)
    assert (tmp_path / name / "search.db").stat().st_size > 0
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert len(run_search(SEARCH, tmp_path / name, trials=2, resume=True)) == 2


def test_a_database_that_cannot_be_written_is_named(tmp_path, in_process):
    (tmp_path / "search.db").mkdir()  # in the way
    with pytest.raises(OSError, match=r"search\.db cannot be read or written: unable to open database file$"):
        run_search(SEARCH, tmp_path, trials=1)


@pytest.mark.slow
def test_a_search_may_grow_but_not_change(tmp_path, in_process):
    run_search(SEARCH, tmp_path, trials=2)
    assert len(run_search(SEARCH, tmp_path, trials=3, resume=True)) == 3
    assert len(run_search(SEARCH, tmp_path, trials=1, resume=True)) == 3
    assert len(in_process) == 3
    with pytest.raises(FileExistsError, match=r"already holds a search: continue it with --resume or choose another"):
        run_search(SEARCH, tmp_path, trials=4)
    other = dataclasses.replace(SEARCH, objective="last")
    with pytest.raises(ValueError, match=r"holds another search: continue it as it was begun or choose another --out$"):
        run_search(other, tmp_path, trials=4, resume=True)


def test_choices_that_are_equal_are_one_run(tmp_path, in_process):
    trials = run_search(Search(settings=SETTINGS, space={"optimizer": ["sgd", "adam"]}), tmp_path, trials=5)
    assert len(trials) == 5
    assert len(in_process) == 2


@pytest.mark.slow
def test_failures_are_told_apart(tmp_path, in_process):
    space = {"lr": [0.01, 1e38], "topology": ["triangular", "butterfly"], "optimizer": ["sgd"]}
    settings = SETTINGS | {"dataset": "digits", "modes": 12, "epochs": 1, "batch": 1000}
    trials = run_search(Search(settings=settings, space=space), tmp_path, trials=12)
    found = dict(zip(range(12), states(tmp_path), strict=True))
    assert set(found.values()) == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert {n for n, state in found.items() if state == TrialState.COMPLETE} == {trial.number for trial in trials}
    assert {(trial.chosen["lr"], trial.chosen["topology"]) for trial in trials} == {(0.01, "triangular")}


def test_without_success_there_is_no_best(tmp_path, in_process):
    hopeless = Search(settings=SETTINGS | {"optimizer": "sgd"}, space={"lr": [1e38, 2e38]})
    with pytest.raises(ValueError, match=r"^none of 2 trials went well; their errors are in .*runs/\*/run.json$"):
        run_search(hopeless, tmp_path, trials=2)
    assert not (tmp_path / "best.toml").exists()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The files of a search of which one trial was killed at once."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "search.toml").write_text(to_toml(SEARCH))
    study = optuna.create_study(storage=f"sqlite:///{folder / 'search.db'}", study_name="retrolux search")
    distributions = {
        "lr": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
        "optimizer": optuna.distributions.CategoricalDistribution(["sgd", "adam"]),
    }
    for value in (0.25, 0.125, None):
        trial = study.ask(distributions)
        if value is not None:
            study.tell(trial, value)
    return folder / "search.db"


def refused(database, folder, change):
    """Return why a search does not go on with a database in which something was changed."""
    (folder / "search.toml").write_text(to_toml(SEARCH))
    content = change(database.read_bytes()) if callable(change) else database.read_bytes()
    (folder / "search.db").write_bytes(content)
    if isinstance(change, str):
        with contextlib.closing(sqlite3.connect(folder / "search.db")) as connection, connection:
            connection.execute(change)
    with pytest.raises(ValueError, match=r"search.db is not the record of this search: .+") as error:
        run_search(SEARCH, folder, trials=4, resume=True)
    assert "\n" not in str(error.value)
    return str(error.value).partition("this search: ")[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"PK" + content[2:], "file is not a database"),
        (lambda content: content[:8192] + bytes(4096) + content[12288:], "malformed|damaged"),
        ("DROP TABLE trials", "it must have studies, .*, got no trials"),
        ("DELETE FROM version_info", "it must have one row in version_info"),
        ("CREATE VIEW v AS SELECT 1", "it must hold tables alone, got the view 'v'"),
        ("CREATE TRIGGER t AFTER INSERT ON trials BEGIN DELETE FROM trials; END", "got the trigger 't'"),
        ("UPDATE studies SET study_name = 'another'", "it must hold one study, 'retrolux search'"),
        ("UPDATE trials SET number = number + 1", "its trials must be numbered 0, 1, 2, …, got 1 after 0"),
        ("UPDATE trials SET state = 'ASLEEP'", "'ASLEEP' is not among the defined enum values"),
        ("UPDATE trial_values SET value = 1.5", "trial 0 must have a test error from 0 to 1, got 1.5"),
        ("DELETE FROM trial_params WHERE param_name = 'lr'", "trial 0 must choose lr, optimizer"),
        ("UPDATE trial_params SET distribution_json = '{}'", "KeyError 'type'"),
        (
            "UPDATE trial_params SET param_value = 'x' WHERE param_name = 'lr'",
            "choose lr from FloatDistribution.*, got 'x'",
        ),
    ],
)
def test_a_damaged_or_foreign_database_is_refused(database, tmp_path, in_process, change, message):
    assert re.search(message, refused(database, tmp_path, change))
    assert not in_process


def test_a_database_of_other_choices_is_refused(database, tmp_path, in_process):
    (tmp_path / "search.db").write_bytes(database.read_bytes())
    other = dataclasses.replace(SEARCH, space={"lr": Range(1e-3, 1.0, log=True), "optimizer": ["sgd", "adam"]})
    (tmp_path / "search.toml").write_text(to_toml(other))
    with pytest.raises(ValueError, match=r"this search: trial 0 must choose lr, optimizer, got lr$"):
        run_search(other, tmp_path, trials=4, resume=True)


def test_a_search_that_was_killed_at_once_begins_again(tmp_path, in_process):
    (tmp_path / "search.toml").write_text(to_toml(SEARCH))
    (tmp_path / "search.db").write_bytes(b"")
    assert len(run_search(SEARCH, tmp_path, trials=1, resume=True)) == 1


def test_the_search_goes_on_with_a_whole_database(database, tmp_path, in_process):
    (tmp_path / "search.toml").write_text(to_toml(SEARCH))
    (tmp_path / "search.db").write_bytes(database.read_bytes())
    assert len(run_search(SEARCH, tmp_path, trials=3, resume=True)) == 3
    assert len(in_process) == 1


def test_trials_and_resume_are_checked_first(tmp_path):
    with pytest.raises(ValueError, match=r"^trials must be at least 1, got 0$"):
        run_search(SEARCH, tmp_path, trials=0)
    with pytest.raises(FileNotFoundError, match=r"holds no search to resume: there is no search.toml$"):
        run_search(SEARCH, tmp_path, trials=1, resume=True)
    assert not list(tmp_path.iterdir())
