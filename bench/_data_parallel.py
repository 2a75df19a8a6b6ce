"""Training one network in one process or in two, and turns between them that the first process leads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from retrolux.bench.quiet import worked_by_others
from retrolux.study import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.functional import Route
    from retrolux.study import TrainConfig

__all__ = ["PROCESSES", "Case", "Load", "Trainer", "follow", "join", "led", "losses", "repeated", "stop", "threaded"]

PROCESSES = 2
_STOP = -1


@dataclass(frozen=True)
class Case:
    """A network of the study, the route of its light, and how many steps make a reading."""

    name: str
    config: TrainConfig
    route: Route
    steps: int


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
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=PROCESSES, timeout=timedelta(hours=2))


def losses(trainer: Trainer, steps: int, *, shared: bool) -> list[float]:
    """Return the losses of the first steps; `shared`: their means over the processes, which all call this."""
    found = torch.stack([trainer.step() for _ in range(steps)])
    if shared:
        dist.all_reduce(found)
        found /= PROCESSES
    return [float(loss) for loss in found]


class Load:
    """The load of this machine from now on."""

    def __init__(self) -> None:
        self._start, self._worked, self._ours = perf_counter(), worked_by_others(), _cpu_seconds()

    def others(self) -> float:
        """Return how many cores processes other than the two took, which both call this."""
        ours = _cpu_seconds() - self._ours
        both = torch.tensor([ours], dtype=torch.float64)
        dist.all_reduce(both)
        worked = worked_by_others() - self._worked - (float(both) - ours)
        return max(0.0, worked) / (perf_counter() - self._start)


def _cpu_seconds() -> float:
    return sum(os.times()[:2])


def repeated(step: Callable[[], object], steps: int) -> Callable[[], None]:
    """Return the steps of a contender that this process runs alone."""

    def run() -> None:
        for _ in range(steps):
            step()

    return run


def threaded(run: Callable[[], None]) -> Callable[[], None]:
    """Return `run` with as many threads as there are processes otherwise."""

    def with_threads() -> None:
        torch.set_num_threads(PROCESSES)
        try:
            run()
        finally:
            torch.set_num_threads(1)

    return with_threads


def led(order: int, step: Callable[[], object], steps: int) -> Callable[[], None]:
    """Return the steps of a contender that both processes run: from the order to start until both are done."""

    def run() -> None:
        _order(order)
        for _ in range(steps):
            step()
        dist.barrier()

    return run


def follow(calls: list[Callable[[], object]], steps: int) -> None:
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


def stop() -> None:
    """End what the other process follows."""
    _order(_STOP)
