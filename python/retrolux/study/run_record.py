"""Finished runs on disk: one record each, found again by what it computed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrolux.atomic import write_atomically
from retrolux.option import options_of
from retrolux.reading import parse_json, read_text, shown
from retrolux.study.config import TrainConfig, changed, from_saved
from retrolux.study.epoch import Epoch, epochs_from

if TYPE_CHECKING:
    import os

__all__ = ["Record", "identity", "read_record", "run_folder", "write_record"]

_FORMAT = "retrolux run 1"
_LARGEST = 64 * 2**20

# Grows when a default changes: the identity of a run leaves out what has its default.
_IDENTITY = 2


@dataclass(frozen=True)
class Record:
    """What is kept of a run that has ended.

    Attributes
    ----------
    config : TrainConfig
        What it computed.
    history : tuple of Epoch
        The epochs that are done; all of them, unless it failed.
    failure : str
        The error it ended with; empty where it went well.
    lasting : bool
        Whether the same configuration would end in the same way again: a run that diverged would, one whose disk was
        full would not.
    """

    config: TrainConfig
    history: tuple[Epoch, ...]
    failure: str = ""
    lasting: bool = True


def identity(config: TrainConfig) -> str:
    """Return 16 hexadecimal digits that stand for what a run computes: a hash of what differs from the defaults.

    So an option that is added changes the identity of no run that leaves it alone.
    """
    return _hash({"format": _IDENTITY, **changed(config)})


def run_folder(runs: str | os.PathLike[str], config: TrainConfig) -> Path:
    """Return the folder of a run among others: named by its identity, or as 0.1.0 has named it, if it has."""
    older = _identity_in_0_1_0(config)
    if older is not None and Path(runs, older).is_dir():
        return Path(runs, older)
    return Path(runs, identity(config))


def _identity_in_0_1_0(config: TrainConfig) -> str | None:
    """Return what 0.1.0 called a run: a hash of every option it had; None of a run that it could not compute."""
    settings, imperfections = (
        {name: getattr(part, name) for name, of in options_of(type(part)).items() if of.decides and of.since == "0.1.0"}
        for part in (config, config.imperfections)
    )
    if not changed(config).keys() <= settings.keys() | imperfections.keys():
        return None
    return _hash({**settings, "imperfections": imperfections})


def _hash(values: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON: whole, or not at all.

    Raises
    ------
    OSError
        When the folder cannot be written to.
    """
    text = json.dumps({"format": _FORMAT, **dataclasses.asdict(record)}, indent=1)
    write_atomically(path, text.encode())


def read_record(path: Path) -> Record:
    """Read what `write_record` wrote.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not a record of a run.
    """
    try:
        return _record(parse_json(read_text(path, _LARGEST), _LARGEST))
    except ValueError as error:
        raise ValueError(f"{path} is not the record of a run, delete it to compute the run again: {error}") from None


def _record(values: object) -> Record:
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise ValueError(f"its format is not {_FORMAT!r}")
    names = {"format", *(field.name for field in dataclasses.fields(Record))}
    if values.keys() != names:
        raise ValueError(
            f"it must have {', '.join(sorted(names))}, got {shown(', '.join(sorted(values)), quote=False)}"
        )
    for name, kind in (("config", dict), ("failure", str), ("lasting", bool)):
        if not isinstance(values[name], kind):
            raise ValueError(f"{name} must be a {kind.__name__}, got {shown(values[name])}")
    history = epochs_from(values["history"])
    config = from_saved(values["config"])
    if len(history) > config.epochs:
        raise ValueError(f"history must have at most {config.epochs} epochs, got {len(history)}")
    return Record(config, history, values["failure"], values["lasting"])
