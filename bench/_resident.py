"""How much memory something takes, by a process of its own: what it holds ready, and the peak while it runs.

As in _memory.py, the high-water mark of resident memory counts, pages of libraries do not. Linux with glibc only.
"""

from __future__ import annotations

import ctypes
import gc
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Memory", "resident"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Memory:
    """Bytes beyond those of the libraries, to about 0.3 MB."""

    held: int
    """Before it runs: what was prepared."""
    peak: int
    """While it runs for the first time, with what was prepared."""


def resident(
    prepare: Callable[..., Callable[[], object]],
    cases: Sequence[tuple[Any, ...]],
    warm_up: tuple[Any, ...],
    threads: int,
) -> list[Memory]:
    """Return the memory of ``prepare(*case)()`` for each case, the call of which is what runs.

    The small case `warm_up` runs first: what any first call brings with it does not count. `prepare` is a function of
    a module, since every case has a process of its own.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "retrolux.study"])
    found = []
    # The allocator would keep what is freed below this size, and serve the call from it unseen.
    with mock.patch.dict(os.environ, MALLOC_MMAP_THRESHOLD_="65536"):
        for case in cases:
            with ProcessPoolExecutor(1, context) as apart:
                found.append(apart.submit(_measure, prepare, case, warm_up, threads).result())
    return found


def _measure(
    prepare: Callable[..., Callable[[], object]], case: tuple[Any, ...], warm_up: tuple[Any, ...], threads: int
) -> Memory:
    torch.set_num_threads(threads)
    prepare(*warm_up)()
    _give_back()
    before, libraries = _status("VmRSS"), _status("RssFile")
    call = prepare(*case)
    _give_back()
    held = _status("VmRSS") - before - (_status("RssFile") - libraries)
    _RESET.write_text("5")
    result = call()
    peak = _status("VmHWM") - before - (_status("RssFile") - libraries)
    del result  # kept until here: it counts
    return Memory(held, peak)


def _give_back() -> None:
    """Return freed memory to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _status(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
