"""Time and memory against the number of modes, from 64 to 4096: what was measured, and what follows for more machines.

python bench/scale.py [--largest 512] [--threads 2] [--output bench/README.md]

Rectangular meshes on the mesh route, in single and double precision. About 4 minutes on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from _extrapolation import Measured, extrapolated
from _figures import figure
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

    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    from retrolux.bench.timing import Timing

# Up to 1024 time per sample has to grow as N^2, to within this exponent: sizes that take turns, fitted round by round.
_MODES, _GOAL = (64, 128, 256, 512, 1024), 2.1
_BEYOND = (2048, 4096)
# Large enough that calls of Python are little of the smallest mesh's time, small enough for the largest mesh.
_BATCH = 256
_DTYPES = (torch.complex64, torch.complex128)
_SECONDS = 0.5
_OPERATIONS = {"forward": FORWARD_MZI, "step": FORWARD_MZI + ADJOINT_MZI}
_WARM_UP = (4, torch.complex64)


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


def measure(modes: Sequence[int], dtype: torch.dtype, patience: Patience) -> list[Size]:
    """Time sizes in turns, so that what disturbs the machine disturbs all of them alike."""
    contenders = {(n, what): call for n in modes for what, call in _passes(n, dtype).items()}
    times = alternate(contenders, _SECONDS * len(contenders), patience, at_least=3)
    sizes = []
    for n in modes:
        topology = _topology(n)
        makers: dict[str, Callable[[], object]] = {
            "topology": partial(_topology, n),
            "layer": partial(nn.Mesh, topology, dtype, seed=0),
        }
        making = alternate(makers, _SECONDS / 10, patience, at_least=2)
        sizes.append(Size(n, dtype, {what: times[n, what] for what in _OPERATIONS}, making))
    return sizes


def _passes(modes: int, dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    layer, x, _ = _layer_and_light(modes, dtype)

    def forward() -> Tensor:
        with torch.no_grad():
            return layer(x)  # type: ignore[no-any-return]

    return {"forward": forward, "step": step_of(modes, dtype)}


def exponents(modes: Sequence[int], values: ArrayLike) -> NDArray[np.float64]:
    """Return x of the laws ``modes ** x`` that fit each column of `values` best: least squares of the logarithms."""
    return np.atleast_1d(np.polyfit(np.log(modes), np.log(values), 1)[0])


def time_table(sizes: list[Size]) -> str:
    """Return the table of the time per sample in one precision, with the exponent from each row to the next."""
    rows = []
    for smaller, size in zip([None, *sizes], sizes, strict=False):
        row = [str(size.modes), f"{size.mzis}"]
        for what, timing in size.times.items():
            row += [f"{'~' * timing.disturbed}{figure(1e6 * timing.median / _BATCH)}", f"{size.rate(what) / 1e9:.0f}"]
            row.append(f"{_medians_exponent([smaller, size], what):.2f}" if smaller else "–")
        rows.append(row)
    columns = [" [µs]", ", GFLOP/s", ", exponent"]
    return table(["N", "MZIs", *(f"{what}{column}" for what in _OPERATIONS for column in columns)], rows)


def size_table(sizes: list[Size], memory: list[Memory]) -> str:
    """Return the table of what a layer takes: memory and the time to make it."""
    by_dtype = _by_dtype(sizes, memory)
    rows = []
    for pairs in zip(*by_dtype.values(), strict=True):
        size, _ = pairs[0]
        row = [str(size.modes)]
        for _, taken in pairs:
            row += [_megabytes(taken.held), _megabytes(taken.peak), f"{taken.peak / size.mzis:.0f}"]
        rows.append([*row, *(f"{'~' * made.disturbed}{figure(1e3 * made.median)}" for made in size.making.values())])
    header = [
        f"{_name(dtype)}, {what}" for dtype in by_dtype for what in ("held [MB]", "peak [MB]", "peak per MZI [B]")
    ]
    return table(["N", *header, "topology [ms]", "layer [ms]"], rows)


def exponent_table(sizes: list[Size], memory: list[Memory]) -> str:
    """Return the table of the fitted exponents, with the goal for the time per sample."""
    rows = []
    for dtype, pairs in _by_dtype(sizes, memory).items():
        found = [size for size, _ in pairs]
        paired = [size for size in found if size.modes in _MODES]
        for what in _OPERATIONS:
            times = [size.times[what] for size in paired]
            fits = exponents([size.modes for size in paired], [time.seconds for time in times])
            low, middle, high = np.quantile(fits, [0.25, 0.5, 0.75])
            verdict = "disturbed" if times[0].disturbed else "met" if middle <= _GOAL else "**missed**"
            row = [f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{_medians_exponent(found, what):.2f}"]
            rows.append([f"time of the {what}, {_name(dtype)}", *row, f"≤ {_GOAL}: {verdict}"])
        modes, peaks = [size.modes for size in found], [taken.peak for _, taken in pairs]
        row = [f"{exponents(modes[:count], peaks[:count])[0]:.2f}" for count in (len(paired), len(found))]
        rows.append([f"peak memory of a step, {_name(dtype)}", *row, "–"])
    return table(["exponent of N", f"up to N = {paired[-1].modes}", f"up to {found[-1].modes}", "goal"], rows)


def _medians_exponent(sizes: list[Size], what: str) -> float:
    return float(exponents([size.modes for size in sizes], [size.times[what].median for size in sizes])[0])


def _by_dtype(sizes: list[Size], memory: list[Memory]) -> dict[torch.dtype, list[tuple[Size, Memory]]]:
    pairs = list(zip(sizes, memory, strict=True))
    return {dtype: [pair for pair in pairs if pair[0].dtype == dtype] for dtype in _DTYPES}


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _megabytes(count: int) -> str:
    return figure(max(count, 0) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, choices=_MODES[2:] + _BEYOND, default=_BEYOND[-1], help="size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of these tables")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine, patience = Machine(arguments.threads), Patience(arguments.patience)
    groups = [[n for n in group if n <= arguments.largest] for group in (_MODES, _BEYOND)]
    turns = tqdm([(group, dtype) for dtype in _DTYPES for group in groups if group], unit="turn", disable=None)
    sizes = [size for group, dtype in turns for size in measure(group, dtype, patience)]
    memory = resident(step_of, [(size.modes, size.dtype) for size in sizes], _WARM_UP, arguments.threads)
    command = f"python bench/scale.py --largest {arguments.largest} --threads {arguments.threads}"
    text = [f"`{command}`: {machine.facts()}; batch {_BATCH}, mesh route."]
    text += [f"Time per sample, {_name(d)}:\n\n{time_table([s for s in sizes if s.dtype == d])}" for d in _DTYPES]
    text.append(f"A training step's memory, and the time to make a layer:\n\n{size_table(sizes, memory)}")
    text.append(f"Fitted exponents:\n\n{exponent_table(sizes, memory)}")
    constants = [
        Measured(size.modes, size.mzis, size.times["step"].median / _BATCH, size.times["step"].disturbed, taken.peak)
        for size, taken in _by_dtype(sizes, memory)[torch.complex64]
    ]
    sections = {"scale": "\n\n".join(text), "extrapolated": extrapolated(constants[-3::2], _BATCH)}
    for name, section in sections.items():
        print(section, end="\n\n")
        if arguments.output:
            replace_section(arguments.output, name, section)


if __name__ == "__main__":
    main()
