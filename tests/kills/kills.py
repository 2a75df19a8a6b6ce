"""Kills retrolux at random moments, has it go on, and compares what is left with the folder of an unbroken command.

``nox -s kills`` runs it. SIGKILL goes to all processes of the command at once. Most moments are spread evenly over the
time from the first file to the end, a few over the start as well. Nothing on disk may be half written after a kill, and
the end must have the same bits however often it was killed. Commands are forks of this process, which has imported what
they need but computed nothing: most of a short command is imports.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import folders

import retrolux.plot
import retrolux.report
import retrolux.study.scalability
import retrolux.study.search_driver  # noqa: F401 - imported before the forks
from retrolux import cli
from retrolux.study import Sweep
from retrolux.study.results import empty_results, write_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import ForkProcess

_SLOWEST_S = 600.0  # a command that takes longer hangs
_FROM_THE_START = 0.2  # part of the kills


@dataclass(frozen=True)
class Work:
    """A command and what it leaves.

    Attributes
    ----------
    start, resume
        Arguments; those of `resume` hold once there is the file `begun`.
    begun
        A file in the folder.
    check
        Raises AssertionError when a folder, at any time, has a file that is not whole.
    compare
        Raises AssertionError when two folders differ in anything but times.
    """

    start: list[str]
    resume: list[str]
    begun: str
    check: Callable[[Path, Path], None]
    compare: Callable[[Path, Path], None]


TRAINED = ["--dataset", "moons", "--epochs", "8", "--batch", "20", "--meshes", "2"]
NOISY = ["--gradient", "sum_difference", "--tap-noise", "0.01", "--phase-std", "0.01", "--drift-std-per-s", "0.1"]
SWEPT = ["--change", "dataset=moons", "epochs=4", "batch=20", "meshes=1", "--sweep", "tap_noise=0,0.1", "--seeds", "2"]
SEARCHED = ["--change", "dataset=moons", "epochs=2", "batch=100", "meshes=1", "--search", "lr=1e-4..1:log"]
CHOSEN = ["optimizer=sgd,adam", "gain=0.1..10:log", "--trials", "16", "--workers", "1"]  # ten at random, then by TPE
WORKS = {
    "train": Work(
        ["train", *TRAINED, *NOISY, "--out", "out"],
        ["train", "--resume", "--out", "out"],
        "last.pt",
        folders.check_run,
        folders.compare_runs,
    ),
    "sweep": Work(
        ["sweep", *SWEPT, "--workers", "2", "--out", "out"],
        ["sweep", "--resume", "--workers", "2", "--out", "out"],
        "sweep.toml",
        folders.check_all_runs,
        folders.compare_sweeps,
    ),
    "search": Work(
        ["search", *SEARCHED, *CHOSEN, "--out", "out"],
        ["search", "--resume", *CHOSEN[2:], "--out", "out"],
        "search.toml",
        folders.check_all_runs,
        folders.compare_searches,
    ),
    "report": Work(
        ["report", "results.nc", "--out", "out"],
        ["report", "results.nc", "--out", "out"],
        "report.html",
        folders.check_report,
        folders.compare_reports,
    ),
}


def main() -> None:
    """Kill every command as often as is wanted, and print how often it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in WORKS:
        parser.add_argument(f"--{name}", type=int, default=0, metavar="KILLS")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    for name, work in WORKS.items():
        kills = getattr(wanted, name)
        if kills > 0:
            began = time.monotonic()
            folders_compared = kill(work, kills, random.Random(f"{name} {wanted.seed}"))
            took = time.monotonic() - began
            print(f"{name}: {kills} kills, {folders_compared} folders with the same bits, {took:.0f} s", flush=True)


def kill(work: Work, kills: int, chance: random.Random) -> int:
    """Kill a command, and return how many folders it went on in until they were done."""
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place, "whole")
        make(whole)
        process = begin(whole, work.start)
        wait_for_change(process, whole / "out", before={})
        first = time.monotonic()
        assert ended(process, _SLOWEST_S), "the command hangs"
        span = time.monotonic() - first
        assert process.exitcode == 0, "the command failed"
        done = left = 0
        while left < kills:
            broken = Path(place, f"broken-{done}")
            make(broken)
            left += kill_until_done(work, broken, whole, span, chance, kills - left)
            work.compare(broken / "out", whole / "out")
            assert not list(broken.rglob("*.part")), "a part of a file stays"
            shutil.rmtree(broken)
            done += 1
        return done


def kill_until_done(work: Work, folder: Path, whole: Path, span: float, chance: random.Random, most: int) -> int:
    """Kill a command up to `most` times, start it again each time, and return how often it was killed."""
    out = folder / "out"
    for kills in range(most + 1):
        before = times(out)
        process = begin(folder, work.resume if (out / work.begun).exists() else work.start)
        if kills == most:
            moment = _SLOWEST_S
        elif chance.random() < _FROM_THE_START:
            moment = chance.uniform(0, span)
        else:
            wait_for_change(process, out, before)
            moment = chance.uniform(0, span)
        if ended(process, moment):
            assert process.exitcode == 0, (folder / "said.txt").read_text()
            return kills
        end(process)
        assert kills < most, "the command hangs"
        if out.exists():
            work.check(out, whole / "out")
    raise AssertionError("unreachable")


def make(folder: Path) -> None:
    """Make a folder with a result to report."""
    folder.mkdir()
    results = empty_results(Sweep(lists={"tap_noise": (0.0, 0.1)}))
    results["failure"][:] = ""
    results["metrics"][:] = [0.9 - 0.02 * epoch for epoch in range(results.sizes["epoch"])]
    results.attrs["created"] = "2026-01-01T00:00:00+00:00"
    write_results(results, folder / "results.nc")


def begin(folder: Path, arguments: list[str]) -> ForkProcess:
    """Start a command in a process group of its own."""
    process = multiprocessing.get_context("fork").Process(target=command, args=(folder, arguments))
    process.start()
    return process


def command(folder: Path, arguments: list[str]) -> None:
    """Be the command."""
    os.setsid()
    os.chdir(folder)
    with Path("said.txt").open("ab") as said:
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
    sys.exit(cli.main(arguments))


def ended(process: ForkProcess, within: float) -> bool:
    """Return whether a process ends within some time (s)."""
    process.join(within)
    return process.exitcode is not None


def times(folder: Path) -> dict[Path, int]:
    """Return when each file in a folder was written."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it was renamed meanwhile
            found[path] = path.stat().st_mtime_ns
    return found


def wait_for_change(process: ForkProcess, folder: Path, before: dict[Path, int]) -> None:
    """Wait until a process has written something, or ended."""
    deadline = time.monotonic() + _SLOWEST_S
    while process.exitcode is None and times(folder) == before:
        assert time.monotonic() < deadline, "the command hangs"
        time.sleep(0.002)


def end(process: ForkProcess) -> None:
    """Kill a process and its group at once, and wait until none of them is left."""
    deadline = time.monotonic() + _SLOWEST_S
    if os.getpgid(process.pid) == process.pid:
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("a process cannot be killed")


if __name__ == "__main__":
    main()
