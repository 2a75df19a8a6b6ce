"""The record every loader returns: training and test samples with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Dataset"]

_SAMPLE_DTYPES = (torch.complex64, torch.complex128, torch.float32, torch.float64)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Dataset:
    """A classification task, split into training and test samples.

    Attributes
    ----------
    name : str
        What loaded it, for example ``"mnist"``.
    train_x, test_x : Tensor of complex64, complex128, float32 or float64
        Samples, of shape (samples, modes), field amplitudes, or (samples, channels, height, width), pixels.
    train_y, test_y : Tensor of int64, shape (samples,)
        Class of each sample, an index into `classes`.
    classes : tuple of str
        Name of each class.
    note : str
        What a reader of the results must know, for example that images are missing.

    Raises
    ------
    ValueError
        When a tensor has the wrong shape, dtype or length, holds a value that is not finite, or a label
        that is no index into `classes`.
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        _check_samples("train_x", self.train_x)
        _check_samples("test_x", self.test_x)
        if self.train_x.shape[1:] != self.test_x.shape[1:] or self.train_x.dtype != self.test_x.dtype:
            raise ValueError(
                "train_x and test_x must hold the same kind of sample, got "
                f"{_kind(self.train_x)} and {_kind(self.test_x)}"
            )
        _check_labels("train_y", self.train_y, len(self.train_x), len(self.classes))
        _check_labels("test_y", self.test_y, len(self.test_x), len(self.classes))

    def __repr__(self) -> str:
        note = f"; {self.note}" if self.note else ""
        return (
            f"Dataset({self.name}: {len(self.train_x)} train, {len(self.test_x)} test, "
            f"{len(self.classes)} classes, samples {_kind(self.train_x)}{note})"
        )


def _kind(x: Tensor) -> str:
    return f"{tuple(x.shape[1:])} {str(x.dtype).removeprefix('torch.')}"


def _check_samples(label: str, x: Tensor) -> None:
    if x.ndim not in {2, 4} or len(x) == 0:
        raise ValueError(
            f"{label} must have shape (samples, modes) or (samples, channels, height, width) "
            f"with at least one sample, got {tuple(x.shape)}"
        )
    if x.dtype not in _SAMPLE_DTYPES:
        raise ValueError(f"{label} must be complex or float of 32 or 64 bits per number, got {x.dtype}")
    if not x.isfinite().all():
        broken = int((~x.isfinite()).flatten(1).any(dim=1).nonzero()[0])
        raise ValueError(f"{label} must be finite, got a value that is not in sample {broken}")


def _check_labels(label: str, y: Tensor, samples: int, classes: int) -> None:
    if y.shape != (samples,) or y.dtype != torch.int64:
        raise ValueError(
            f"{label} must be int64 of shape (samples,) = ({samples},), got {y.dtype} of shape {tuple(y.shape)}"
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise ValueError(f"{label} must lie in 0..{classes - 1}, got labels from {low} to {high}")
