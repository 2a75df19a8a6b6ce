"""`retrolux bench`: how fast this machine is, and what limits it."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from retrolux.atomic import write_atomically
from retrolux.commands.paths import OptionalFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrolux.bench.comparison import Comparison
    from retrolux.bench.rates import Rates

__all__ = ["DESCRIPTION", "Bench"]

DESCRIPTION = """\
Print how fast this machine is, and what limits it.

The first table has the passes of light by themselves, for every instruction set that this processor runs, as a share
of the multiply-adds that it can do. The second has layers: inference (forward), a training step, and a step on a
simulated chip that measures its gradients (in situ), each next to the dense layer, a matrix product of the same size by
torch. Contenders take turns; all are in single precision.

The environment variable RETROLUX_ISA picks the instruction set of the layers. Other processes disturb: stop them first.

Examples:
  retrolux bench
  retrolux bench --modes 64 --batch 600 --threads 1
  retrolux bench --modes 512 1024 --batch 64 --seconds 5
  retrolux bench --out bench.json"""

_LEGEND = """\
time       median; ~ marks what other processes disturbed
÷ dense    over the time of the dense layer, in the same round
arithmetic share of the time that the operations would take if they were multiply-adds in registers{peak}
calls      share of the time that the same work takes with 2 modes and 1 sample: Python and torch
limited by the largest of these two and the rest: caches and memory, waking threads and, in situ, the noise;
           – where that cannot be said"""


@dataclass(frozen=True)
class Bench:
    """Print how fast this machine is, and what limits it.

    Attributes
    ----------
    modes
        Modes of the rectangular meshes, at least 2.
    batch
        Samples in a batch, at least 1; every size meets every mesh.
    threads
        Threads that compute; by default as many as torch takes.
    seconds
        How long to measure each size (s); up to twice that on a busy machine.
    out
        A file for all figures, in JSON.
    """

    modes: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT")] = (8, 64, 256)
    batch: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT")] = (1, 64, 600)
    threads: int | None = None
    seconds: float = 1.0
    out: OptionalFile = None

    def run(self) -> int:
        """Measure, show the progress and print the tables."""
        self._check()
        import torch  # noqa: PLC0415 - slow, and not needed for --help

        from retrolux.bench.machine import Machine  # noqa: PLC0415 - as above

        with _threads(self.threads):
            threads = torch.get_num_threads()
            machine = Machine(threads)
            rates, comparisons = self._measure(threads)
            facts = machine.facts()
        print(f"{facts}\n\n{_rates_table(rates)}\n\n{_layers_table(comparisons)}\n")
        print(_LEGEND.format(peak=f", {rates[-1].peak / threads / 1e9:.0f} GFLOP/s a core"))
        if self.out is not None:
            figures = {
                "machine": facts,
                "threads": threads,
                "passes": [asdict(rate) for rate in rates],
                "layers": [{**asdict(comparison), "limit": comparison.limit} for comparison in comparisons],
            }
            write_atomically(self.out, f"{json.dumps(figures, indent=2, ensure_ascii=False)}\n".encode())
            print(f"\nall figures are in {self.out}")
        return 0

    def _check(self) -> None:
        for name, numbers, least, most in (("modes", self.modes, 2, 2**14), ("batch", self.batch, 1, 2**31 - 1)):
            if not numbers or min(numbers) < least:
                raise ValueError(f"{name} must be integers of at least {least}, got {numbers}")
            if max(numbers) > most:
                raise ValueError(f"{name} must be at most {most}, got {max(numbers)}")
        if self.threads is not None and not 1 <= self.threads <= 1024:  # systems end processes that ask for too many
            raise ValueError(f"threads must be from 1 to 1024, got {self.threads}")
        if not 0 < self.seconds < math.inf:
            raise ValueError(f"seconds must be a finite number above 0, got {self.seconds}")
        if self.out is not None and self.out.is_dir():
            raise IsADirectoryError(f"out must be a file, got the folder {self.out}")

    def _measure(self, threads: int) -> tuple[list[Rates], list[Comparison]]:
        """Return the passes, last those of the instruction set and the threads in use, and the layers."""
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and not needed for --help

        from retrolux import _kernels  # noqa: PLC0415 - as above
        from retrolux.bench.comparison import compare, time_calls  # noqa: PLC0415 - as above
        from retrolux.bench.peak import multiply_adds  # noqa: PLC0415 - as above
        from retrolux.bench.rates import measure_rates  # noqa: PLC0415 - as above

        used = _kernels.kernels.isa
        cases = [(isa, 1) for isa in _kernels.isas_usable if (isa, 1) != (used, threads)] + [(used, threads)]
        sizes = [(modes, batch) for modes in self.modes for batch in self.batch]
        rates: list[Rates] = []
        comparisons: list[Comparison] = []
        with tqdm(total=len(cases) + 1 + len(sizes), unit="measurement", disable=None) as bar:
            for isa, count in cases:
                bar.set_postfix_str(f"{isa}, {count} thread{'s' if count > 1 else ''}")
                rates.append(measure_rates(isa, count, self.seconds, multiply_adds(isa, "single")))
                bar.update()
            bar.set_postfix_str("calls")
            calls = time_calls(self.seconds)
            bar.update()
            for modes, batch in sizes:
                bar.set_postfix_str(f"{modes} modes, batch {batch}")
                comparisons += compare(modes, batch, self.seconds, calls, rates[-1].peak)
                bar.update()
        return rates, comparisons


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Have torch compute with `count` threads, if it is given."""
    import torch  # noqa: PLC0415 - slow, and not needed for --help

    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rates_table(rates: Sequence[Rates]) -> str:
    from retrolux.bench.rates import BATCH, MODES  # noqa: PLC0415 - brings the kernels, not needed for --help

    rows = [["instruction set", "threads", "forward", "of peak", "adjoint", "of peak"]]
    for rate in rates:
        mark = "~" * rate.disturbed
        row = [rate.isa, str(rate.threads)]
        for flops in (rate.forward, rate.adjoint):
            row += [f"{mark}{flops / 1e9:.1f} GFLOP/s", _share(flops, rate.peak)]
        rows.append(row)
    return f"passes of {BATCH} samples through {MODES} modes, without torch\n{_aligned(rows)}"


def _layers_table(comparisons: Sequence[Comparison]) -> str:
    from retrolux.energy.quantity import engineering  # noqa: PLC0415 - its package is not needed for --help

    header = ["modes × batch", "work", "route", "time", "fastest", "dense", "÷ dense"]
    rows = [[*header, "arithmetic", "calls", "limited by"]]
    for found in comparisons:
        mark = "~" * found.disturbed
        rows.append(
            [
                f"{found.modes} × {found.batch}" if found.work == "forward" else "",
                found.work,
                found.route,
                f"{mark}{engineering(found.seconds, 's')}",
                engineering(found.fastest, "s"),
                engineering(found.dense_seconds, "s"),
                f"{found.ratio:.2f}",
                _share(found.arithmetic, 1),
                _share(found.calls, 1),
                found.limit or "–",
            ]
        )
    return f"layers\n{_aligned(rows)}"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
