from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch

from retrolux.data import Dataset


def build(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "name": "toy",
        "train_x": torch.ones(3, 4, dtype=torch.complex64),
        "train_y": torch.tensor([0, 1, 1]),
        "test_x": torch.ones(2, 4, dtype=torch.complex64),
        "test_y": torch.tensor([1, 0]),
        "classes": ("dark", "bright"),
    }
    return Dataset(**(fields | changes))


def test_repr_tells_what_is_inside() -> None:
    assert repr(build()) == "Dataset(toy: 3 train, 2 test, 2 classes, samples (4,) complex64)"
    assert repr(build(note="half of it")).endswith("samples (4,) complex64; half of it)")


def test_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        build().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("shape", [(5,), (5, 4, 4), (0, 4), ()])
def test_samples_have_modes_or_an_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"test_x must have shape .*got " + re.escape(str(shape))):
        build(test_x=torch.ones(shape, dtype=torch.complex64))


def test_images_are_accepted() -> None:
    images = build(train_x=torch.ones(3, 1, 2, 2), test_x=torch.ones(2, 1, 2, 2))
    assert "samples (1, 2, 2) float32" in repr(images)


def test_integers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"train_x must be complex or float .*got torch.int64"):
        build(train_x=torch.ones(3, 4, dtype=torch.int64))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), complex(0, float("nan"))])
def test_values_are_finite(value: complex) -> None:
    x = torch.ones(3, 4, dtype=torch.complex64)
    x[2, 1] = torch.tensor(value)
    with pytest.raises(ValueError, match=r"train_x must be finite.* sample 2"):
        build(train_x=x)


@pytest.mark.parametrize("test_x", [torch.ones(2, 5, dtype=torch.complex64), torch.ones(2, 4, dtype=torch.complex128)])
def test_training_and_test_samples_are_alike(test_x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"same kind of sample, got \(4,\) complex64 and \((4|5),\) complex"):
        build(test_x=test_x)


@pytest.mark.parametrize(
    "labels",
    [torch.tensor([0, 1]), torch.tensor([[0], [1], [1]]), torch.tensor([0, 1, 1], dtype=torch.int32)],
)
def test_one_int64_label_per_sample(labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"train_y must be int64 of shape \(samples,\) = \(3,\), got torch.int"):
        build(train_y=labels)


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_are_classes(label: int) -> None:
    with pytest.raises(ValueError, match=rf"test_y must lie in 0..1, got labels from .*{label}"):
        build(test_y=torch.tensor([label, 1 if label < 0 else 0]))
