"""Map how precision and noise of signals and weights decide what an analog network learns.

    python examples/analog_map.py --data-dir ../shared/data
    python examples/analog_map.py --dataset digits --epochs 60 --out digits.png

The figure of Shah and Youngblood, APL Machine Learning 1 (2023), doi:10.1063/5.0134156, for two layers, 64 → 32 → 10:
signals are clamped, weights divided by the largest of them, both rounded to levels and made noisy, in training and in
testing. On MNIST 92.3 % are right without any of it. With 3 bits signals alone keep 92.0 %, weights alone 92.7 % and
both 91.7 %; at a leakage of 0.4 these are 88.4, 89.0 and 86.8 %. With 6 bits a leakage of 0.4 costs nothing in any of
the maps. Leakage counts levels, and a level of few bits is wide: the same leakage is stronger noise at the bottom of a
map. A cell is one run; other seeds differed by up to one point, at 2 bits by three.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from retrolux import analog, data
from retrolux.atomic import write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = (("signals",), ("weights",), ("signals", "weights"))
BATCH = 512


@dataclass(frozen=True)
class Settings:
    """Train a small network at every precision and leakage, of its signals, its weights and both.

    Attributes
    ----------
    dataset
        What to learn: mnist, resampled to 8 × 8 pixels, or digits, of 8 × 8.
    data_dir
        Folder with the files of mnist; left out: the environment variable RETROLUX_DATA.
    bits
        Precisions of the map.
    leakage
        Shares of values that noise carries to another level.
    epochs
        Passes over the training set.
    seed
        Of the first weights, the noise and the order of the samples.
    out
        The figure.
    """

    dataset: Literal["mnist", "digits"] = "mnist"
    data_dir: Path | None = None
    bits: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    leakage: tuple[float, ...] = (0.0, 0.1, 0.2, 0.4, 0.8)
    epochs: int = 3
    seed: int = 0
    out: Path = Path("analog_map.png")


def pixels(settings: Settings) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images of brightest pixel 1 and labels, for training and testing."""
    if settings.dataset == "mnist":
        found = data.mnist(settings.data_dir, features="resample", modes=64)
    else:
        found = data.digits(modes=64)
    train, test = (x.real / x.real.amax(dim=1, keepdim=True) for x in (found.train_x, found.test_x))
    return train, found.train_y, test, found.test_y


def network(analog_parts: tuple[str, ...], bits: int, leakage: float) -> nn.Sequential:
    """Return two layers whose signals, weights or both are analog; their noise stays on in testing."""
    p = analog.levels(bits)

    def converters(kind: str, normalize: nn.Module) -> list[nn.Module]:
        if kind not in analog_parts:
            return []
        return [
            normalize,
            analog.ReducePrecision(p),
            analog.GaussianNoise(leakage=leakage, precision=p, eval_noise=True),
        ]

    first, second = (
        analog.wrap(layer, converters("signals", analog.Clamp()), converters("weights", analog.LPNormWM()))
        for layer in (nn.Linear(64, 32), nn.Linear(32, 10))
    )
    return nn.Sequential(first, nn.GELU(), second)


def accuracy(model: nn.Sequential, images: tuple[Tensor, Tensor, Tensor, Tensor], settings: Settings) -> float:
    """Train with Adam and return the test accuracy (%)."""
    x, y, test_x, test_y = images
    order = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(x), generator=order).split(BATCH):
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        return 100 * (model(test_x).argmax(dim=1) == test_y).double().mean().item()


def main(settings: Settings) -> None:
    """Train all, print the tables, draw the figure."""
    torch.set_num_threads(1)  # the batches are too small to share
    images = pixels(settings)
    torch.manual_seed(settings.seed)
    digital = accuracy(network((), 8, 0.0), images, settings)
    print(f"{settings.dataset}, digital: {digital:.1f} %")
    shape = len(PLACES), len(settings.bits), len(settings.leakage)
    found = np.zeros(shape)
    for cell in tqdm(np.ndindex(*shape), total=found.size, unit="run", disable=None):
        torch.manual_seed(settings.seed)  # the same first weights in every cell
        model = network(PLACES[cell[0]], settings.bits[cell[1]], settings.leakage[cell[2]])
        found[cell] = accuracy(model, images, settings)
    for place, table in zip(PLACES, found, strict=True):
        print(f"analog {' and '.join(place)}, accuracy (%)")
        print(f"bits \\ leakage {' '.join(f'{ell:6g}' for ell in settings.leakage)}")
        for bits, row in zip(settings.bits, table, strict=True):
            print(f"{bits:14d} {' '.join(f'{value:6.1f}' for value in row)}")
    draw(settings, found, digital)
    print(f"figure: {settings.out}")


def draw(settings: Settings, found: NDArray[np.float64], digital: float) -> None:
    """Draw one map per place, accuracies written into the cells."""
    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    axes = figure.subplots(1, len(PLACES), sharey=True)
    for ax, place, table in zip(axes, PLACES, found, strict=True):
        image = ax.imshow(table, cmap="viridis", vmin=10, vmax=100, origin="lower", aspect="auto")
        for i, j in np.ndindex(*table.shape):
            colour = "white" if table[i, j] < 60 else "black"
            ax.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", fontsize=8, color=colour)
        ax.set(title=f"analog {' and '.join(place)}", xlabel="leakage")
        ax.set_xticks(range(len(settings.leakage)), [f"{ell:g}" for ell in settings.leakage])
        ax.set_yticks(range(len(settings.bits)), [str(bits) for bits in settings.bits])
    axes[0].set_ylabel("precision (bits)")
    figure.colorbar(image, ax=axes, pad=0.01).set_label("test accuracy (%)")
    figure.suptitle(f"{settings.dataset}, digital {digital:.1f} %")
    content = io.BytesIO()
    figure.savefig(content, dpi=150)
    write_atomically(settings.out, content.getvalue())


if __name__ == "__main__":
    main(tyro.cli(Settings))
