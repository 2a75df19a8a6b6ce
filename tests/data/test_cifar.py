from __future__ import annotations

import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from retrolux.data import cifar10

FOLDER = "cifar-10-batches-py"


def write_batch(path: Path, images: Any, labels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({b"data": images, b"labels": labels}, protocol=4))


@pytest.fixture
def small(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Make a folder with batches 2 and 4, of 6 and 3 images, and a test batch of 4."""
    for name, count in (("data_batch_2", 6), ("data_batch_4", 3), ("test_batch", 4)):
        images = rng.integers(0, 256, (count, 3072)).astype(np.uint8)
        write_batch(tmp_path / FOLDER / name, images, list(range(count)))
    return tmp_path


def test_the_real_batches(data_dir: Path) -> None:
    data = cifar10(data_dir)
    assert data.train_x.shape[1:] == data.test_x.shape[1:] == (3, 32, 32)
    assert len(data.train_x) % 10_000 == 0
    assert data.train_x.dtype == torch.float32
    assert data.train_x.min() == -1
    assert data.train_x.max() == 1
    assert data.classes[int(data.train_y[0])] == "frog"
    assert data.classes[int(data.test_y[0])] == "cat"
    complete = len(data.train_x) == 50_000 and len(data.test_x) == 10_000
    assert (data.note == "") is complete
    assert complete or f"found {len(data.train_x)} of 50000 training images, in data_batch_1" in repr(data)


def test_pixels_keep_their_place(small: Path) -> None:
    with (small / FOLDER / "test_batch").open("rb") as file:
        raw = pickle.load(file)[b"data"]
    data = cifar10(small, mean=0.0, std=1.0)
    for sample, channel, row, column in ((0, 0, 0, 0), (1, 2, 31, 30), (3, 1, 7, 0)):
        value = raw[sample, 1024 * channel + 32 * row + column]
        assert float(data.test_x[sample, channel, row, column]) == pytest.approx(value / 255)


def test_normalisation(small: Path) -> None:
    plain = cifar10(small, mean=0.0, std=1.0).train_x
    torch.testing.assert_close(cifar10(small).train_x, 2 * plain - 1)
    torch.testing.assert_close(cifar10(small, mean=0.25, std=0.1).train_x, (plain - 0.25) / 0.1)
    with pytest.raises(ValueError, match="std must be positive, got 0"):
        cifar10(small, std=0)


def test_batches_that_are_there_are_read_and_counted(small: Path) -> None:
    data = cifar10(small)
    assert data.train_y.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert data.note == ("found 9 of 50000 training images, in data_batch_2, data_batch_4, and 4 of 10000 test images")


def test_where_batches_are_looked_for(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = cifar10(small).train_x
    assert torch.equal(cifar10(small / FOLDER).train_x, expected)
    monkeypatch.setenv("RETROLUX_DATA", str(small))
    assert torch.equal(cifar10().train_x, expected)
    monkeypatch.delenv("RETROLUX_DATA")
    with pytest.raises(FileNotFoundError, match=f"no folder to look for {FOLDER} in"):
        cifar10()


@pytest.mark.parametrize("missing", [["test_batch"], ["data_batch_2", "data_batch_4"]])
def test_a_training_and_the_test_batch_are_needed(small: Path, missing: list[str]) -> None:
    for name in missing:
        (small / FOLDER / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"test_batch and at least one of data_batch_1 to .*download=True") as e:
        cifar10(small)
    assert f"looked in {small / FOLDER} and {small} " in str(e.value)


IMAGES = np.zeros((2, 3072), dtype=np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[:, 1:], [0, 1], r"data of shape \(images, 3072\), got \(2, 3071\)"),
        (IMAGES[:0], [], r"data of shape \(images, 3072\), got \(0, 3072\)"),
        (IMAGES[0], [0, 1], r"data of shape \(images, 3072\), got \(3072,\)"),
        ([0], [0], r"data of shape \(images, 3072\), got list"),
        (IMAGES, [0], "a list of 2 labels, one for each image, got 1 labels"),
        (IMAGES, b"\0\0", "a list of 2 labels, one for each image, got bytes"),
        (IMAGES, [0, 10], "labels from 0 to 9, got 10"),
        (IMAGES, [-1, 0], "labels from 0 to 9, got -1"),
        (IMAGES, [0, 1.0], r"labels from 0 to 9, got 1\.0"),
        (IMAGES, [0, [1]], "labels from 0 to 9, got a list"),
        (IMAGES, [0, "x" * 10**6], "labels from 0 to 9, got a str$"),
    ],
)
def test_wrong_batches(small: Path, images: Any, labels: Any, message: str) -> None:
    path = small / FOLDER / "test_batch"
    write_batch(path, images, labels)
    with pytest.raises(ValueError, match=f"test_batch must hold {message}"):
        cifar10(small)


def test_a_batch_has_data_and_labels(small: Path) -> None:
    (small / FOLDER / "data_batch_4").write_bytes(pickle.dumps({"data": IMAGES}, protocol=4))
    with pytest.raises(ValueError, match="data_batch_4 must hold data and labels, got data"):
        cifar10(small)


class Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def test_a_malicious_batch_is_refused(small: Path) -> None:
    mark = small / "was-here"
    write_batch(small / FOLDER / "data_batch_4", IMAGES, [0, Attack(mark)])
    with pytest.raises(ValueError, match=r"data_batch_4 .* asks for (posix|nt)\.system, and only NumPy arrays"):
        cifar10(small)
    assert not mark.exists()


def test_download_stores_what_is_read_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # OpenML's order, in small: batches of 20 images instead of 10 000.
    monkeypatch.setattr("retrolux.data.cifar._BATCH", 20)
    images = np.broadcast_to(np.arange(120, dtype=np.float64)[:, None], (120, 3072))
    labels = np.arange(120) % 10
    calls: list[dict[str, Any]] = []

    def fetch(**arguments: Any) -> SimpleNamespace:
        calls.append(arguments)
        return SimpleNamespace(data=images, target=labels.astype(str))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = cifar10(tmp_path, mean=0.0, std=1 / 255, download=True)
    assert [call["data_id"] for call in calls] == [40927]
    torch.testing.assert_close(data.train_x[:, 2, 31, 31], torch.arange(100.0))
    torch.testing.assert_close(data.test_x[:, 0, 0, 0], torch.arange(100.0, 120.0))
    assert data.test_y.tolist() == labels[100:].tolist()
    assert data.note == ""
    assert torch.equal(cifar10(tmp_path, download=True).train_y, data.train_y)
    assert len(calls) == 1
    (tmp_path / FOLDER / "data_batch_3").unlink()
    assert len(cifar10(tmp_path).train_y) == 80
    assert len(cifar10(tmp_path, download=True).train_y) == 100
    assert len(calls) == 2


def test_download_refuses_another_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrolux.data.cifar._BATCH", 20)
    bunch = SimpleNamespace(data=np.zeros((120, 3072)), target=np.repeat(np.arange(10), 12).astype(str))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda **_: bunch)
    with pytest.raises(
        ValueError, match=r"must end with the published test set.*got \[0, 0, 0, 0, 0, 0, 0, 0, 8, 12\]"
    ):
        cifar10(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []
