"""Time and memory against the number of modes, from 64 to 4096: what was measured, and what follows for more machines.

python bench/scale.py [--quick] [--threads 2] [--output bench/README.md]

Rectangular meshes on the mesh route, in single and double precision. About 4 minutes on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from _extrapolation import Measured, extrapolated
from _readme import replace_section, table
from _resident import Memory, resident
from tqdm import tqdm  # type: ignore[import-untyped]

from retrolux import nn
from retrolux.bench.machine import Machine
from retrolux.bench.operations import ADJOINT_MZI, FORWARD_MZI
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.mesh import Topology, rectangular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from retrolux.bench.timing import Timing

_MODES = (64, 128, 256, 512, 1024, 2048, 4096)
_QUICK_MODES = _MODES[:4]
# Large enough that calls of Python are little of the smallest mesh's time, small enough for the largest mesh.
_BATCH = 256
_DTYPES = (torch.complex64, torch.complex128)
# Up to here time per sample has to grow as N^2, to within this exponent.
_LARGEST_OF_GOAL, _GOAL = 1024, 2.1
_SECONDS = 0.5
_OPERATIONS = {"forward": FORWARD_MZI, "step": FORWARD_MZI + ADJOINT_MZI}
_QUICK_MEMORY = (4, torch.complex64)


@dataclass(frozen=True)
class Size:
    """What was measured for one number of modes and one precision."""

    modes: int
    dtype: torch.dtype
    times: dict[str, Timing]
    """Of a "forward" pass without a graph and of a training "step": forward pass and all gradients."""
    making: dict[str, Timing]
    """Of the "topology" with its kernels' description, and of the "layer" with Haar-random phases."""

    @property
    def mzis(self) -> int:
        """MZIs of the mesh."""
        return self.modes * (self.modes - 1) // 2

    def rate(self, what: str) -> float:
        """Return the operations per second of "forward" or "step"."""
        return self.times[what].rate(_OPERATIONS[what] * self.mzis * _BATCH)


def step_of(modes: int, dtype: torch.dtype) -> Callable[[], tuple[Tensor, ...]]:
    """Return a training step of a mesh: forward pass and the gradients in the input and all phases."""
    layer, x, grad_y = _layer_and_light(modes, dtype)
    inputs = [x.requires_grad_(), *layer.parameters()]
    return lambda: torch.autograd.grad(layer(x), inputs, grad_y)


def _layer_and_light(modes: int, dtype: torch.dtype) -> tuple[nn.Mesh, Tensor, Tensor]:
    layer = nn.Mesh(_topology(modes), dtype, seed=0, route="mesh")
    generator = torch.Generator().manual_seed(1)
    x, grad_y = (torch.randn(_BATCH, modes, dtype=dtype, generator=generator) for _ in range(2))
    return layer, x, grad_y


def _topology(modes: int) -> Topology:
    topology = rectangular(modes)
    _ = topology.layout  # a description for the kernels that is made once and stays
    return topology


def measure(modes: int, dtype: torch.dtype, patience: Patience) -> Size:
    """Time one size."""
    layer, x, _ = _layer_and_light(modes, dtype)

    def forward() -> Tensor:
        with torch.no_grad():
            return layer(x)  # type: ignore[no-any-return]

    times = alternate({"forward": forward, "step": step_of(modes, dtype)}, _SECONDS, patience, at_least=3)
    contenders = {"topology": lambda: _topology(modes), "layer": lambda: nn.Mesh(layer.topology, dtype, seed=0)}
    making: dict[str, Timing] = alternate(contenders, _SECONDS / 10, patience, at_least=2)
    return Size(modes, dtype, times, making)


def exponent(modes: Sequence[int], values: Sequence[float]) -> float:
    """Return x of the law ``modes ** x`` that fits `values` best: least squares of the logarithms."""
    return float(np.polyfit(np.log(modes), np.log(values), 1)[0])


def time_table(sizes: list[Size]) -> str:
    """Return the table of the time per sample in one precision."""
    rows = []
    for smaller, size in zip([None, *sizes], sizes, strict=False):
        row = [str(size.modes), f"{size.mzis}"]
        for what, timing in size.times.items():
            row += [_sample(timing, timing.median), _sample(timing, timing.minimum), f"{size.rate(what) / 1e9:.0f}"]
            pair = None if smaller is None else (smaller.times[what].median, timing.median)
            row.append("–" if smaller is None or pair is None else f"{exponent((smaller.modes, size.modes), pair):.2f}")
        rows.append(row)
    columns = ["median [µs]", "min [µs]", "GFLOP/s", "from the last N: N^"]
    return table(["N", "MZIs", *(f"{what}, {column}" for what in _OPERATIONS for column in columns)], rows)


