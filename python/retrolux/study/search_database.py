"""The database in which Optuna keeps a search, and what must hold of it."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from retrolux.reading import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from optuna.distributions import BaseDistribution

__all__ = ["NAME", "check_database", "open_storage"]

NAME = "retrolux search"
"""Of the study in the database."""

_TABLES = ("studies", "study_directions", "trials", "trial_params", "trial_values", "version_info")
_LARGEST = 2**30
_SECONDS = 60


@contextlib.contextmanager
def open_storage(file: Path) -> Iterator[RDBStorage]:
    """Yield the storage that a file of SQLite is, which is made when it does not exist.

    Raises
    ------
    OSError
        When the file cannot be read or written, whenever that happens.
    """
    # Not by a URL, in which a ? or a % of the path would mean something else.
    connect = partial(sqlite3.connect, file, check_same_thread=False)
    with contextlib.ExitStack() as closed:
        try:
            storage = RDBStorage("sqlite:///", engine_kwargs={"creator": connect})
            closed.callback(storage.engine.dispose)
            closed.callback(storage.remove_session)
            yield storage
        except (StorageInternalError, SQLAlchemyError) as error:
            raise OSError(f"{file} cannot be read or written: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return what SQLite said, for those around it say much more."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0]


def check_database(file: Path, distributions: Mapping[str, BaseDistribution]) -> None:
    """Check that a file is the database of a search with these choices, if it is there.

    Raises
    ------
    ValueError
        When it is damaged, too large, or a trial in it is not one of this search; says which.
    """
    if not file.exists():
        return
    try:
        if _has_study(file):
            _check_trials(file, distributions)
    except Exception as error:  # whatever SQLite, SQLAlchemy and Optuna raise on what is not theirs
        reason = " ".join(str(error).partition("\n")[0].split())
        told = reason if isinstance(error, ValueError) else f"{type(error).__name__} {reason}"
        raise ValueError(f"{file} is not the record of this search: {told}") from error


def _has_study(file: Path) -> bool:
    """Return whether the search has begun, after a check of the pages and tables of its database.

    It consists of tables: a view or a trigger may compute for ever. A search that was killed at once has none.
    """
    if not file.is_file() or file.stat().st_size > _LARGEST:
        raise ValueError(f"it must be a file of at most {_LARGEST} bytes")
    end = time.monotonic() + _SECONDS
    # Not read-only, which would not see what a killed process has left in the journal.
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.set_progress_handler(lambda: int(time.monotonic() > end), 100_000)
        found = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            raise ValueError(f"it is damaged: {' '.join(str(found).split())}")
        others = database.execute(
            "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE '%VIRTUAL%'"
        ).fetchone()
        if others is not None:
            raise ValueError(f"it must hold tables alone, got the {others[0]} {others[1]!r}")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "studies" not in tables or database.execute("SELECT 1 FROM studies").fetchone() is None:
            return False
        missing = [name for name in _TABLES if name not in tables]
        if missing:
            raise ValueError(f"it must have {', '.join(_TABLES)}, got no {missing[0]}")
        if database.execute("SELECT count(*) FROM version_info").fetchone() != (1,):
            raise ValueError("it must have one row in version_info")
    return True


def _check_trials(file: Path, distributions: Mapping[str, BaseDistribution]) -> None:
    with open_storage(file) as storage:
        names = optuna.study.get_all_study_names(storage)
        if names != [NAME]:
            raise ValueError(f"it must hold one study, {NAME!r}, got {shown(names)}")
        study = optuna.load_study(study_name=NAME, storage=storage)
        if [direction.name for direction in study.directions] != ["MINIMIZE"]:
            raise ValueError("its study must minimise one number")
        for number, trial in enumerate(study.get_trials(deepcopy=False)):
            if trial.number != number:
                raise ValueError(f"its trials must be numbered 0, 1, 2, …, got {trial.number} after {number}")
            for name, value in trial.params.items():
                distribution = distributions.get(name)
                if trial.distributions[name] != distribution:
                    raise ValueError(f"trial {number} must choose {', '.join(distributions)}, got {name}")
                if not _is_choice(value, distribution):
                    raise ValueError(f"trial {number} must choose {name} from {distribution}, got {shown(value)}")
            if trial.state == TrialState.COMPLETE:
                if trial.params.keys() != distributions.keys():
                    raise ValueError(f"trial {number} must choose {', '.join(distributions)}")
                if trial.value is None or not 0 <= trial.value <= 1 or math.isnan(trial.value):
                    raise ValueError(f"trial {number} must have a test error from 0 to 1, got {trial.value}")


def _is_choice(value: object, distribution: BaseDistribution) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return True  # Optuna keeps the place in the list, and has found it
    if isinstance(distribution, IntDistribution):
        return type(value) is int and distribution.low <= value <= distribution.high
    return (
        isinstance(distribution, FloatDistribution)
        and type(value) is float
        and distribution.low <= value <= distribution.high
    )
