"""The database in which Optuna keeps a search."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["open_storage"]


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
