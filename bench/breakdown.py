"""Where the time of a training step goes: the passes of light, the matrix products, and what stands between them.

python bench/breakdown.py [--output bench/README.md]
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from _readme import replace_section, table

from retrolux.bench.layers import dense, photonic
from retrolux.bench.machine import Machine
from retrolux.bench.passes import prepare
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.functional import Route

_CASES: tuple[tuple[int, int, Route], ...] = (
    (64, 600, "mesh"),
    (64, 600, "matrix"),
    (256, 600, "mesh"),
    (256, 600, "matrix"),
    (256, 4096, "matrix"),
)
_SECONDS = 2.0


def measure(modes: int, batch: int, route: Route, threads: int, patience: Patience) -> list[str]:
    """Return the row of one training step: its parts by themselves, and what they leave of the whole."""
    torch.set_num_threads(threads)
    topology = rectangular(modes)
    layer, digital = photonic(topology, batch, route), dense(modes, batch)
    on_matrix = route == "matrix"
    passes = prepare(topology, modes if on_matrix else batch, threads)
    contenders: dict[str, Callable[[], object]] = {
        "step": layer.step,
        "dense step": digital.step,
        "forward": passes.forward,
        "adjoint": passes.adjoint,
    }
    if on_matrix:
        contenders["products"] = _products(modes, batch)
    times = alternate(contenders, _SECONDS, patience)
    parts = [times[name].median for name in ("forward", "adjoint", "products") if name in times]
    rest = times["step"].median - sum(parts)
    if not on_matrix:
        parts.append(0.0)
    mark = "~" * times["step"].disturbed
    return [
        f"{mark}{modes} × {batch}",
        route,
        str(threads),
        *(f"{1e6 * value:.0f}" for value in (times["step"].median, *parts, rest, times["dense step"].median)),
        f"{times['step'].ratio(times['dense step']):.2f}",
        str(_page_faults(layer.step)),
        str(_page_faults(digital.step)),
    ]


def _products(modes: int, batch: int) -> Callable[[], None]:
    """Return the three matrix products of a step, results into memory that is there."""
    x, y, grad_y = (torch.randn(batch, modes, dtype=torch.complex64) for _ in range(3))
    matrix, grad_matrix = (torch.randn(modes, modes, dtype=torch.complex64) for _ in range(2))

    def products() -> None:
        torch.mm(x, matrix, out=y)
        torch.mm(grad_y, matrix.mH, out=x)
        torch.mm(y.mH, grad_y, out=grad_matrix)

    return products


def _page_faults(step: Callable[[], object]) -> int:
    """Return the pages that a step has to be given, on average over ten."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    patience = Patience(arguments.patience)
    machine = Machine(threads=2)
    rows = [measure(*case, threads, patience) for case in _CASES for threads in (1, 2)]
    header = [
        "N × batch",
        "route",
        "threads",
        "step [µs]",
        "forward pass",
        "adjoint pass",
        "products",
        "rest",
    ]
    text = f"`python bench/breakdown.py`: {machine.facts()}.\n\n" + table(
        [*header, "dense step [µs]", "÷ dense", "page faults", "dense page faults"], rows
    )
    print(text)
    if arguments.output:
        replace_section(arguments.output, "breakdown", text)


if __name__ == "__main__":
    main()
