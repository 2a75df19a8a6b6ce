"""One sitting: each contender builds the case and shows that it computes the right thing; then all take turns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from _contenders import ContenderError
from _results import TOO_SLOW, Readings, Sitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from _cases import Case
    from _process import Process

__all__ = ["Limits", "measure"]

_LEAST_ROUNDS = 3
# What ran before may spin for a moment, in the hope of more work.
_PAUSE_S = 20e-3


@dataclass(frozen=True)
class Limits:
    """What a contender may take [s]."""

    seconds: float
    """For its readings in one sitting, beyond the least number of rounds."""
    call: float
    """For one call."""
    setup: float
    """For building, for its first two calls with what they compile, and for the check."""


def measure(
    case: Case, what: str, path: Path, names: Iterable[str], process: Callable[[str], Process], limits: Limits
) -> Sitting:
    """Time "forward" or "step" of a case.

    Parameters
    ----------
    path : Path
        The file of the case.
    process : callable
        Takes the name of a contender and returns its process, running.
    """
    sitting = Sitting(case, what)
    ready: dict[str, Process] = {}
    for name in names:
        sitting.readings[name] = Readings()
        try:
            ready[name] = _prepare(process(name), what, path, sitting.readings[name], limits)
        except ContenderError as failure:
            sitting.readings[name].left_out = str(failure)
    _read_in_turns(sitting, ready, limits)
    return sitting


def _prepare(process: Process, what: str, path: Path, readings: Readings, limits: Limits) -> Process:
    process.ask(limits.setup, do="build", case=str(path))
    calls = process.ask(limits.setup, do="first", what=what)
    readings.first = calls["first"]
    if calls["second"] > limits.call:
        raise ContenderError(f"{TOO_SLOW} {limits.call:g} s")
    readings.differences = process.ask(limits.setup, do="check", what=what)
    return process


def _read_in_turns(sitting: Sitting, ready: dict[str, Process], limits: Limits) -> None:
    """Read round after round, every other one in reverse order; who has spent its time drops out."""
    spent = dict.fromkeys(ready, 0.0)
    rounds = 0
    while ready:
        for name in list(ready) if rounds % 2 == 0 else list(reversed(ready)):
            readings = sitting.readings[name]
            time.sleep(_PAUSE_S)
            start = time.perf_counter()
            try:
                reading = ready[name].ask(limits.setup, do="read", what=sitting.what)
            except ContenderError as failure:
                sitting.readings[name] = Readings(left_out=str(failure))
                del ready[name]
                continue
            readings.seconds.append(float(f"{reading['seconds']:.4g}"))
            readings.waited.append(float(f"{reading['waited']:.2g}"))
            spent[name] += time.perf_counter() - start
        rounds += 1
        for name in [name for name in ready if rounds >= _LEAST_ROUNDS and spent[name] >= limits.seconds]:
            del ready[name]
