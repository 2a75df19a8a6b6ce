"""Train a convolutional network on CIFAR-10: as it is, made of meshes, and on chips with imperfections.

    python examples/cifar.py --data-dir ../shared/data
    python examples/cifar.py --data-dir ../shared/data --epochs 4 --seeds 3 --chip-steps 100 --chip-images 1000

The network and its loop are those of the notebook "Scalability of in situ backpropagation" (Pai et al., Science 380,
398 (2023)): two convolutions and a linear layer, SGD at 0.01 with Nesterov momentum 0.9, batches of 64.
`retrolux.convert` makes its layers of meshes; they start from the same function, and Adam trains their phases. The
trained weights then go onto chips, one for each mesh, where every patch of an image is a sample of light, and are
fine-tuned by the gradients that these chips measure.
"""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

import retrolux
from retrolux import data
from retrolux.atomic import write_atomically
from retrolux.hardware import Imperfections

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.data import Dataset

BATCH = 64


@dataclass(frozen=True)
class Settings:
    """Train a convolutional network on CIFAR-10: as it is, made of meshes, and on chips with imperfections.

    Attributes
    ----------
    data_dir
        Folder with cifar-10-batches-py; left out: the environment variable RETROLUX_DATA.
    seeds
        Networks to train: how many.
    epochs
        Passes over the training images, of the digital network and of the meshes.
    block
        The most modes that a mesh may have.
    lr
        Rate of Adam for the meshes (rad).
    chip_steps
        Steps of fine-tuning on the chips, each on 64 images.
    chip_lr
        Rate of Adam for the chips (rad).
    chip_images
        Test images that are sent through the chips.
    gradient
        How gradients are got from the chips.
    coupler_std
        Errors of the couplers of the chips (rad).
    io_std
        Errors of their modulators and detectors: of the amplitudes, and of the phases in units of π.
    tap_noise
        Noise of their tap detectors.
    out
        The figure.
    """

    data_dir: Path | None = None
    seeds: int = 1
    epochs: int = 1
    block: int = 64
    lr: float = 0.005
    chip_steps: int = 10
    chip_lr: float = 0.001
    chip_images: int = 200
    gradient: str = "sum_difference"
    coupler_std: float = 0.05
    io_std: float = 0.01
    tap_noise: float = 0.01
    out: Path = Path("cifar.png")


@dataclass(frozen=True)
class Stage:
    """A network at the end of a course: the loss of each step, test accuracies (%), and the time of a step (s)."""

    losses: list[float]
    all_images: float
    chip_images: float
    step_s: float


def network() -> nn.Sequential:
    """Return the notebook's network."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(32, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 32 * 32, 10),
    )


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the accuracy in %."""
    with torch.no_grad():
        classes = torch.cat([model(part).argmax(dim=1) for part in x.split(2 * BATCH)])
    return float(100 * (classes == y).double().mean())


