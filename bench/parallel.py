"""Data-parallel training of one network: DistributedDataParallel over two processes against one process.

python bench/parallel.py [--quick] [--output bench/README.md]

The processes exchange by gloo on this machine and have a thread each. About 2 minutes on two cores.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from _readme import replace_section, table
from torch import Tensor, multiprocessing
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.study import Network, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.timing import Timing
    from retrolux.functional import Route

_PROCESSES = 2
_SECONDS = 6.0
_CHECKED_STEPS = 5
_MNIST = TrainConfig.recommended("mnist", "sgd")
_LARGE = replace(_MNIST, topology="rectangular", modes=256, batch=4096)
# Contenders: one process alone, with a thread or two; two processes; and what tells where their time goes.
_ALONE, _THREADS, _DDP = "1 process, 1 thread", "1 process, 2 threads", "2 processes, 1 thread each"
_HALF, _APART, _EXCHANGE = "1 process, half the batch", "2 processes that exchange nothing", "exchange alone"
_STOP = -1


@dataclass(frozen=True)
class Case:
    """A network of the study, the route of its light, and how many steps make a reading."""

    name: str
    config: TrainConfig
    route: Route
    steps: int


@dataclass(frozen=True)
class Found:
    """What was measured of a case: seconds of all the steps of a reading, and the loss of the first steps."""

    times: dict[str, Timing]
    losses: dict[str, list[float]]
    gradient_bytes: int


_CASES = (
    Case("two triangular meshes of 64, batch 600", _MNIST, "auto", 40),
    Case("two triangular meshes of 64, batch 600, mesh route", _MNIST, "mesh", 40),
    Case("two rectangular meshes of 256, batch 4096", _LARGE, "auto", 1),
    Case("two rectangular meshes of 256, batch 4096, mesh route", _LARGE, "mesh", 1),
)


class Trainer:
    """A network and its optimiser on a part of a batch of random light that never changes.

    Parameters
    ----------
    case : Case
        The network; every trainer starts with the same phases.
    part, parts : int
        Which of how many equal parts of the batch.
    exchanging : bool
        Whether the gradients are those of all processes, each with its own part.
    """

    def __init__(self, case: Case, part: int = 0, parts: int = 1, *, exchanging: bool = False) -> None:
        config = case.config
        generator = torch.Generator().manual_seed(0)
        dtype = getattr(torch, config.dtype)
        x = torch.randn(config.batch, config.modes, dtype=dtype, generator=generator)
        labels = torch.randint(config.classes, (config.batch,), generator=generator)
        self._x, self._labels = x.chunk(parts)[part], labels.chunk(parts)[part]
        network = Network(config)
        for layer in network.layers:
            layer.route = case.route
        self.trained = [phase for phase in network.parameters() if phase.requires_grad]
        self._optimizer = torch.optim.SGD(self.trained, config.lr, 0.9)
        self._network = DistributedDataParallel(network) if exchanging else network

    def step(self) -> Tensor:
        """Do a step and return its loss, the mean over this part."""
        loss = F.cross_entropy(self._network(self._x), self._labels)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        return loss.detach()


def join(rank: int, folder: str) -> None:
    """Make this process one of the two, with one thread."""
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=_PROCESSES, timeout=timedelta(hours=2))


def losses(trainer: Trainer, steps: int, *, shared: bool) -> list[float]:
    """Return the losses of the first steps; `shared`: their means over the processes, which all call this."""
    found = torch.stack([trainer.step() for _ in range(steps)])
    if shared:
        dist.all_reduce(found)
        found /= _PROCESSES
    return [float(loss) for loss in found]


def compare(rank: int, case: Case, patience: Patience) -> Found | None:
    """Time the contenders of a case in turns; rank 0 leads and returns what it found, the other one follows."""
    together = Trainer(case, rank, _PROCESSES, exchanging=True)
    apart = Trainer(case, rank, _PROCESSES)
    gradients = torch.zeros(sum(phase.numel() for phase in together.trained), dtype=together.trained[0].dtype)
    trajectories = {_DDP: losses(together, _CHECKED_STEPS, shared=True)}
    joint: dict[str, Callable[[], object]] = {
        _DDP: together.step,
        _APART: apart.step,
        _EXCHANGE: lambda: dist.all_reduce(gradients),
    }
    if rank:
        _follow(list(joint.values()), case.steps)
        return None
    alone, threads, half = Trainer(case), Trainer(case), Trainer(case, 0, _PROCESSES)
    trajectories[_ALONE] = losses(alone, _CHECKED_STEPS, shared=False)
    contenders = {_ALONE: _repeated(alone.step, case.steps)}
    contenders |= {name: _led(order, call, case.steps) for order, (name, call) in enumerate(joint.items())}
    contenders[_THREADS] = _threaded(_repeated(threads.step, case.steps))
    contenders[_HALF] = _repeated(half.step, case.steps)
    times = alternate(contenders, _SECONDS, patience, at_least=3)
    _order(_STOP)
    return Found(times, trajectories, gradients.nbytes)


def _repeated(step: Callable[[], object], steps: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(steps):
            step()

    return run


def _threaded(run: Callable[[], None]) -> Callable[[], None]:
    """Return `run` with as many threads as there are processes otherwise."""

    def with_threads() -> None:
        torch.set_num_threads(_PROCESSES)
        try:
            run()
        finally:
            torch.set_num_threads(1)

    return with_threads


def _led(order: int, step: Callable[[], object], steps: int) -> Callable[[], None]:
    """Return the steps of a contender that both processes run: from the order to start until both are done."""

    def run() -> None:
        _order(order)
        for _ in range(steps):
            step()
        dist.barrier()

    return run


def _follow(calls: list[Callable[[], object]], steps: int) -> None:
    """Run what rank 0 orders."""
    while (order := _order(_STOP)) != _STOP:
        for _ in range(steps):
            calls[order]()
        dist.barrier()


def _order(order: int) -> int:
    """Give an order as rank 0, take it as another one: its `order` counts."""
    given = torch.tensor([order])
    dist.broadcast(given, 0)
    return int(given)


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
        mark, seconds = "~" * timing.disturbed, timing.median / case.steps
        whole = name in (_ALONE, _THREADS, _DDP)
        throughput = f"{mark}{case.config.batch / seconds:.4g}" if whole else "–"
        efficiency = f"{alone.ratio(timing) / _PROCESSES:.0%}" if name in (_THREADS, _DDP) else "–"
        rows.append([name, f"{mark}{1e3 * seconds:.3g}", throughput, efficiency])
    return table([case.name, "step [ms]", "samples/s", "efficiency"], rows)


def loss_table(cases: tuple[Case, ...], results: list[Found]) -> str:
    """Return the table of where efficiency is lost; its factors multiply to the efficiency, up to medians of ratios."""
    rows = []
    for case, found in zip(cases, results, strict=True):
        times = found.times
        factors = [
            times[_ALONE].ratio(times[_HALF]) / _PROCESSES,
            times[_HALF].ratio(times[_APART]),
            times[_APART].ratio(times[_DDP]),
            times[_ALONE].ratio(times[_DDP]) / _PROCESSES,
            times[_HALF].ratio(times[_DDP]),
        ]
        exchanged = [f"{found.gradient_bytes / 1e3:.1f}", f"{difference(found):.0e}"]
        mark = "~" * times[_DDP].disturbed
        rows.append([case.name, *(f"{mark}{factor:.0%}" for factor in factors), *exchanged])
    header = ["efficiency", "half the batch", "side by side", "exchange", "all", "same batch per process"]
    return table([*header, "exchanged per step [kB]", "losses differ by"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smaller network only")
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of these tables")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    cases = _CASES[:1] if arguments.quick else _CASES
    machine = Machine(_PROCESSES)
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_work, (folder, cases, Patience(arguments.patience)), nprocs=_PROCESSES)
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
