"""What this product promises about its speed and size, measured: a goal, the figure found, met or missed.

python bench/targets.py [--build] [--output bench/README.md]
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from _memory import peak_bytes
from _readme import replace_section, table
from _torch_mesh import torch_mesh

from retrolux import _kernels
from retrolux.bench.layers import dense, photonic, require_equal
from retrolux.bench.machine import Machine
from retrolux.bench.operations import ADJOINT_MZI, FORWARD_MZI
from retrolux.bench.passes import prepare
from retrolux.bench.peak import multiply_adds
from retrolux.bench.quiet import Patience, worked_by_others
from retrolux.bench.timing import alternate
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[1]
_SECONDS = 2.0
# Cores that others may take during a build.
_QUIET_BUILD = 0.2
_WRITINGS: tuple[tuple[Literal["elementwise", "batched"], str], ...] = (
    ("elementwise", "2×2 products spelt out"),
    ("batched", "2×2 products by torch.matmul"),
)
# As in an installed package, bytecode is kept; the first of these runs writes it.
_IMPORT = """
import time, torch
start = time.perf_counter()
import retrolux
package = time.perf_counter()
import retrolux.nn
print(package - start, time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Target:
    """One goal; `at_most` says on which side of it the figure has to be, ~ that other processes were in the way."""

    what: str
    goal: float
    measured: float
    unit: str
    at_most: bool = True
    disturbed: bool = False

    def row(self) -> list[str]:
        """Return the row of the table; a disturbed figure settles nothing."""
        met = self.measured <= self.goal if self.at_most else self.measured >= self.goal
        sign, mark = "≤" if self.at_most else "≥", "~" if self.disturbed else ""
        verdict = "disturbed" if self.disturbed else "met" if met else "**missed**"
        return [self.what, f"{sign} {self.goal:.3g} {self.unit}", f"{mark}{self.measured:.3g} {self.unit}", verdict]


def against_dense(patience: Patience) -> Iterator[Target]:
    """Yield the cost of a training step in units of the dense layer's, two threads."""
    torch.set_num_threads(2)
    for modes, batch, goal in ((64, 600, 1.2), (256, 4096, 1.25), (8, 1, 3)):
        ours, reference = photonic(rectangular(modes), batch), dense(modes, batch)
        times = alternate({"ours": ours.step, "dense": reference.step}, _SECONDS, patience)
        yield Target(
            f"training step, N = {modes}, batch {batch}, two threads: time over the dense layer's",
            goal,
            times["ours"].ratio(times["dense"]),
            "×",
            disturbed=times["ours"].disturbed,
        )


def against_torch(patience: Patience) -> Iterator[Target]:
    """Yield how many times faster a training step is than in pure torch, two threads."""
    torch.set_num_threads(2)
    topology = rectangular(64)
    ours = photonic(topology, 600)
    for writing, name in _WRITINGS:
        plain = torch_mesh(topology, 600, writing)
        require_equal(ours, plain)
        times = alternate({"ours": ours.step, "torch": plain.step}, _SECONDS, patience)
        yield Target(
            f"training step, N = 64, batch 600, two threads: pure torch ({name}) over ours",
            100,
            times["torch"].ratio(times["ours"]),
            "×",
            at_most=False,
            disturbed=times["ours"].disturbed,
        )


def of_peak(patience: Patience) -> Iterator[Target]:
    """Yield the share of one core's multiply-add peak that the passes reach, by the operations of 2×2 matrices."""
    adds = multiply_adds(_kernels.kernels.isa, "single")
    for modes, batch in itertools.product((64, 128, 256), (64, 600)):
        topology = rectangular(modes)
        passes = prepare(topology, batch, threads=1)
        contenders = {"peak": adds.run, "forward": passes.forward, "adjoint": passes.adjoint}
        times = alternate(contenders, _SECONDS, patience)
        for name, operations in (("forward", FORWARD_MZI), ("adjoint", ADJOINT_MZI)):
            share = operations * topology.mzis * batch / adds.operations * times["peak"].ratio(times[name])
            yield Target(
                f"{name} pass, N = {modes}, batch {batch}, one thread: share of the measured peak",
                65,
                100 * share,
                "%",
                at_most=False,
                disturbed=times[name].disturbed,
            )


def two_threads(patience: Patience) -> Iterator[Target]:
    """Yield how many times faster the passes are on two threads than on one."""
    for modes in (64, 256):
        one, two = (prepare(rectangular(modes), 600, threads) for threads in (1, 2))
        for name in ("forward", "adjoint"):
            times = alternate({"one": getattr(one, name), "two": getattr(two, name)}, _SECONDS, patience)
            yield Target(
                f"{name} pass, N = {modes}, batch 600: one thread over two",
                1.8,
                times["one"].ratio(times["two"]),
                "×",
                at_most=False,
                disturbed=times["two"].disturbed,
            )


def noise(patience: Patience) -> Iterator[Target]:
    """Yield the time of a normal number, one thread, in turn with other generators of them."""
    torch.set_num_threads(1)
    values, generator, count = np.empty(100_000, np.float32), np.random.default_rng(1), 100_000
    contenders = {
        "ours": lambda: _kernels.kernels.normals(values, 1, 2, 3, 0, 1),
        "torch.randn": lambda: torch.randn(count),
        "NumPy": lambda: generator.standard_normal(count),
    }
    times = alternate(contenders, _SECONDS, patience)
    others = ", ".join(f"{name} {1e9 * times[name].median / count:.2g}" for name in ("torch.randn", "NumPy"))
    nanoseconds = 1e9 * times["ours"].median / count
    yield Target(f"a normal number, one thread ({others})", 1, nanoseconds, "ns", disturbed=times["ours"].disturbed)


def small_call(patience: Patience) -> Iterator[Target]:
    """Yield the time of the smallest call, with and without a graph."""
    torch.set_num_threads(2)
    layer = photonic(rectangular(8), 1)
    times = alternate({"recorded": layer.record, "inference": layer.forward}, _SECONDS, patience)
    for name, what in (("recorded", "graph recorded"), ("inference", "inference")):
        timing = times[name]
        described = f"forward, N = 8, batch 1, {what} (at best {1e6 * timing.minimum:.0f} µs)"
        yield Target(described, 40, 1e6 * timing.median, "µs", disturbed=timing.disturbed)


def memory() -> Iterator[Target]:
    """Yield the memory of a training step beyond inputs, output and gradients."""
    modes, batch = 256, 600
    (peak,) = peak_bytes([("photonic", modes, batch)], threads=2)
    goal = 4e6 + 8 * modes**2
    yield Target(f"training step, N = {modes}, batch {batch}: passing memory", goal / 1e6, peak / 1e6, "MB")


def imports() -> Iterator[Target]:
    """Yield the time of an import after torch's, in fresh processes."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    runs = []
    for _ in range(6):
        found = subprocess.run(
            [sys.executable, "-c", _IMPORT], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        runs.append([float(value) for value in found.stdout.split()])
    package, layers = (median(column) for column in zip(*runs[1:], strict=True))
    yield Target("import retrolux, beyond torch", 0.15, package, "s")
    yield Target("import retrolux.nn, beyond torch", 0.15, layers, "s")


def build() -> Iterator[Target]:
    """Yield the time of a fresh build of the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps"]
        command += [f"--config-settings=build-dir={folder}/build", "--wheel-dir", folder, str(_ROOT)]
        others, start = worked_by_others(), time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
        disturbed = worked_by_others() - others > _QUIET_BUILD * seconds
        yield Target(f"fresh build on {os.cpu_count()} cores", 90, seconds, "s", disturbed=disturbed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true", help="time a fresh build too")
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    patience = Patience(arguments.patience)
    machine = Machine(threads=2)
    timed = [against_dense, against_torch, of_peak, two_threads, small_call, noise]
    targets = [target for part in timed for target in part(patience)]
    targets += [*memory(), *imports()]
    if arguments.build:
        patience.wait()
        targets += build()
    command = "python bench/targets.py" + " --build" * arguments.build
    text = f"`{command}`: {machine.facts()}.\n\n" + table(
        ["", "goal", "measured", ""], [target.row() for target in targets]
    )
    print(text)
    if arguments.output:
        replace_section(arguments.output, "targets", text)


if __name__ == "__main__":
    main()
