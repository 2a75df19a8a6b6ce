"""CIFAR-10: colour photographs of 32 × 32 pixels in ten classes, from the batches for Python."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import torch

from retrolux.atomic import write_atomically
from retrolux.data.array_pickle import read_array_pickle
from retrolux.data.dataset import Dataset
from retrolux.data.folder import data_folders
from retrolux.data.openml import fetch_images
from retrolux.reading import shown

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["cifar10"]

_LAYOUT = "cifar-10-batches-py"
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = "test_batch"
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_BATCH = 10_000
# Not 40926, which is CIFAR_10_small, a third of the images.
_OPENML_ID = 40927
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    mean: float = 0.5,
    std: float = 0.5,
    download: bool = False,
) -> Dataset:
    """Load CIFAR-10 as images with pixel values (v/255 − mean)/std.

    The batches are looked for in ``data_dir/cifar-10-batches-py`` and in `data_dir` itself. Of
    ``data_batch_1`` to ``data_batch_5`` those that are there are read; when images are missing, the data
    set's `note` says how many were found.

    Parameters
    ----------
    data_dir : path-like, optional
        The folder of all data sets; when None, the environment variable ``RETROLUX_DATA`` names it.
    mean, std : float
        Subtracted from, and divided into, pixel values of 0 to 1; the defaults give −1 to 1. `std` > 0.
    download : bool
        When a batch is missing, fetch all of them from openml.org and keep them in
        ``data_dir/cifar-10-batches-py``.

    Returns
    -------
    Dataset
        `train_x` and `test_x` are float32 of shape (samples, 3, 32, 32), colours red, green, blue; 50 000
        and 10 000 samples in the complete set.

    Raises
    ------
    FileNotFoundError
        When no folder is given, or no training batch or no test batch is found, and `download` is false.
    ValueError
        When `std` is not positive, or a batch is damaged or holds something else. A batch is a pickle; one
        that asks for anything but arrays is refused and nothing in it is run.
    ConnectionError, ModuleNotFoundError
        When `download` needs openml.org or scikit-learn and does not get it.

    References
    ----------
    A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, Univ. of Toronto (2009).
    """
    if not std > 0:
        raise ValueError(f"std must be positive, got {std}")
    folders = data_folders(data_dir, _LAYOUT)
    if download and not any(all((f / name).is_file() for name in (*_TRAIN, _TEST)) for f in folders):
        _download(folders[0])
    folder, names = _locate(folders)
    batches = [_read(folder / name) for name in names]
    test = _read(folder / _TEST)
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return Dataset(
        name="cifar10",
        train_x=_normalized(images, mean, std),
        train_y=torch.from_numpy(labels),
        test_x=_normalized(test[0], mean, std),
        test_y=torch.from_numpy(test[1]),
        classes=_CLASSES,
        note=_note(names, len(labels), len(test[1])),
    )


def _locate(folders: tuple[Path, Path]) -> tuple[Path, list[str]]:
    for folder in folders:
        names = [name for name in _TRAIN if (folder / name).is_file()]
        if names and (folder / _TEST).is_file():
            return folder, names
    raise FileNotFoundError(
        f"CIFAR-10 is not complete: looked in {folders[0]} and {folders[1]} for {_TEST} and at least one of "
        f"{_TRAIN[0]} to {_TRAIN[-1]}; put the files there or pass download=True (--download)"
    )


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    batch = read_array_pickle(path)
    if not {"data", "labels"} <= batch.keys():
        raise ValueError(f"{path} must hold data and labels, got {shown(', '.join(batch) or 'nothing', quote=False)}")
    images, labels = batch["data"], batch["labels"]
    found = images.shape if isinstance(images, np.ndarray) else type(images).__name__
    if not isinstance(found, tuple) or found[1:] != (_PIXELS,) or found[0] == 0:
        raise ValueError(f"{path} must hold data of shape (images, {_PIXELS}), got {found}")
    if not isinstance(labels, list) or len(labels) != len(images):
        found = f"{len(labels)} labels" if isinstance(labels, list) else type(labels).__name__
        raise ValueError(f"{path} must hold a list of {len(images)} labels, one for each image, got {found}")
    wrong = [label for label in labels if type(label) is not int or not 0 <= label < len(_CLASSES)]
    if wrong:
        raise ValueError(f"{path} must hold labels from 0 to {len(_CLASSES) - 1}, got {_told(wrong[0])}")
    return images.reshape(-1, *_SHAPE), np.array(labels, dtype=np.int64)


def _told(label: object) -> str:
    """Return a label as a message has it; what is no number is not written out, for it may be of any length."""
    return repr(label) if isinstance(label, int | float) else f"a {type(label).__name__}"


def _normalized(images: NDArray[np.uint8], mean: float, std: float) -> Tensor:
    pixels = torch.from_numpy(images.astype(np.float32))
    return pixels.div_(255).sub_(mean).div_(std)


def _note(names: list[str], train: int, test: int) -> str:
    if (train, test) == (len(_TRAIN) * _BATCH, _BATCH):
        return ""
    return (
        f"found {train} of {len(_TRAIN) * _BATCH} training images, in {', '.join(names)}, "
        f"and {test} of {_BATCH} test images"
    )


def _download(folder: Path) -> None:
    images, labels = fetch_images(
        _OPENML_ID,
        samples=(len(_TRAIN) + 1) * _BATCH,
        pixels=_PIXELS,
        test_counts=(_BATCH // len(_CLASSES),) * len(_CLASSES),
    )
    for number, name in enumerate((*_TRAIN, _TEST)):
        rows = slice(number * _BATCH, (number + 1) * _BATCH)
        batch = {"batch_label": name, "labels": labels[rows].tolist(), "data": images[rows]}
        # Protocol 5 names other functions for arrays than those that are read back.
        write_atomically(folder / name, pickle.dumps(batch, protocol=4))
