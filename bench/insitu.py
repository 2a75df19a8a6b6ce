"""What training on simulated chips takes: a step and an epoch of the study's network, and where the time goes.

python bench/insitu.py [--output bench/README.md]

Two triangular meshes of 64 modes, batch 600, SGD; an epoch is 100 steps, 60 000 images.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from _readme import replace_section, table
from torch.nn import functional as F

from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.gradient import METHODS
from retrolux.hardware import Imperfections, SimulatedChip
from retrolux.nn.experiment import Experiment
from retrolux.study import Network, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEPS_PER_EPOCH = 100
_SECONDS = 4.0
_PROFILED_STEPS = 60
# All that act on light, phases and detectors at once, but for converters, which have the taps read sample by sample.
_EVERYTHING = Imperfections(
    coupler_std=0.02,
    loss_db=0.01,
    loss_db_std=0.01,
    column_loss_db=0.01,
    phase_offset_std=0.1,
    crosstalk=0.005,
    phase_std=0.005,
    phase_bits=12,
    drift_std_per_s=5e-4,
    io_amplitude_std=0.025,
    io_phase_std=0.025,
    tap_noise=0.01,
    detector_noise=0.005,
)
# The exact gradient by light that goes through the mesh, as on a chip, not by a matrix product.
_REFERENCE = "exact, mesh route"
_CASES: dict[str, dict[str, Any]] = {
    "exact": {},
    _REFERENCE: {},
    "adjoint, ideal chip": {"gradient": "adjoint"},
    "three measurements, ideal chip": {"gradient": "three_measurement"},
    "three measurements, PAI_2023": {
        "gradient": "three_measurement",
        "imperfections": Imperfections(io_amplitude_std=0.025, io_phase_std=0.025, tap_noise=0.01),
    },
    "three measurements, all imperfections": {"gradient": "three_measurement", "imperfections": _EVERYTHING},
    "sum and difference, all imperfections": {"gradient": "sum_difference", "imperfections": _EVERYTHING},
}
_PHASES = ("programming", "forward", "backward", "noise", "gradient arithmetic", "optimiser", "torch and the rest")
# Where each phase of the split happens; a method that runs inside another one is not counted twice.
_PLACES: tuple[tuple[type, str, str], ...] = (
    (Experiment, "write", "programming"),
    (SimulatedChip, "_now", "programming"),
    (SimulatedChip, "_disturbed", "noise"),
    (SimulatedChip, "_noisy", "noise"),
    (SimulatedChip, "_modulated", "noise"),
    (SimulatedChip, "_detected", "noise"),
    (SimulatedChip, "forward", "forward"),
    (SimulatedChip, "backward", "backward"),
    (torch.optim.SGD, "step", "optimiser"),
)


class Clock:
    """Adds up the seconds that phases take, those within them left out."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._running: list[str] = []
        self._since = perf_counter()

    def timed(self, method: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """Return `method`, its time counted as that of `phase`."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.running(phase):
                return method(*args, **kwargs)

        return run

    @contextmanager
    def running(self, phase: str) -> Iterator[None]:
        """Count the time within as that of `phase`."""
        self._switch()
        self._running.append(phase)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def _switch(self) -> None:
        now = perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since  # type: ignore[assignment]
        self._since = now


def training_step(name: str) -> Callable[[], None]:
    """Return a step of the study's training on random light of the features' size."""
    config = TrainConfig(dataset="mnist", optimizer="sgd", lr=1e-4, batch=600, gain=0.5, **_CASES[name])
    network = Network(config)
    for layer in network.layers:
        layer.route = "mesh" if name == _REFERENCE else "auto"
    optimizer = torch.optim.SGD([phase for phase in network.parameters() if phase.requires_grad], config.lr, 0.9)
    x, labels = torch.randn(600, 64, dtype=torch.complex64), torch.randint(10, (600,))

    def step() -> None:
        loss = F.cross_entropy(network(x), labels)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    return step


def split(name: str) -> dict[str, float]:
    """Return the seconds of each phase in a step, the median over steps."""
    clock = Clock()
    places = [*_PLACES, *((type(make()), "gradients", "gradient arithmetic") for make in METHODS.values())]
    patches = [
        mock.patch.object(kind, method, clock.timed(getattr(kind, method), phase)) for kind, method, phase in places
    ]
    for patch in patches:
        patch.start()
    try:
        step = training_step(name)
        for _ in range(5):
            step()
        readings = []
        for _ in range(_PROFILED_STEPS):
            clock.seconds.clear()
            with clock.running("torch and the rest"):
                step()
            readings.append(clock.seconds.copy())
    finally:
        mock.patch.stopall()
    return {phase: median(reading[phase] for reading in readings) for phase in _PHASES}


def tables(threads: int, patience: Patience) -> str:
    """Return times of step and epoch, and the split, for a number of threads."""
    torch.set_num_threads(threads)
    steps = {name: training_step(name) for name in _CASES}
    times = alternate(steps, _SECONDS * len(steps), patience)
    rows, parts = [], []
    for name in _CASES:
        mark = "~" * times[name].disturbed
        rows.append(
            [
                name,
                f"{mark}{1e3 * times[name].median:.2f}",
                f"{mark}{1e3 * times[name].minimum:.2f}",
                f"{mark}{_STEPS_PER_EPOCH * times[name].median:.3f}",
                f"{times[name].ratio(times[_REFERENCE]):.2f}",
            ]
        )
        phases = split(name)
        parts.append([name, *(f"{1e3 * phases[phase]:.2f}" for phase in _PHASES)])
    header = ["training", "step [ms]", "fastest [ms]", "epoch [s]", f"÷ {_REFERENCE}"]
    return f"{table(header, rows)}\n\n{table(['milliseconds of a step', *_PHASES], parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    machine = Machine(arguments.threads)
    measured = tables(arguments.threads, Patience(arguments.patience))
    text = f"`python bench/insitu.py`: {machine.facts()}.\n\n{measured}"
    print(text)
    if arguments.output:
        replace_section(arguments.output, "insitu", text)


if __name__ == "__main__":
    main()
