"""Every data set that can be asked for by its name. Loaders, which bring torch, are imported when they are called."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from retrolux.data.dataset import Dataset

__all__ = ["DATASETS", "PLANAR", "NamedDataset", "load"]


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A data set: how it is loaded, and how a network of the study learns it.

    Attributes
    ----------
    about : str
        What it is, in a few words.
    loader : str
        Module of `retrolux.data` and function.
    takes : tuple of str
        Options of `load` that the loader takes.
    arguments : mapping of str to value
        What else the loader is called with.
    classes : int
        Number of classes.
    modes : int or None
        Number of modes of a sample; None where it can be chosen, or where samples are images.
    ports_per_class : int
        Ports whose powers add up to one logit.
    training : mapping of str to value, or None
        Options of `retrolux.study.TrainConfig` that train well; None where networks of the study do not learn it.
    lr : mapping of str to float
        Learning rate that trains well, by the name of the optimizer.
    """

    about: str
    loader: str
    takes: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    classes: int
    modes: int | None = None
    ports_per_class: int = 1
    training: Mapping[str, Any] | None
    lr: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_files(self) -> bool:
        """Whether its files are read from a folder."""
        return "data_dir" in self.takes


def _planar(kind: str, about: str) -> NamedDataset:
    return NamedDataset(
        about=f"points of two classes in the plane: {about}",
        loader="planar_points.planar",
        takes=("seed",),
        arguments={"kind": kind},
        classes=2,
        modes=4,
        ports_per_class=2,
        training={"meshes": 3, "batch": 50, "epochs": 100, "gain": 1.0},
        lr={"adam": 0.01, "sgd": 0.01},
    )


DATASETS: dict[str, NamedDataset] = {
    "digits": NamedDataset(
        about="handwritten digits of 8 × 8 pixels, part of scikit-learn",
        loader="digit_images.digits",
        takes=("modes", "seed"),
        classes=10,
        training={},
        lr={"adam": 0.01, "sgd": 0.03},
    ),
    "mnist": NamedDataset(
        about="low spatial frequencies of handwritten digits of 28 × 28 pixels, read from the files in data-dir",
        loader="mnist_images.mnist",
        takes=("data_dir", "modes", "download"),
        classes=10,
        training={"batch": 600, "epochs": 20, "gain": 0.5, "threads": 0},
        lr={"adam": 0.005, "sgd": 0.05},
    ),
    "cifar10": NamedDataset(
        about="colour photographs of 32 × 32 pixels, images for layers that convolve",
        loader="cifar.cifar10",
        takes=("data_dir", "download"),
        classes=10,
        training=None,
    ),
    "moons": _planar("moons", "two interleaving half circles"),
    "circle": _planar("circle", "a circle around another"),
    "ring": _planar("ring", "a ring and what lies off it"),
    "blobs": _planar("blobs", "two clouds"),
}
"""The data sets by their names."""

PLANAR = tuple(name for name, dataset in DATASETS.items() if dataset.loader == "planar_points.planar")
"""The tasks in the plane, of which decision maps can be drawn."""


def load(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    modes: int | None = None,
    seed: int = 0,
    download: bool = False,
) -> Dataset:
    """Load a data set by its name, with the defaults of its own loader for everything else.

    Parameters
    ----------
    name : str
        A name in `DATASETS`.
    data_dir : path-like, optional
        The folder that holds the files of a data set that has some.
    modes : int, optional
        Number of modes, 64 when None; for a data set with a shape of its own, no other than that.
    seed : int
        What is drawn or split is drawn or split with; data sets with files are split as published.
    download : bool
        Fetch missing files from openml.org.

    Raises
    ------
    ValueError
        When the name is unknown, or `modes` is not that of a data set without a choice.

    See Also
    --------
    digits, mnist, cifar10, planar : the loaders, with all their options and errors.
    """
    if name not in DATASETS:
        raise ValueError(f"name must be one of {', '.join(DATASETS)}, got {name!r}")
    dataset = DATASETS[name]
    if modes is not None and "modes" not in dataset.takes and modes != dataset.modes:
        chosen = " and ".join(other for other, it in DATASETS.items() if "modes" in it.takes)
        raise ValueError(f"modes can be chosen for {chosen}, got modes={modes} for {name}")
    options = {"data_dir": data_dir, "modes": modes, "seed": seed, "download": download}
    given = {option: options[option] for option in dataset.takes if options[option] is not None}
    module, _, loader = dataset.loader.partition(".")
    found: Dataset = getattr(importlib.import_module(f"retrolux.data.{module}"), loader)(**dataset.arguments, **given)
    return found
