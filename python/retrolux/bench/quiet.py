"""Whether other processes leave the machine alone, and waiting until they do."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["Patience", "worked_by_others"]

_STAT = Path("/proc/stat")
_GLANCE_S = 0.25
# Of one core: what the system itself takes, and the coarseness of its clock over a glance.
_QUIET = 0.1


class Patience:
    """Time that may still be spent waiting for other processes [s]."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def wait(self) -> None:
        """Return once others take less than a tenth of a core, or when the time is spent."""
        start = time.perf_counter()
        while self.left > 0 and self._others() > _QUIET:
            self.left -= time.perf_counter() - start
            start = time.perf_counter()

    @staticmethod
    def _others() -> float:
        """Return how many cores others take at the moment."""
        before, start = worked_by_others(), time.perf_counter()
        time.sleep(_GLANCE_S)
        return (worked_by_others() - before) / (time.perf_counter() - start)


def worked_by_others() -> float:
    """Return the seconds that all cores have worked since the start for others than this process and its children.

    Linux only; elsewhere 0.
    """
    if not _STAT.exists():
        return 0.0
    # user, nice, system, idle, iowait, irq, softirq, steal: all but idle and iowait is work, or taken by another guest.
    ticks = [int(field) for field in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    worked = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return worked - sum(os.times()[:4])
