"""Hands damaged files to everything that reads files, and counts what comes of it.

    python tests/fuzz/run.py                                   3 000 cases, some minutes
    python tests/fuzz/run.py --cases 100000                    for a release
    python tests/fuzz/run.py --loader "run.json" --case 17     one case again, with its traceback

Each case is a function of the seed, the loader and its number. The readers work in another process, so that a crash
is counted and the next case goes on. A reader may accept a file, or refuse it as its documentation says: in one
sentence. A crash, more than ten seconds, and any other exception are faults, and the exit code is 1 where there is one.
"""

from __future__ import annotations

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 10
MEMORY = 8 * 2**30
LONGEST = 2000
MOST_LOADERS = 64
COUNTS = ("accepted", "refused", "undocumented", "hang", "crash")


class TookTooLong(BaseException):
    """Not an Exception, so that no reader takes it for what a damaged file does."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=3000, help="of all loaders together, at least 4 of each")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--loader", help="only this one")
    options.add_argument("--without", help="all but this one")
    options.add_argument("--case", type=int, help="only this one, here and with its traceback")
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work is not None:
        work(given)
        return 0
    if given.case is not None:
        return again(given)
    with tempfile.TemporaryDirectory() as folder:
        names, counts = count_all(Path(folder), sys.argv[1:], given.seed)
    width = max(map(len, names))
    print(f"{'':{width}}  {'cases':>7}  {'  '.join(f'{name:>12}' for name in COUNTS)}")
    for name, row in [*zip(names, counts, strict=True), ("all", counts.sum(axis=0))]:
        print(f"{name:{width}}  {row.sum():>7}  {'  '.join(f'{n:>12}' for n in row)}")
    return int(counts[:, 2:].any())


def count_all(folder: Path, arguments: list[str], seed: int) -> tuple[list[str], np.ndarray]:
    """Return the names of the loaders, and how the cases of each end, by COUNTS.

    Another process works, and keeps in a file what it is at, the loader and the case, and then the counts; where it
    ends too early, the next one goes on behind that case.
    """
    (folder / "state").write_bytes(bytes(8 * (2 + MOST_LOADERS * len(COUNTS))))
    state = np.memmap(folder / "state", np.int64, "r+")
    counts = state[2:].reshape(MOST_LOADERS, len(COUNTS))
    while True:
        worker = subprocess.Popen([sys.executable, __file__, "--work", str(folder), *arguments])
        stuck = _waits(worker, state)
        if not (folder / "names").exists():
            raise RuntimeError("the process that works did not begin")
        names = (folder / "names").read_text().splitlines()
        if not stuck and worker.returncode == 0:
            return names, np.array(counts[: len(names)])
        loader, case = state[:2].tolist()
        counts[loader, COUNTS.index("hang" if stuck else "crash")] += 1
        told = "hang" if stuck else f"crash ({worker.returncode})"
        print(f"  {told}: --loader {names[loader]!r} --seed {seed} --case {case}", flush=True)
        state[1] += 1


def _waits(worker: subprocess.Popen[bytes], state: np.ndarray) -> bool:
    """Wait for a process; end it, and return True, where it stays with one case, deaf to its alarm."""
    at: list[int] = []
    since = time.monotonic()
    while worker.poll() is None:
        time.sleep(0.05)
        if state[:2].tolist() != at:
            at, since = state[:2].tolist(), time.monotonic()
        elif time.monotonic() - since > 12 * LIMIT_S:
            worker.kill()
            worker.wait()
            return True
    return False


def work(given: argparse.Namespace) -> None:
    """Do the cases from where another process ended, and keep what it is at and the counts in a file."""
    from loaders import LOADERS

    names = [name for name in LOADERS if given.loader in {None, name} and given.without != name]
    (given.work / "names").write_text("\n".join(names))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _alarm)
    state = np.memmap(given.work / "state", np.int64, "r+")
    counts = state[2:].reshape(MOST_LOADERS, len(COUNTS))
    first, begun = state[:2].tolist()
    for loader, name in enumerate(names[first:], start=first):
        start = begun if loader == first else 0
        state[:2] = loader, start
        with tempfile.TemporaryDirectory() as folder:
            do = case_of(name, given.seed, Path(folder))
            for case in range(start, max(4, round(given.cases * LOADERS[name].share))):
                state[1] = case
                outcome, error = do(case)
                counts[loader, COUNTS.index(outcome)] += 1
                if outcome in {"undocumented", "hang"}:
                    where = f"--loader {name!r} --seed {given.seed} --case {case}"
                    print(f"  {outcome}: {where}: {error!r:.300}", flush=True)


def again(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        signal.signal(signal.SIGALRM, _alarm)
        outcome, error = case_of(given.loader, given.seed, Path(folder))(given.case)
    if error is not None:
        traceback.print_exception(error)
    print(outcome)
    return 0


def case_of(name: str, seed: int, folder: Path) -> Callable[[int], tuple[str, BaseException | None]]:
    """Return a function that does a case of a loader and returns how it ended."""
    import loaders

    loaders.quiet()
    loader = loaders.LOADERS[name]
    stream = list(loaders.LOADERS).index(name)
    (folder / "examples").mkdir()
    examples = list(loader.examples(folder / "examples"))
    path = folder / "damaged"

    def do(case: int) -> tuple[str, BaseException | None]:
        rng = np.random.default_rng([seed, stream, case])
        damaged = loader.damage(examples[rng.integers(len(examples))], rng)
        if isinstance(damaged, bytes):
            path.write_bytes(damaged)
        signal.alarm(LIMIT_S)
        try:
            loader.read(path if isinstance(damaged, bytes) else damaged)
        except TookTooLong as error:
            return "hang", error
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is what is counted
            documented = _is_documented(error, loader.documented, path if isinstance(damaged, bytes) else None)
            return "refused" if documented else "undocumented", error
        finally:
            signal.alarm(0)
        return "accepted", None

    return do


def _is_documented(error: Exception, kinds: tuple[type[Exception], ...], path: Path | None) -> bool:
    """Return whether an error is of a documented kind, one sentence, and names the file."""
    text = str(error)
    if type(error) not in kinds:
        return False
    several = type(error) is RuntimeError  # torch lists what is wrong with a state dict
    named = path is None or (str(path) in text and len(text) <= LONGEST)
    return named and text != "" and (several or "\n" not in text)


def _alarm(*_: object) -> None:
    raise TookTooLong


if __name__ == "__main__":
    sys.exit(main())
