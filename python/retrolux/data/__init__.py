"""Data sets: what light carries into the first mesh, and the class each sample belongs to.

Only the catalogue is imported at once; the loaders, which bring torch, when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrolux._lazy import loader
from retrolux.data.catalogue import DATASETS, PLANAR, NamedDataset, load

if TYPE_CHECKING:
    from retrolux.data.cifar import cifar10
    from retrolux.data.dataset import Dataset
    from retrolux.data.digit_images import digits
    from retrolux.data.idx import read_idx, write_idx
    from retrolux.data.mnist_images import mnist
    from retrolux.data.planar_points import embed, planar

__all__ = [
    "DATASETS",
    "PLANAR",
    "Dataset",
    "NamedDataset",
    "cifar10",
    "digits",
    "embed",
    "load",
    "mnist",
    "planar",
    "read_idx",
    "write_idx",
]

__getattr__ = loader(
    "retrolux.data",
    {
        "Dataset": "dataset",
        "cifar10": "cifar",
        "digits": "digit_images",
        "embed": "planar_points",
        "mnist": "mnist_images",
        "planar": "planar_points",
        "read_idx": "idx",
        "write_idx": "idx",
    },
)
