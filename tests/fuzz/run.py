"""Hands damaged files to everything that reads files, and counts what comes of it.

    python tests/fuzz/run.py                                   3 000 cases, some minutes
    python tests/fuzz/run.py --cases 100000                    for a release
    python tests/fuzz/run.py --loader "run.json" --case 17     one case again, with its traceback

Each case is a function of the seed, the loader and its number. A loader works in a process of its own, so that a crash
is counted and the next case goes on. A reader may accept a file, or refuse it as its documentation says: in one
sentence. A crash, more than ten seconds, and any other exception are faults, and the exit code is 1 where there is one.
"""

from __future__ import annotations

import argparse
import mmap
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

LIMIT_S = 10
MEMORY = 8 * 2**30
LONGEST = 2000
COUNTS = ("accepted", "refused", "undocumented", "hang", "crash")


class TookTooLong(BaseException):
    """Not an Exception, so that no reader takes it for what a damaged file does."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=3000, help="of all loaders together, at least 4 of each")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--loader", help="only this one")
    options.add_argument("--case", type=int, help="only this one, here and with its traceback")
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work is not None:
        work(given)
        return 0
    from loaders import LOADERS

    if given.case is not None:
        return again(given)
    total = np.zeros(len(COUNTS), dtype=np.int64)
    width = max(map(len, LOADERS))
    print(f"{'':{width}}  {'cases':>7}  {'  '.join(f'{name:>12}' for name in COUNTS)}", flush=True)
    for name, loader in LOADERS.items():
        if given.loader in {None, name}:
            counts = count(name, given.seed, max(4, round(given.cases * loader.share)))
            print(f"{name:{width}}  {counts.sum():>7}  {'  '.join(f'{n:>12}' for n in counts)}", flush=True)
            total += counts
    print(f"{'all':{width}}  {total.sum():>7}  {'  '.join(f'{n:>12}' for n in total)}")
    return int(total[2:].any())


def count(name: str, seed: int, cases: int) -> np.ndarray:
    """Return how the cases of a loader end, by COUNTS; begins again behind a case that ended the process."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(8 * (1 + len(COUNTS)))
        state = np.memmap(file.name, np.int64, "r+")
        first = 0
        while first < cases:
            arguments = ["--loader", name, "--seed", str(seed), "--cases", str(cases), "--first", str(first)]
            worker = subprocess.Popen([sys.executable, __file__, "--work", file.name, *arguments])
            stuck = _waits(worker, state)
            if not stuck and worker.returncode == 0:
                break
            state[1 + COUNTS.index("hang" if stuck else "crash")] += 1
            print(f"  {'hang' if stuck else f'crash ({worker.returncode})'}: --loader {name!r} --seed {seed} --case {state[0]}")
            first = int(state[0]) + 1
        return np.array(state[1:])


def _waits(worker: subprocess.Popen[bytes], state: np.ndarray) -> bool:
    """Wait for a process; end it, and return True, where it stays with one case, deaf to its alarm."""
    case, since = -1, time.monotonic()
    while worker.poll() is None:
        time.sleep(0.05)
        if state[0] != case:
            case, since = int(state[0]), time.monotonic()
        elif time.monotonic() - since > 12 * LIMIT_S:
            worker.kill()
            worker.wait()
            return True
    return False


def work(given: argparse.Namespace) -> None:
    """Do the cases from `first` on, and keep number and counts where another process sees them."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _alarm)
    with given.work.open("r+b") as file, tempfile.TemporaryDirectory() as folder:
        state = np.frombuffer(mmap.mmap(file.fileno(), 0), np.int64)
        state[0] = given.first
        do = case_of(given.loader, given.seed, Path(folder))
        for case in range(given.first, given.cases):
            state[0] = case
            outcome = do(case)
            state[1 + COUNTS.index(outcome)] += 1
            if outcome in {"undocumented", "hang"}:
                print(f"  {outcome}: --loader {given.loader!r} --seed {given.seed} --case {case}", flush=True)


def again(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        signal.signal(signal.SIGALRM, _alarm)
        print(case_of(given.loader, given.seed, Path(folder), show=True)(given.case))
    return 0


def case_of(name: str, seed: int, folder: Path, show: bool = False):
    """Return a function that does a case of a loader and returns how it ended."""
    import loaders

    loaders.quiet()
    loader = loaders.LOADERS[name]
    stream = list(loaders.LOADERS).index(name)
    (folder / "examples").mkdir()
    examples = list(loader.examples(folder / "examples"))
    path = folder / "damaged"

    def do(case: int) -> str:
        rng = np.random.default_rng([seed, stream, case])
        damaged = loader.damage(examples[rng.integers(len(examples))], rng)
        if isinstance(damaged, bytes):
            path.write_bytes(damaged)
        signal.alarm(LIMIT_S)
        try:
            loader.read(path if isinstance(damaged, bytes) else damaged)
        except TookTooLong:
            outcome = "hang"
        except Exception as error:
            documented = _is_documented(error, loader.documented, path if isinstance(damaged, bytes) else None)
            outcome = "refused" if documented else "undocumented"
        else:
            return "accepted"
        finally:
            signal.alarm(0)
        if show:
            traceback.print_exc()
        return outcome

    return do


def _is_documented(error: Exception, kinds: tuple[type[Exception], ...], path: Path | None) -> bool:
    """Return whether an error is of a documented kind, one sentence, and names the file."""
    text = str(error)
    if type(error) not in kinds:
        return False
    several = type(error) is RuntimeError  # torch lists what is wrong with a state dict
    names = path is None or str(path) in text
    return names and 0 < len(text) <= LONGEST and (several or "\n" not in text)


def _alarm(*_: object) -> None:
    raise TookTooLong


if __name__ == "__main__":
    sys.exit(main())
