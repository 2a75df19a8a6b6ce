"""Photonic layers in the place of torch's: a training step and an inference, and where the step's time goes.

python bench/dropin.py [--threads 2] [--output bench/README.md]

A step is the forward pass and the gradients in the input and in every parameter.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from _readme import replace_section, table

from retrolux import nn
from retrolux.bench.machine import Machine
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.functional import matrices

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.timing import Timing
    from retrolux.nn.block_layer import BlockLayer

_SECONDS = 6.0


@dataclass(frozen=True)
class Case:
    """A layer of torch and the photonic one in its place."""

    name: str
    digital: torch.nn.Module
    photonic: BlockLayer
    shape: tuple[int, ...]
    goal: float
    """Most times the digital step that a photonic one may take."""


def cases() -> list[Case]:
    """Return the layers that the product makes a promise for."""
    return [
        Case(
            "Linear(1024, 1024), blocks of 64, batch 600",
            torch.nn.Linear(1024, 1024),
            nn.Linear(1024, 1024, block=64, seed=0),
            (600, 1024),
            3.0,
        ),
        Case(
            "Conv2d(32, 16, 3×3) on 32 × 32, blocks of 16, batch 64",
            torch.nn.Conv2d(32, 16, 3, padding=1),
            nn.Conv2d(32, 16, 3, padding=1, block=64, seed=0),
            (64, 32, 32, 32),
            4.0,
        ),
    ]


def contenders(case: Case) -> dict[str, Callable[[], object]]:
    """Return what is timed for a case: both layers, and the parts of the photonic step."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(case.shape, generator=generator, requires_grad=True)
    grad_y = torch.randn(case.digital(x).shape, generator=generator)
    blocks = case.photonic.blocks
    phases = blocks.theta, blocks.phi, blocks.gamma
    grad_weight = torch.randn(blocks.matrix().shape, generator=generator)
    grad_meshes = torch.randn_like(matrices(*phases, blocks.topology))

    def step(layer: torch.nn.Module) -> Callable[[], object]:
        wanted = [x, *layer.parameters()]
        return lambda: torch.autograd.grad(layer(x), wanted, grad_y)

    def inference(layer: torch.nn.Module) -> Callable[[], object]:
        def run() -> object:
            with torch.no_grad():
                return layer(x)

        return run

    return {
        "digital step": step(case.digital),
        "photonic step": step(case.photonic),
        "weight": lambda: torch.autograd.grad(blocks.matrix(), list(blocks.parameters()), grad_weight),
        "meshes": lambda: torch.autograd.grad(matrices(*phases, blocks.topology), phases, grad_meshes),
        "digital inference": inference(case.digital),
        "photonic inference": inference(case.photonic),
    }


def row(case: Case, times: dict[str, Timing]) -> list[str]:
    """Return the row of a case; ~ marks what other processes disturbed."""
    mark = "~" * times["photonic step"].disturbed
    ratio = times["photonic step"].ratio(times["digital step"])
    verdict = "met" if ratio <= case.goal else "**missed**"
    return [
        case.name,
        *(_milliseconds(times[name]) for name in ("digital step", "photonic step")),
        f"{mark}{ratio:.2f}",
        f"≤ {case.goal:.3g}: {'disturbed' if mark else verdict}",
        *(_milliseconds(times[name]) for name in ("weight", "meshes")),
        f"{times['photonic inference'].ratio(times['digital inference']):.2f}",
    ]


def _milliseconds(timing: Timing) -> str:
    return f"{'~' * timing.disturbed}{1e3 * timing.median:.3g} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of this table")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, altogether")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine, patience = Machine(arguments.threads), Patience(arguments.patience)
    rows = [row(case, alternate(contenders(case), _SECONDS, patience)) for case in cases()]
    header = ["layer", "torch's step", "photonic", "÷ torch's", "goal", "of it the weight", "of that the meshes"]
    text = f"`python bench/dropin.py --threads {arguments.threads}`: {machine.facts()}.\n\n" + table(
        [*header, "inference ÷ torch's"], rows
    )
    print(text)
    if arguments.output:
        replace_section(arguments.output, "dropin", text)


if __name__ == "__main__":
    main()
