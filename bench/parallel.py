"""Data-parallel training of one network: DistributedDataParallel over two processes against one process.

python bench/parallel.py [--quick] [--output bench/README.md]

The processes exchange by gloo on this machine and have a thread each. About 2 minutes on two cores.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from _data_parallel import PROCESSES, Case, Load, Trainer, follow, join, led, losses, repeated, stop, threaded
from _figures import figure
from _readme import replace_section, table
from torch import multiprocessing

from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.study import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.timing import Timing

_SECONDS = 6.0
_CHECKED_STEPS = 5
_MNIST = TrainConfig.recommended("mnist", "sgd")
_LARGE = replace(_MNIST, topology="rectangular", modes=256, batch=4096)
# Contenders: one process alone, with a thread or two; two processes; and what tells where their time goes.
_ALONE, _THREADS, _DDP = "1 process, 1 thread", "1 process, 2 threads", "2 processes, 1 thread each"
_HALF, _APART, _EXCHANGE = "1 process, half the batch", "2 processes that exchange nothing", "exchange alone"
# Cores that others may take.
_QUIET = 0.1


@dataclass(frozen=True)
class Found:
    """What was measured of a case: seconds of all the steps of a reading, and the loss of the first steps."""

    times: dict[str, Timing]
    losses: dict[str, list[float]]
    gradient_bytes: int
    others: float
    """Cores that other processes took meanwhile."""

    @property
    def mark(self) -> str:
        """~ where others were in the way: threads of gloo wait for ours, so that waiting alone tells nothing here."""
        return "~" if self.others > _QUIET else ""


_CASES = (
    Case("two triangular meshes of 64, batch 600", _MNIST, "auto", 40),
    Case("two triangular meshes of 64, batch 600, mesh route", _MNIST, "mesh", 40),
    Case("two rectangular meshes of 256, batch 4096", _LARGE, "auto", 1),
    Case("two rectangular meshes of 256, batch 4096, mesh route", _LARGE, "mesh", 1),
)


def compare(rank: int, case: Case, patience: Patience) -> Found | None:
    """Time the contenders of a case in turns; rank 0 leads and returns what it found, the other one follows."""
    together = Trainer(case, rank, PROCESSES, exchanging=True)
    apart = Trainer(case, rank, PROCESSES)
    gradients = torch.zeros(sum(phase.numel() for phase in together.trained), dtype=together.trained[0].dtype)
    trajectories = {_DDP: losses(together, _CHECKED_STEPS, shared=True)}
    joint: dict[str, Callable[[], object]] = {
        _DDP: together.step,
        _APART: apart.step,
        _EXCHANGE: lambda: dist.all_reduce(gradients),
    }
    load = Load()
    if rank:
        follow(list(joint.values()), case.steps)
        load.others()
        return None
    alone, threads, half = Trainer(case), Trainer(case), Trainer(case, 0, PROCESSES)
    trajectories[_ALONE] = losses(alone, _CHECKED_STEPS, shared=False)
    contenders = {_ALONE: repeated(alone.step, case.steps)}
    contenders |= {name: led(order, call, case.steps) for order, (name, call) in enumerate(joint.items())}
    contenders[_THREADS] = threaded(repeated(threads.step, case.steps))
    contenders[_HALF] = repeated(half.step, case.steps)
    times = alternate(contenders, _SECONDS, patience, at_least=3)
    stop()
    return Found(times, trajectories, gradients.nbytes, load.others())


def _work(rank: int, folder: str, cases: tuple[Case, ...], patience: Patience) -> None:
    join(rank, folder)
    found = [compare(rank, case, patience) for case in cases]
    if rank == 0:
        Path(folder, "found").write_bytes(pickle.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


def difference(found: Found) -> float:
    """Return the largest relative difference between the losses of one process and of two."""
    pairs = zip(found.losses[_ALONE], found.losses[_DDP], strict=True)
    return max(abs(one - two) / abs(one) for one, two in pairs)


def step_table(case: Case, found: Found) -> str:
    """Return the table of the contenders of a case."""
    rows = []
    alone = found.times[_ALONE]
    for name in (_ALONE, _THREADS, _DDP, _HALF, _APART, _EXCHANGE):
        timing = found.times[name]
        mark, seconds = found.mark, timing.median / case.steps
        whole = name in (_ALONE, _THREADS, _DDP)
        throughput = f"{mark}{figure(case.config.batch / seconds)}" if whole else "–"
        efficiency = f"{mark}{alone.ratio(timing) / PROCESSES:.0%}" if name in (_THREADS, _DDP) else "–"
        rows.append([name, f"{mark}{figure(1e3 * seconds)}", throughput, efficiency])
    return table([case.name, "step [ms]", "samples/s", "efficiency"], rows)


def loss_table(cases: tuple[Case, ...], results: list[Found]) -> str:
    """Return the table of where efficiency is lost; its factors multiply to the efficiency, up to medians of ratios."""
    rows = []
    for case, found in zip(cases, results, strict=True):
        times = found.times
        factors = [
            times[_ALONE].ratio(times[_HALF]) / PROCESSES,
            times[_HALF].ratio(times[_APART]),
            times[_APART].ratio(times[_DDP]),
            times[_ALONE].ratio(times[_DDP]) / PROCESSES,
            times[_HALF].ratio(times[_DDP]),
        ]
        exchanged = [f"{found.gradient_bytes / 1e3:.1f}", f"{difference(found):.0e}"]
        rows.append([case.name, *(f"{found.mark}{factor:.0%}" for factor in factors), *exchanged])
    header = ["efficiency", "half the batch", "side by side", "exchange", "all", "same batch per process"]
    return table([*header, "exchanged per step [kB]", "losses differ by"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smaller network only")
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of these tables")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    cases = _CASES[:1] if arguments.quick else _CASES
    machine = Machine(PROCESSES)
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_work, (folder, cases, Patience(arguments.patience)), nprocs=PROCESSES)
        results: list[Found] = pickle.loads(Path(folder, "found").read_bytes())
    command = "python bench/parallel.py" + " --quick" * arguments.quick
    text = [f"`{command}`: {machine.facts()}."]
    text += [step_table(case, found) for case, found in zip(cases, results, strict=True)]
    text += ["Where efficiency goes, and whether both train alike:", loss_table(cases, results)]
    print("\n\n".join(text))
    if arguments.output:
        replace_section(arguments.output, "parallel", "\n\n".join(text))
    worst = max(map(difference, results))
    if not worst < 1e-4:
        raise SystemExit(f"losses of one process and of two must agree to 1e-4, they differ by {worst:.0e}")


if __name__ == "__main__":
    main()
