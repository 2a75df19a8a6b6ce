"""Where a table was measured, and how much of the machine others took meanwhile."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

import torch

from retrolux import _kernels
from retrolux.bench.quiet import worked_by_others

__all__ = ["Machine"]

_CPUINFO = Path("/proc/cpuinfo")


class Machine:
    """The machine from now on: make it when the measurement starts, ask for `facts` when it is over."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._start = time.perf_counter()
        self._others_before = worked_by_others()

    def facts(self) -> str:
        """Return a line: processor, instruction set, threads, compiler, versions and, on Linux, the load by others."""
        built = _kernels.info()
        plural = "s" if self._threads > 1 else ""
        facts = (
            f"{_processor()}, {os.cpu_count()} cores; {built['instruction set in use']} kernels by "
            f"{built['compiler']}; {self._threads} thread{plural}; torch {torch.__version__}, "
            f"Python {platform.python_version()}"
        )
        if sys.platform != "linux":
            return facts
        others = max(0.0, worked_by_others() - self._others_before) / (time.perf_counter() - self._start)
        return f"{facts}; other processes took {others:.2f} cores meanwhile, waiting included"


def _processor() -> str:
    """Return the processor's name with its family and model, since some clouds hide the name."""
    if not _CPUINFO.exists():
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in _CPUINFO.read_text().splitlines())
    fields = {name.strip(): value.strip() for name, _, value in lines}
    name = fields.get("model name", platform.machine())
    if "cpu family" not in fields:
        return name
    return f"{name} (family {fields['cpu family']}, model {fields['model']})"
