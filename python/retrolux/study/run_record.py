"""Finished runs on disk: one record each, found again by what it computed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrolux.atomic import write_atomically
from retrolux.reading import parse_json, read_text, shown
from retrolux.study.config import TrainConfig, from_dict
from retrolux.study.epoch import Epoch, epochs_from

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Record", "identity", "read_record", "write_record"]

_FORMAT = "retrolux run 1"
_LARGEST = 64 * 2**20

# What says where and how fast a run computes, not what.
_NOT_COMPUTED = ("threads", "data_dir")


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
    """Return 16 hexadecimal digits that stand for what a run computes: a hash of every option that decides it."""
    values = {name: value for name, value in dataclasses.asdict(config).items() if name not in _NOT_COMPUTED}
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
    config = from_dict(values["config"])
    if len(history) > config.epochs:
        raise ValueError(f"history must have at most {config.epochs} epochs, got {len(history)}")
    return Record(config, history, values["failure"], values["lasting"])
