"""A gradient over a batch of up to a million samples: at once, in chunks, and from a source that streams.

python bench/stream.py [--quick] [--threads 2] [--output bench/README.md]

A rectangular mesh and detectors, single precision. Gradients add up over the chunks, so that one chunk is in memory at
a time. About 4 minutes on two cores.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from _figures import figure
from _readme import replace_section, table
from _resident import resident
from tqdm import tqdm  # type: ignore[import-untyped]

from retrolux import nn
from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

_CASES = tuple((modes, 10**power) for modes in (64, 256) for power in (3, 4, 5, 6))
_QUICK_CASES = ((64, 10**3), (64, 10**4), (64, 10**5))
_CHUNK = 4096
_SECONDS = 0.5
# Beyond this the light of the whole batch is not made: a step holds five times as much.
_LARGEST_LIGHT = 1e9
_WAYS = ("at once", "chunks", "streamed")
_DRAWING = "drawing"


def accumulate(network: torch.nn.Module, chunks: Iterable[Tensor], batch: int) -> None:
    """Add the gradients of the mean loss over `batch` samples, which come in `chunks`, to those of the parameters."""
    for chunk in chunks:
        (network(chunk).square().sum() / batch).backward()


def source(modes: int, batch: int) -> Iterator[Tensor]:
    """Yield the light of `batch` samples chunk by chunk, as a loader of a file would."""
    generator = torch.Generator().manual_seed(1)
    for start in range(0, batch, _CHUNK):
        yield torch.randn(min(_CHUNK, batch - start), modes, dtype=torch.complex64, generator=generator)


def gradient(modes: int, batch: int, way: str) -> Callable[[], list[Tensor]]:
    """Return a call that computes the gradients of all phases in a way: "at once", "chunks" or "streamed"."""
    network = torch.nn.Sequential(nn.Mesh(rectangular(modes), seed=0, train_gamma=False), nn.Intensity(range(10)))
    light = None if way == "streamed" else torch.cat(list(source(modes, batch)))

    def call() -> list[Tensor]:
        network.zero_grad()
        if light is None:
            accumulate(network, source(modes, batch), batch)
        else:
            accumulate(network, [light] if way == "at once" else light.split(_CHUNK), batch)
        return [phase.grad for phase in network.parameters() if phase.grad is not None]

    return call


def draw(modes: int, batch: int) -> None:
    """Draw the light of a batch and do nothing with it."""
    for _ in source(modes, batch):
        pass


def ways(modes: int, batch: int) -> tuple[str, ...]:
    """Return the ways for which there is memory."""
    return _WAYS if 8 * modes * batch <= _LARGEST_LIGHT else _WAYS[-1:]


def row(modes: int, batch: int, patience: Patience, threads: int) -> list[str]:
    """Measure a row of the table."""
    calls = {way: gradient(modes, batch, way) for way in ways(modes, batch)}
    require_equal({way: call() for way, call in calls.items()})
    contenders: dict[str, Callable[[], object]] = {**calls, _DRAWING: partial(draw, modes, batch)}
    times = alternate(contenders, _SECONDS, patience, at_least=1)
    cases = [(modes, batch, way) for way in calls]
    memory = dict(zip(calls, resident(gradient, cases, (modes, 100, "at once"), threads), strict=True))
    shown = [f"{modes} × {batch}"]
    for way in (*_WAYS, _DRAWING):
        mark = "~" * times[way].disturbed if way in times else ""
        shown.append(f"{mark}{figure(1e6 * times[way].median / batch)}" if way in times else "–")
    return [*shown, *(f"{memory[way].peak / 1e6:.1f}" if way in memory else "–" for way in _WAYS)]


def require_equal(gradients: dict[str, list[Tensor]]) -> None:
    """Refuse ways whose gradients differ by more than rounding in single precision.

    Raises
    ------
    ValueError
        When they do.
    """
    first, *others = gradients.values()
    for other in others:
        for mine, theirs in zip(first, other, strict=True):
            difference = float((mine - theirs).abs().max() / mine.abs().max())
            if not difference < 1e-3:
                raise ValueError(f"gradients must agree to 1e-3, got a relative difference of {difference:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few cells")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine, patience = Machine(arguments.threads), Patience(arguments.patience)
    cases = tqdm(_QUICK_CASES if arguments.quick else _CASES, unit="row", disable=None)
    rows = [row(modes, batch, patience, arguments.threads) for modes, batch in cases]
    header = ["N × batch", *(f"{way} [µs]" for way in (*_WAYS, _DRAWING)), *(f"{way} [MB]" for way in _WAYS)]
    command = f"python bench/stream.py --threads {arguments.threads}" + " --quick" * arguments.quick
    text = f"`{command}`: {machine.facts()}; chunks of {_CHUNK}.\n\n{table(header, rows)}"
    print(text)
    if arguments.output:
        replace_section(arguments.output, "stream", text)


if __name__ == "__main__":
    main()
