"""Paired timing: contenders take turns, so that what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from retrolux.bench.quiet import Patience

__all__ = ["Timing", "alternate"]

_Name = TypeVar("_Name")

# A reading this long is far above the clock's own cost and far below a scheduler's slice.
_READING_S = 2e-3
# A reading is disturbed when our threads have waited for a core longer than this share of it, because another process
# had it: two threads that wait for each other then take a multiple of their time.
_WAITING_SHARE = 0.01
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True)
class Timing:
    """Seconds per call of one contender, one reading per round."""

    seconds: NDArray[np.float64]
    disturbed: bool
    """True when too few rounds were free of other processes, so that all had to count."""

    @property
    def median(self) -> float:
        """Median over the rounds [s]."""
        return float(np.median(self.seconds))

    @property
    def minimum(self) -> float:
        """Smallest over the rounds [s]: what the call takes when nothing disturbs it."""
        return float(self.seconds.min())

    def rate(self, operations: float) -> float:
        """Operations per second at the median."""
        return operations / self.median

    def ratio(self, reference: Timing) -> float:
        """Median over the rounds of this time over the reference's of the same round."""
        return float(np.median(self.seconds / reference.seconds))


def alternate(
    contenders: Mapping[_Name, Callable[[], object]],
    seconds: float,
    patience: Patience,
    at_least: int = 5,
    at_most: int = 200,
) -> dict[_Name, Timing]:
    """Time `contenders` in turns for about `seconds`, `at_least` to `at_most` rounds.

    Each is warmed up first. Fast calls are repeated within a reading. Every other round runs in reverse order.
    Rounds that other processes disturbed do not count; up to twice the time is spent to get `at_least` that do.
    As long as there is `patience`, it starts when the machine is quiet, and again when that did not last.
    """
    while True:
        patience.wait()
        start = perf_counter()
        timings = _alternate(contenders, seconds, at_least, at_most)
        if patience.left <= 0 or not any(timing.disturbed for timing in timings.values()):
            return timings
        patience.left -= perf_counter() - start


def _alternate(
    contenders: Mapping[_Name, Callable[[], object]], seconds: float, at_least: int, at_most: int
) -> dict[_Name, Timing]:
    calls = {}
    for name, call in contenders.items():
        call()
        calls[name] = max(1, math.ceil(_READING_S / _read(call, 1)[0]))
    rounds: list[list[float]] = []
    clean: list[bool] = []
    order = list(contenders)
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = perf_counter()
        while sum(clean) < at_most and _worth_another(rounds, clean, at_least, (perf_counter() - start) / seconds):
            turn = order if len(rounds) % 2 == 0 else order[::-1]
            readings = {name: _read(contenders[name], calls[name]) for name in turn}
            rounds.append([readings[name][0] for name in order])
            clean.append(max(waiting for _, waiting in readings.values()) <= _WAITING_SHARE)
    finally:
        if collecting:
            gc.enable()
    disturbed = sum(clean) < at_least
    counted = np.array([taken for taken, ok in zip(rounds, clean, strict=True) if ok or disturbed])
    return {name: Timing(counted[:, i], disturbed) for i, name in enumerate(order)}


def _worth_another(rounds: list[list[float]], clean: list[bool], at_least: int, time_used: float) -> bool:
    if time_used < 1:
        return True
    return len(rounds) < at_least or (sum(clean) < at_least and time_used < 2)


def _read(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Return the seconds per call of `calls` calls in a row, and the share of them that our threads waited."""
    waited = _waited()
    start = perf_counter()
    for _ in range(calls):
        call()
    seconds = perf_counter() - start
    return seconds / calls, (_waited() - waited) / seconds


def _waited() -> float:
    """Return the seconds that our threads have been ready to run without a core; 0 where the system does not tell."""
    return 1e-9 * sum(int(thread.read_text().split()[1]) for thread in _THREADS.glob("*/schedstat"))
