"""MNIST: 28 × 28 handwritten digits, as the amplitudes of a few dozen modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from retrolux.data.dataset import Dataset
from retrolux.data.features import area_means, block_side, fourier_block, grid_shape, unit_mean_modulus
from retrolux.data.folder import data_folders
from retrolux.data.idx import read_idx, write_idx
from retrolux.data.openml import fetch_images

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["MnistFeatures", "mnist"]

MnistFeatures = Literal["fourier", "resample"]

_LAYOUT = "MNIST/raw"
_TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
_TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_SIDE = 28
_OPENML_ID = 554
_TRAIN_SAMPLES = 60_000
_TEST_COUNTS = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def mnist(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    features: MnistFeatures = "fourier",
    modes: int = 64,
    download: bool = False,
) -> Dataset:
    """Load MNIST with one feature per mode, every image of mean modulus 1 over its modes.

    The four IDX files, plain or ``.gz``, are looked for in ``data_dir/MNIST/raw`` (torchvision's layout) and
    in `data_dir` itself.

    Parameters
    ----------
    data_dir : path-like, optional
        The folder of all data sets; when None, the environment variable ``RETROLUX_DATA`` names it.
    features : {"fourier", "resample"}
        ``"fourier"``: the centred block of k × k frequencies of ``fftshift(fft2(image))``, complex; for 64
        modes rows and columns 10…17 (see `features.fourier_block`). ``"resample"``: the means over the cells
        of a grid, real and ≥ 0 (see `features.area_means`). Either is divided by the mean modulus of the
        image's own values.
    modes : int
        Number of modes; a square number k·k with k ≤ 28 for ``"fourier"``, any number ≥ 1 for ``"resample"``.
    download : bool
        Fetch the files from openml.org when they are not all there, and keep them in ``data_dir/MNIST/raw``.

    Returns
    -------
    Dataset
        `train_x` and `test_x` are complex64 of shape (samples, modes); 60 000 and 10 000 samples in the
        published files.

    Raises
    ------
    FileNotFoundError
        When no folder is given or a file is missing, and `download` is false.
    ValueError
        When `features` is unknown, `modes` does not fit it, or a file is damaged or holds something else.
    ConnectionError, ModuleNotFoundError
        When `download` needs openml.org or scikit-learn and does not get it.

    References
    ----------
    LeCun et al., Proc. IEEE 86, 2278 (1998). Fourier features: Pai et al., Science 380, 398 (2023).
    """
    if features not in get_args(MnistFeatures):
        raise ValueError(f"features must be one of {', '.join(get_args(MnistFeatures))}, got {features!r}")
    if features == "fourier":
        block_side(modes, _SIDE)
    else:
        grid_shape(modes)
    folders = data_folders(data_dir, _LAYOUT)
    if download and any(_find(folders, name) is None for name in (*_TRAIN, *_TEST)):
        _download(folders[0])
    paths = _locate(folders)
    extract = fourier_block if features == "fourier" else area_means
    train_x, train_y = _read(paths[_TRAIN[0]], paths[_TRAIN[1]])
    test_x, test_y = _read(paths[_TEST[0]], paths[_TEST[1]])
    return Dataset(
        name="mnist",
        train_x=unit_mean_modulus(extract(train_x, modes)).to(torch.complex64),
        train_y=train_y,
        test_x=unit_mean_modulus(extract(test_x, modes)).to(torch.complex64),
        test_y=test_y,
        classes=tuple("0123456789"),
    )


def _find(folders: Iterable[Path], name: str) -> Path | None:
    places = (folder / file for folder in folders for file in (name, f"{name}.gz"))
    return next((place for place in places if place.is_file()), None)


def _locate(folders: tuple[Path, Path]) -> dict[str, Path]:
    found = {name: _find(folders, name) for name in (*_TRAIN, *_TEST)}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"MNIST is not complete: looked in {folders[0]} and {folders[1]}, plain and .gz, and did not "
            f"find {', '.join(missing)}; put the files there or pass download=True (--download)"
        )
    return {name: path for name, path in found.items() if path is not None}


def _read(image_path: Path, label_path: Path) -> tuple[Tensor, Tensor]:
    images, labels = read_idx(image_path), read_idx(label_path)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(
            f"{image_path} must hold uint8 of shape (images, {_SIDE}, {_SIDE}), "
            f"got {images.dtype} of shape {images.shape}"
        )
    if labels.dtype != np.uint8 or labels.shape != (len(images),):
        raise ValueError(
            f"{label_path} must hold uint8 of shape ({len(images)},), one label for each image of "
            f"{image_path.name}, got {labels.dtype} of shape {labels.shape}"
        )
    return torch.from_numpy(images), torch.from_numpy(labels).to(torch.int64)


def _download(folder: Path) -> None:
    images, labels = fetch_images(
        _OPENML_ID,
        samples=_TRAIN_SAMPLES + sum(_TEST_COUNTS),
        pixels=_SIDE * _SIDE,
        test_counts=_TEST_COUNTS,
    )
    pictures = images.reshape(-1, _SIDE, _SIDE)
    parts: dict[str, NDArray[np.uint8]] = {
        _TRAIN[0]: pictures[:_TRAIN_SAMPLES],
        _TRAIN[1]: labels[:_TRAIN_SAMPLES],
        _TEST[0]: pictures[_TRAIN_SAMPLES:],
        _TEST[1]: labels[_TRAIN_SAMPLES:],
    }
    for name, part in parts.items():
        write_idx(folder / f"{name}.gz", part)
