"""The files of a run, and when they are written."""

from __future__ import annotations

import copy
import csv
import dataclasses
import io
import time
from typing import TYPE_CHECKING, Any

from retrolux.atomic import write_atomically
from retrolux.study.checkpoint import write_checkpoint
from retrolux.study.epoch import Epoch

if TYPE_CHECKING:
    from retrolux.study.run import Run

__all__ = ["Saver", "write_metrics"]


class Saver:
    """Writes the state of a run to its folder: at its start, at its end, and in between as often as wanted.

    Parameters
    ----------
    every_s : float
        Least time from one write to the next (s); 0 writes after every epoch.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due = time.monotonic() + every_s
        self._best: dict[str, Any] | None = None

    def epoch_done(self, run: Run) -> None:
        """Write what is due after an epoch, or at the start of a run.

        last.pt is written after best.pt, so that every epoch it holds is on disk.
        """
        best = bool(run.history) and run.best is run.history[-1]
        due = len(run.history) in {0, run.config.epochs} or time.monotonic() >= self._due
        if best:
            self._best = _state(run) if due else copy.deepcopy(_state(run))  # the next epochs change its tensors
        if not due:
            return
        if self._best is not None:
            write_checkpoint(run.folder / "best.pt", self._best)
            self._best = None
        write_checkpoint(run.folder / "last.pt", _state(run))
        write_metrics(run)
        self._due = time.monotonic() + self._every_s


def _state(run: Run) -> dict[str, Any]:
    return {
        "config": dataclasses.asdict(run.config),
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "history": [dataclasses.asdict(epoch) for epoch in run.history],
    }


def write_metrics(run: Run) -> None:
    """Write metrics.csv: one row per epoch, one column per field of `Epoch`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in dataclasses.fields(Epoch))
    table.writerows(dataclasses.astuple(epoch) for epoch in run.history)
    write_atomically(run.folder / "metrics.csv", text.getvalue().encode())
