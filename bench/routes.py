"""The cost rule of retrolux.functional.choose_route: both routes timed, the constants that fit, the time lost.

python bench/routes.py [--threads 2] [--output bench/README.md]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from _readme import replace_section, table
from tqdm import tqdm  # type: ignore[import-untyped]

from retrolux.bench.layers import photonic
from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.functional import choose_route
from retrolux.mesh import butterfly, cascade, rectangular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from retrolux.mesh import Topology

_MODES = (8, 16, 32, 64, 128, 256, 512)
# Batches in units of the modes: dense around the crossover of a universal mesh, and far out for those of few MZIs.
_UNIVERSAL, _SPARSE = (1, 1.5, 2, 2.5, 3, 4, 6, 12, 32), (2, 8, 64)
_LARGEST_LIGHT = 2**21
_SECONDS = 0.15
# Candidates for the constants of a rule, in crossings of one MZI.
_PRODUCT_COSTS = np.linspace(0.0, 0.6, 61)
_MODE_COSTS = np.linspace(0.0, 24.0, 49)
_CALL_COSTS = np.linspace(0.0, 200e3, 51)


@dataclass(frozen=True)
class Cell:
    """A training step on both routes [s]."""

    topology: Topology
    batch: int
    mesh: float
    matrix: float
    disturbed: bool


@dataclass(frozen=True)
class Rule:
    """The mesh where ``mzis batch <= mzis N + (product N² + mode N) batch + call``; unit: one MZI's crossing."""

    product: float
    mode: float = 0.0
    call: float = 0.0

    def losses(self, cells: list[Cell]) -> NDArray[np.float64]:
        """Return by how much of the best time each cell is slower than it."""
        choices = [self._takes_mesh(cell) for cell in cells]
        return _losses(cells, choices)

    def _takes_mesh(self, cell: Cell) -> bool:
        modes, mzis, batch = cell.topology.modes, cell.topology.mzis, cell.batch
        return mzis * batch <= mzis * modes + (self.product * modes**2 + self.mode * modes) * batch + self.call


def _losses(cells: list[Cell], takes_mesh: list[bool]) -> NDArray[np.float64]:
    taken = np.array([c.mesh if mesh else c.matrix for c, mesh in zip(cells, takes_mesh, strict=True)])
    best = np.array([min(cell.mesh, cell.matrix) for cell in cells])
    losses: NDArray[np.float64] = taken / best - 1
    return losses


def grid() -> Iterator[tuple[Topology, int]]:
    """Yield the meshes and batches to measure."""
    families: tuple[tuple[Callable[[int], Topology], tuple[float, ...]], ...] = (
        (rectangular, _UNIVERSAL),
        (butterfly, _SPARSE),
        (cascade, _SPARSE),
    )
    for build, multiples in families:
        for modes in _MODES:
            for multiple in multiples:
                if multiple * modes**2 <= _LARGEST_LIGHT:
                    yield build(modes), int(multiple * modes)


def measure(patience: Patience) -> list[Cell]:
    """Time every mesh and batch of the grid."""
    cells = []
    for topology, batch in tqdm(list(grid()), unit="cell", disable=None):
        routes = {
            "mesh": photonic(topology, batch, "mesh").step,
            "matrix": photonic(topology, batch, "matrix").step,
        }
        times = alternate(routes, _SECONDS, patience, at_least=3)
        mesh, matrix = times["mesh"], times["matrix"]
        cells.append(Cell(topology, batch, mesh.median, matrix.median, mesh.disturbed))
    return cells


def ratios(cells: list[Cell], names: tuple[str, ...], multiples: tuple[float, ...]) -> str:
    """Return the table of the mesh route's time over the matrix route's; ~ marks those that others disturbed."""
    rows = []
    for name in names:
        for modes in _MODES:
            here = [c for c in cells if (c.topology.name, c.topology.modes) == (name, modes)]
            found = [f"{'~' * cell.disturbed}{cell.mesh / cell.matrix:.2f}" for cell in here]
            rows.append([f"{name}, {modes}", *found, *["–"] * (len(multiples) - len(found))])
    return table(["mesh ÷ matrix, N", *(f"batch {multiple:g} N" for multiple in multiples)], rows)


def rules(cells: list[Cell]) -> str:
    """Return the rules fitted to the undisturbed `cells` next to the one in use, with the time that each loses."""
    cells = [cell for cell in cells if not cell.disturbed]
    if not cells:
        return "Every cell was disturbed: there is nothing to fit."
    products = [Rule(product) for product in _PRODUCT_COSTS]
    with_mode = [Rule(product, mode) for product in _PRODUCT_COSTS for mode in _MODE_COSTS]
    with_call = [Rule(product, 0.0, call) for product in _PRODUCT_COSTS for call in _CALL_COSTS]
    losses = {
        "choose_route as it is": _losses(cells, [choose_route(c.topology, c.batch) == "mesh" for c in cells]),
        "always the mesh": _losses(cells, [True] * len(cells)),
        "always the matrix": _losses(cells, [False] * len(cells)),
    }
    for family in (products, with_mode, with_call):
        rule = min(family, key=lambda candidate: float(candidate.losses(cells).mean()))
        losses[f"product {rule.product:.2f}, mode {rule.mode:.2f}, call {rule.call:.0f}"] = rule.losses(cells)
    rows = [[name, f"{loss.mean():.1%}", f"{loss.max():.0%}"] for name, loss in losses.items()]
    return table(["rule (costs in crossings of one MZI)", "time lost, mean", "worst"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    patience = Patience(arguments.patience)
    torch.set_num_threads(arguments.threads)
    machine = Machine(arguments.threads)
    cells = measure(patience)
    command = f"`python bench/routes.py --threads {arguments.threads}`: {machine.facts()}."
    universal, few = ratios(cells, ("rectangular",), _UNIVERSAL), ratios(cells, ("butterfly", "cascade"), _SPARSE)
    text = "\n\n".join([command, universal, few, rules(cells)])
    print(text)
    if arguments.output:
        replace_section(arguments.output, "routes", text)


if __name__ == "__main__":
    main()