def _sample(timing: Timing, seconds: float) -> str:
    """Return microseconds per sample, marked by ~ when other processes were in the way."""
    return f"{'~' * timing.disturbed}{1e6 * seconds / _BATCH:.4g}"


def size_table(sizes: list[Size], memory: list[Memory]) -> str:
    """Return the table of what a layer takes: memory and the time to make it."""
    by_dtype = _by_dtype(sizes, memory)
    rows = []
    for pairs in zip(*by_dtype.values(), strict=True):
        size, _ = pairs[0]
        row = [str(size.modes)]
        for _, taken in pairs:
            row += [_megabytes(taken.held), _megabytes(taken.peak), f"{taken.peak / size.mzis:.0f}"]
        rows.append([*row, *(f"{'~' * made.disturbed}{1e3 * made.median:.3g}" for made in size.making.values())])
    header = [f"{_name(dtype)}, {what}" for dtype in by_dtype for what in ("held [MB]", "peak [MB]", "peak per MZI [B]")]
    return table(["N", *header, "topology [ms]", "layer [ms]"], rows)


def exponent_table(sizes: list[Size], memory: list[Memory]) -> str:
    """Return the table of the fitted exponents, with the goal for the time per sample."""
    rows = []
    for dtype, pairs in _by_dtype(sizes, memory).items():
        modes = [size.modes for size, _ in pairs]
        within = sum(n <= _LARGEST_OF_GOAL for n in modes)
        for what in _OPERATIONS:
            times = [size.times[what] for size, _ in pairs]
            medians, minima = [time.median for time in times], [time.minimum for time in times]
            found = exponent(modes[:within], medians[:within])
            disturbed = any(time.disturbed for time in times[:within])
            verdict = "disturbed" if disturbed else "met" if found <= _GOAL else "**missed**"
            fits = [found, exponent(modes[:within], minima[:within]), exponent(modes, medians)]
            rows.append([f"{what}, {_name(dtype)}", *(f"{fit:.2f}" for fit in fits), f"≤ {_GOAL}: {verdict}"])
        peaks = [taken.peak for _, taken in pairs]
        fits = [exponent(modes[:within], peaks[:within]), exponent(modes, peaks)]
        rows.append([f"peak memory of a step, {_name(dtype)}", f"{fits[0]:.2f}", "–", f"{fits[1]:.2f}", "–"])
    first, last = sizes[0].modes, sizes[-1].modes
    to_goal = f"N = {first} to {min(last, _LARGEST_OF_GOAL)}"
    return table(["exponent of N", to_goal, "of the minima", f"N = {first} to {last}", "goal"], rows)


def _by_dtype(sizes: list[Size], memory: list[Memory]) -> dict[torch.dtype, list[tuple[Size, Memory]]]:
    pairs = list(zip(sizes, memory, strict=True))
    return {dtype: [pair for pair in pairs if pair[0].dtype == dtype] for dtype in _DTYPES}


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _megabytes(count: int) -> str:
    return f"{max(count, 0) / 1e6:.4g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"up to {_QUICK_MODES[-1]} modes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of these tables")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine, patience = Machine(arguments.threads), Patience(arguments.patience)
    cases = [(n, dtype) for dtype in _DTYPES for n in (_QUICK_MODES if arguments.quick else _MODES)]
    sizes = [measure(*case, patience) for case in tqdm(cases, unit="size", disable=None)]
    memory = resident(step_of, cases, _QUICK_MEMORY, arguments.threads)
    command = f"python bench/scale.py --threads {arguments.threads}" + " --quick" * arguments.quick
    text = [f"`{command}`: {machine.facts()}; batch {_BATCH}, mesh route."]
    text += [f"Time per sample, {_name(d)}:\n\n{time_table([s for s in sizes if s.dtype == d])}" for d in _DTYPES]
    text.append(f"A training step's memory, and the time to make a layer:\n\n{size_table(sizes, memory)}")
    text.append(f"Fitted exponents:\n\n{exponent_table(sizes, memory)}")
    constants = [
        Measured(size.modes, size.mzis, size.times["step"].median / _BATCH, _BATCH, taken.peak)
        for size, taken in _by_dtype(sizes, memory)[torch.complex64]
    ]
    sections = {"scale": "\n\n".join(text), "extrapolated": extrapolated(constants[-3::2])}
    for name, section in sections.items():
        print(section, end="\n\n")
        if arguments.output:
            replace_section(arguments.output, name, section)


if __name__ == "__main__":
    main()
