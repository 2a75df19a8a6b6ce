"""The side of a contender: answers the driver's requests, one line of JSON each, from within its own environment.

Needs NumPy at most, since every environment has its own packages. Requests and what they return:

    {"do": "about"}                     version, precision and the patches applied
    {"do": "build", "case": path}       nothing; what was built before is dropped
    {"do": "first", "what": name}       seconds of the first call, compilation included, and of the second
    {"do": "check", "what": name}       how far results are from the expected ones
    {"do": "read", "what": name}        seconds per call, and the share of them spent waiting for a core

`what` is "forward" or "step". Whatever goes wrong is answered as {"error": one line}.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Work", "enter", "release", "serve"]

# Calls before a reading bring code and data back into the caches that others have used meanwhile.
_WARM_S = 10e-3
_READING_S = 50e-3
_THREADS = Path("/proc/self/task")


class Work(Protocol):
    """What a contender has built for a case."""

    forward: Callable[[], Any]
    """Inference; returns when the result is there."""
    step: Callable[[], Any] | None
    """Forward pass and all gradients; None where there are none."""

    def check(self, what: str) -> dict[str, float]:
        """Return how far the results of "forward" or "step" are from the expected ones."""
        ...


def serve(about: Callable[[], dict[str, Any]], build: Callable[[Path], Work]) -> None:
    """Answer requests until standard input ends.

    Parameters
    ----------
    about : callable
        Returns "version", "precision" and "patches", a list of sentences.
    build : callable
        Takes the file of a case.
    """
    # Libraries print: their lines go to the log, the answers to the pipe.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if sys.platform == "linux":
        limit = int(os.environ["VERSUS_MEMORY_BYTES"])
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    worker = _Worker(about, build)
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - a peer may raise anything, and the driver wants to know what
            answer = {"error": f"{type(error).__name__}: {error}".split("\n", 1)[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


def release(package: str) -> str:
    """Return the installed version of a package; "checkout" where it comes from a folder instead."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "checkout"


def enter(package: str) -> None:
    """Make the modules of a package importable one by one, without what its __init__ would import."""
    found = find_spec(package)
    if found is None or found.submodule_search_locations is None:
        raise ImportError(f"no package {package} in this environment")
    bare = ModuleType(package)
    bare.__path__ = list(found.submodule_search_locations)
    sys.modules[package] = bare


class _Worker:
    def __init__(self, about: Callable[[], dict[str, Any]], build: Callable[[Path], Work]) -> None:
        self._about, self._build = about, build
        self._work: Work | None = None
        self._seconds: dict[str, float] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one request."""
        match request["do"]:
            case "about":
                return self._about()
            case "build":
                self._work = None
                gc.collect()
                self._work = self._build(Path(request["case"]))
                return {}
            case "first":
                call = self._call(request["what"])
                first = _timed(call, 1)
                self._seconds[request["what"]] = _timed(call, 1)
                return {"first": first, "second": self._seconds[request["what"]]}
            case "check":
                assert self._work is not None
                return self._work.check(request["what"])
            case "read":
                return self._read(request["what"])
        raise ValueError(f"do must be about, build, first, check or read, got {request['do']!r}")

    def _read(self, what: str) -> dict[str, float]:
        call, expected = self._call(what), self._seconds[what]
        for _ in range(int(_WARM_S / expected)):
            call()
        calls = max(1, round(_READING_S / expected))
        gc.disable()
        waited = _waited()
        seconds = _timed(call, calls)
        waited = (_waited() - waited) / (calls * seconds)
        gc.enable()
        self._seconds[what] = seconds
        return {"seconds": seconds, "waited": waited}

    def _call(self, what: str) -> Callable[[], Any]:
        assert self._work is not None
        call = {"forward": self._work.forward, "step": self._work.step}[what]
        if call is None:
            raise NotImplementedError("it has no gradients in the phases")
        return call


def _timed(call: Callable[[], Any], calls: int) -> float:
    """Return the seconds per call of `calls` calls in a row."""
    start = perf_counter()
    for _ in range(calls):
        call()
    return (perf_counter() - start) / calls


def _waited() -> float:
    """Return the seconds that our threads have been ready to run without a core; 0 where the system does not tell."""
    return 1e-9 * sum(int(thread.read_text().split()[1]) for thread in _THREADS.glob("*/schedstat"))
