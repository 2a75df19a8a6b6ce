"""Forward pass and training step of a rectangular mesh, next to the dense digital layer and to the mesh in pure torch.

python bench/mesh.py [--quick] [--threads 2] [--output bench/README.md]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from _memory import peak_bytes
from _readme import replace_section, table
from _torch_mesh import torch_mesh
from tqdm import tqdm  # type: ignore[import-untyped]

from retrolux import _kernels
from retrolux.bench import operations
from retrolux.bench.layers import dense, photonic, require_equal
from retrolux.bench.machine import Machine
from retrolux.bench.peak import measure
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.functional import choose_route
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from retrolux.bench.timing import Timing

_MODES = (8, 16, 64, 128, 256, 512, 1024)
_BATCHES = (1, 64, 600, 4096)
_QUICK_MODES, _QUICK_BATCHES = (8, 64, 256), (1, 600)

# Beyond these the mesh in pure torch is left out.
_LONGEST_STEP_S = 1.0
_LARGEST_GRAPH = 4e9
# What its graph keeps for every column: the gathered pairs, their products and the scattered light, complex64.
_BYTES_PER_CROSSING = 3 * 8

_Row: TypeAlias = list[str]


@dataclass(frozen=True)
class Cell:
    """What was measured for one number of modes and one batch, "forward" and of a training "step"."""

    modes: int
    batch: int
    dense: dict[str, dict[str, Timing]]
    """Of "ours" and "dense", paired."""
    torch: dict[str, dict[str, Timing]] | None
    """Of "ours" and "torch", paired; None where the mesh in pure torch was left out."""


def measure_cell(modes: int, batch: int, seconds: float, with_torch: bool, patience: Patience) -> Cell:
    """Time one cell for about `seconds` per pair of contenders."""
    topology = rectangular(modes)
    ours, digital = photonic(topology, batch), dense(modes, batch)
    against_dense = {
        "forward": alternate({"ours": ours.forward, "dense": digital.forward}, seconds, patience, at_least=3),
        "step": alternate({"ours": ours.step, "dense": digital.step}, seconds, patience, at_least=3),
    }
    if not with_torch:
        return Cell(modes, batch, against_dense, None)
    plain = torch_mesh(topology, batch, "batched")
    require_equal(ours, plain)
    against_torch = {
        "forward": alternate({"ours": ours.forward, "torch": plain.forward}, seconds, patience, at_least=2),
        "step": alternate({"ours": ours.step, "torch": plain.step}, seconds, patience, at_least=2),
    }
    return Cell(modes, batch, against_dense, against_torch)


def measure_grid(modes: tuple[int, ...], batches: tuple[int, ...], seconds: float, patience: Patience) -> list[Cell]:
    """Time every cell, those in pure torch as long as the next smaller number of modes lets expect a bearable one."""
    cells: list[Cell] = []
    expected = dict.fromkeys(batches, 0.0)
    for n, batch in tqdm([(n, batch) for n in modes for batch in batches], unit="cell", disable=None):
        smaller = max((m for m in modes if m < n), default=n)
        bearable = expected[batch] * (n / smaller) ** 2 < _LONGEST_STEP_S
        cell = measure_cell(
            n, batch, seconds, bearable and n**2 * batch * _BYTES_PER_CROSSING < _LARGEST_GRAPH, patience
        )
        expected[batch] = cell.torch["step"]["torch"].median if cell.torch else float("inf")
        cells.append(cell)
    return cells


def timing_table(cells: list[Cell], what: str, peak: float) -> str:
    """Return the table of one thing that was timed: "forward" or "step"."""
    rows: list[_Row] = []
    for cell in cells:
        ours, reference = cell.dense[what]["ours"], cell.dense[what]["dense"]
        topology = rectangular(cell.modes)
        rate = ours.rate(operations.photonic(topology, cell.batch)[what])
        dense_rate = reference.rate(operations.dense(cell.modes, cell.batch)[what])
        rows.append(
            [
                f"{cell.modes} × {cell.batch}",
                choose_route(topology, cell.batch),
                _time(ours),
                _time(ours, ours.minimum),
                f"{rate / 1e9:.1f}",
                f"{rate / peak:.0%}",
                _time(reference),
                f"{dense_rate / peak:.0%}",
                f"{ours.ratio(reference):.2f}",
                *(_against_torch(cell.torch[what]) if cell.torch else ("–", "–")),
            ]
        )
    header = ["N × batch", "route", "median", "min", "GFLOP/s", "of peak", "dense", "of peak", "÷ dense"]
    return table([*header, "pure torch", "× faster"], rows)


def _against_torch(times: dict[str, Timing]) -> tuple[str, str]:
    """Return the time of pure torch, and how many times longer it is than ours."""
    return _time(times["torch"]), f"{times['torch'].ratio(times['ours']):.0f}"


def memory_table(cells: list[Cell], threads: int) -> str:
    """Return the table of the memory that a training step takes for a moment."""
    names = ["photonic", "dense", "torch"]
    cases = [
        (name, cell.modes, cell.batch) for name in names for cell in cells if name != "torch" or cell.torch is not None
    ]
    found = dict(zip(cases, peak_bytes(cases, threads), strict=True))
    rows: list[_Row] = []
    for cell in cells:
        peaks = [found.get((name, cell.modes, cell.batch)) for name in names]
        rows.append(
            [f"{cell.modes} × {cell.batch}", *("–" if peak is None else f"{max(peak, 0) / 1e6:.1f}" for peak in peaks)]
        )
    return table(["N × batch", "mesh [MB]", "dense [MB]", "pure torch [MB]"], rows)


def _time(timing: Timing, seconds: float | None = None) -> str:
    """Return the median (else `seconds`) with its unit, marked by ~ when other processes were in the way."""
    value = timing.median if seconds is None else seconds
    unit, scale = next((pair for pair in (("s", 1.0), ("ms", 1e-3)) if value >= pair[1]), ("µs", 1e-6))
    return f"{'~' * timing.disturbed}{value / scale:.3g} {unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few cells, briefly")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    patience = Patience(arguments.patience)
    torch.set_num_threads(arguments.threads)
    machine = Machine(arguments.threads)
    core = measure(_kernels.kernels.isa, "single", patience)
    modes, batches, seconds = (_QUICK_MODES, _QUICK_BATCHES, 0.2) if arguments.quick else (_MODES, _BATCHES, 0.3)
    cells = measure_grid(modes, batches, seconds, patience)
    peak = core * arguments.threads
    command = f"python bench/mesh.py --threads {arguments.threads}" + " --quick" * arguments.quick
    text = "\n\n".join(
        [
            f"`{command}`: {machine.facts()}; measured peak {core / 1e9:.0f} GFLOP/s a core.",
            "Forward pass:",
            timing_table(cells, "forward", peak),
            "Training step:",
            timing_table(cells, "step", peak),
            "Memory of a training step beyond its inputs, output and gradients:",
            memory_table(cells, arguments.threads),
        ]
    )
    print(text)
    if arguments.output:
        replace_section(arguments.output, "mesh", text)


if __name__ == "__main__":
    main()