def train(model: nn.Module, optimizer: torch.optim.Optimizer, images: Dataset, steps: int, seed: int) -> list[float]:
    """Train for some steps and return their losses; the order of the images depends on the seed alone."""
    generator, losses = torch.Generator().manual_seed(seed), []
    with tqdm(total=steps, unit="step", leave=False, disable=None) as bar:
        while len(losses) < steps:
            order = torch.randperm(len(images.train_x), generator=generator)
            for batch in order.split(BATCH)[: steps - len(losses)]:
                loss = F.cross_entropy(model(images.train_x[batch]), images.train_y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.update()
    return losses


def run(settings: Settings, images: Dataset, seed: int) -> dict[str, Stage]:
    """Train one network in all ways."""
    torch.manual_seed(seed)
    steps = settings.epochs * -(-len(images.train_x) // BATCH)
    few = slice(settings.chip_images)
    stages: dict[str, Stage] = {}

    def learn(name: str, model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, on_chips: bool) -> None:
        start = time.perf_counter()
        losses = train(model, optimizer, images, steps, seed)
        step_s = (time.perf_counter() - start) / max(steps, 1)
        on_all = float("nan") if on_chips else accuracy(model, images.test_x, images.test_y)
        stages[name] = Stage(losses, on_all, accuracy(model, images.test_x[few], images.test_y[few]), step_s)
        tqdm.write(f"seed {seed}, {name}: {stages[name].chip_images:.1f} %")

    digital = network()
    meshes = retrolux.convert(digital, block=settings.block)
    if seed == 0:
        print(f"{retrolux.summary(meshes, images.test_x[:1])}\n")
    sgd = partial(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True)
    learn("digital", digital, sgd(digital.parameters()), steps, False)
    learn("meshes", meshes, torch.optim.Adam(meshes.parameters(), settings.lr), steps, False)
    imperfections = Imperfections(
        coupler_std=settings.coupler_std,
        io_amplitude_std=settings.io_std,
        io_phase_std=settings.io_std,
        tap_noise=settings.tap_noise,
    )
    chips = retrolux.convert(
        retrolux.convert_back(meshes),
        block=settings.block,
        imperfections=imperfections,
        gradient=settings.gradient,
        chip_seed=seed,
    )
    adam = torch.optim.Adam(chips.parameters(), settings.chip_lr)
    learn("chips, untuned", chips, adam, 0, True)
    learn("chips, tuned", chips, adam, settings.chip_steps, True)
    return stages


def main(settings: Settings) -> None:
    """Train all, print the table, draw the figure."""
    if settings.seeds < 1 or settings.epochs < 1:
        raise SystemExit(f"seeds and epochs must be at least 1, got {settings.seeds} and {settings.epochs}")
    torch.set_num_threads(1)
    images = data.cifar10(settings.data_dir)
    print(images)
    runs = [run(settings, images, seed) for seed in range(settings.seeds)]
    print(f"\n{'accuracy (%)':26s} {'all test images':16s} {f'first {settings.chip_images}':12s} loss   ms per step")
    for name in runs[0]:
        stages = [stages[name] for stages in runs]
        on_all, on_few = (spread([getattr(s, part) for s in stages]) for part in ("all_images", "chip_images"))
        course = "–"
        if stages[0].losses:
            loss, step_s = np.mean([s.losses[-50:] for s in stages]), np.mean([s.step_s for s in stages])
            course = f"{loss:.3f}  {1e3 * step_s:.0f}"
        print(f"{name:26s} {on_all:16s} {on_few:12s} {course}")
    draw(settings, runs)
    print(f"figure: {settings.out}")


def spread(values: list[float]) -> str:
    """Return the mean and the standard deviation of the networks in words."""
    if np.isnan(values).any():
        return "–"
    return f"{np.mean(values):.1f}" + (f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else "")


def smoothed(losses: list[float], over: int = 20) -> NDArray[np.float64]:
    """Return running means."""
    return np.convolve(losses, np.ones(over) / over, mode="valid")


def draw(settings: Settings, runs: list[dict[str, Stage]]) -> None:
    """Draw the losses of the two networks, and the accuracies of all."""
    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    colours = dict(zip(runs[0], ("#495057", "#2563a8", "#e8a33d", "#d9480f"), strict=True))
    for name in ("digital", "meshes"):
        for number, stages in enumerate(runs):
            mean = smoothed(stages[name].losses)
            first = len(stages[name].losses) - len(mean)
            seen = BATCH * np.arange(first, first + len(mean))
            left.plot(seen, mean, color=colours[name], alpha=0.8, label="" if number else name)
    left.set_xlabel("images seen")
    left.set_ylabel("training loss, mean of 20 steps")
    left.legend(frameon=False)
    for place, name in enumerate(runs[0]):
        values = [stages[name].chip_images for stages in runs]
        right.bar(place, np.mean(values), color=colours[name], width=0.6)
        right.plot(np.full(len(values), place), values, "o", color="black", markersize=3)
    right.set_xticks(range(len(runs[0])), [name.replace(", ", ",\n") for name in runs[0]])
    right.set_ylabel(f"accuracy on {settings.chip_images} test images (%)")
    for ax in (left, right):
        ax.grid(alpha=0.25)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    figure.savefig(content, dpi=150)
    write_atomically(settings.out, content.getvalue())


if __name__ == "__main__":
    main(tyro.cli(Settings))
