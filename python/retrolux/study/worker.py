"""What a worker does: one run, whatever becomes of it."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from retrolux.locking import locked
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.epoch import Epoch
from retrolux.study.run_record import Record, run_folder
from retrolux.study.train import resume_run, start_run

if TYPE_CHECKING:
    from retrolux.study.config import TrainConfig

__all__ = ["TOKEN", "compute", "dask_setup"]

TOKEN = ".token"
"""File in a folder of runs by which a worker knows that it sees the disk of the client."""

# Between two states of a run on disk: what is lost at most.
_SAVE_EVERY_S = 5.0


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C to the client, which ends its workers. Called by dask when this module is a preload of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def compute(config: TrainConfig, folder: str, token: str) -> Record:
    """Compute a run, or what is left of it, and return what is to be kept.

    Parameters
    ----------
    config : TrainConfig
        What to compute.
    folder : str
        Folder of runs, as the client sees it. A worker that sees it too leaves config.toml, metrics.csv, last.pt and
        best.pt in the `run_folder` of the run, and goes on from there when it was begun before; one
        on another disk leaves nothing.
    token : str
        What the file TOKEN in it holds.

    Returns
    -------
    Record
        Also of a run that failed, whatever the error.
    """
    try:
        shared = Path(folder, TOKEN).read_text(encoding="utf-8") == token
    except OSError:
        shared = False
    if not shared:
        with tempfile.TemporaryDirectory() as private:
            return _compute(config, Path(private))
    run = run_folder(folder, config)
    with locked(run, wait=True):  # a worker that was given up for dead may still be at it
        return _compute(config, run)


def _compute(config: TrainConfig, folder: Path) -> Record:
    history: list[Epoch] = []
    try:
        begun = (folder / "last.pt").exists()
        if begun:
            try:
                history += (Epoch(**epoch) for epoch in read_checkpoint(folder / "last.pt")["history"])
            except ValueError as error:
                raise ValueError(f"{error}; without that file, the run begins anew") from error
        go = resume_run if begun else start_run
        go(config, folder, progress=history.append, save_every_s=_SAVE_EVERY_S)
    except Exception as error:  # noqa: BLE001 - whatever a run fails of is its result
        diverged = isinstance(error, FloatingPointError)
        text = str(error) if isinstance(error, (ArithmeticError, ValueError, OSError)) else repr(error)
        return Record(config, tuple(history), " ".join(text.split()) or repr(error), lasting=diverged)
    return Record(config, tuple(history))
