from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from retrolux.data import Dataset, mnist, read_idx, write_idx

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="module")
def loaded(data_dir: Path) -> Dataset:
    return mnist(data_dir)


@pytest.fixture
def small(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Make a folder in torchvision's layout with 12 training and 5 test images."""
    raw = tmp_path / "MNIST" / "raw"
    for part, count, suffix in (("train", 12, ".gz"), ("t10k", 5, "")):
        images = rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte{suffix}", np.arange(count, dtype=np.uint8) % 10)
    return tmp_path


@pytest.mark.slow
def test_the_real_set_is_complete(loaded: Dataset) -> None:
    assert torch.bincount(loaded.train_y).tolist() == TRAIN_COUNTS
    assert torch.bincount(loaded.test_y).tolist() == TEST_COUNTS
    assert loaded.train_x.shape == (60_000, 64)
    assert loaded.test_x.shape == (10_000, 64)
    assert loaded.train_x.dtype == loaded.test_x.dtype == torch.complex64


@pytest.mark.slow
def test_every_image_has_mean_modulus_1(loaded: Dataset) -> None:
    for x in (loaded.train_x, loaded.test_x):
        torch.testing.assert_close(x.abs().mean(1), torch.ones(len(x)))


def test_features_are_those_of_the_study(loaded: Dataset, data_dir: Path) -> None:
    images = read_idx(data_dir / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz")
    for sample in (0, 4097, 9999):
        block = np.fft.fftshift(np.fft.fft2(images[sample]))[10:18, 10:18].reshape(64)
        expected = torch.from_numpy(block / np.abs(block).mean())
        torch.testing.assert_close(loaded.test_x[sample], expected.to(torch.complex64), rtol=0, atol=1e-5)
    # The mean of an image, frequency (0, 0), stands at row and column 14 of 28: cell 4·8 + 4 of the block.
    assert (loaded.test_x[:, 36].real > 0).all()
    assert (loaded.test_x[:, 36].imag.abs() < 1e-6).all()


def test_resampled_features_are_means_over_cells(small: Path) -> None:
    data = mnist(small, features="resample", modes=16)
    images = read_idx(small / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").astype(np.float64)
    cells = images.reshape(12, 4, 7, 4, 7).mean((2, 4)).reshape(12, 16)
    expected = torch.from_numpy(cells / cells.mean(1, keepdims=True))
    torch.testing.assert_close(data.train_x, expected.to(torch.complex64))


@pytest.mark.parametrize(("features", "modes"), [("fourier", 1), ("fourier", 784), ("resample", 10)])
def test_other_numbers_of_modes(small: Path, features: Any, modes: int) -> None:
    data = mnist(small, features=features, modes=modes)
    assert data.train_x.shape == (12, modes)
    assert data.test_x.shape == (5, modes)
    assert data.train_y.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_where_files_are_looked_for(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = mnist(small).train_x
    monkeypatch.setenv("RETROLUX_DATA", str(small))
    assert torch.equal(mnist().train_x, expected)
    monkeypatch.setenv("RETROLUX_DATA", "/nowhere")
    assert torch.equal(mnist(small).train_x, expected)
    assert torch.equal(mnist(str(small / "MNIST" / "raw")).train_x, expected)
    with pytest.raises(FileNotFoundError, match=r"looked in /nowhere/MNIST/raw and /nowhere, .* train-images"):
        mnist()


@pytest.mark.parametrize("value", [None, ""])
def test_no_folder_at_all(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("RETROLUX_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("RETROLUX_DATA", value)
    with pytest.raises(FileNotFoundError, match=r"no folder to look for MNIST/raw in: pass data_dir .*RETROLUX_DATA"):
        mnist()


def test_missing_files_are_named(small: Path) -> None:
    (small / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"did not find t10k-labels-idx1-ubyte; .*download=True") as error:
        mnist(small)
    assert f"looked in {small / 'MNIST' / 'raw'} and {small}" in str(error.value)
    assert "train-images" not in str(error.value)


def test_files_that_do_not_belong_together(small: Path) -> None:
    raw = small / "MNIST" / "raw"
    write_idx(raw / "t10k-labels-idx1-ubyte", np.zeros(4, dtype=np.uint8))
    with pytest.raises(
        ValueError, match=r"t10k-labels-idx1-ubyte must hold uint8 of shape \(5,\).*got uint8 of shape \(4,\)"
    ):
        mnist(small)
    write_idx(raw / "t10k-images-idx3-ubyte", np.zeros((5, 28, 27), dtype=np.uint8))
    with pytest.raises(
        ValueError, match=r"must hold uint8 of shape \(images, 28, 28\), got uint8 of shape \(5, 28, 27\)"
    ):
        mnist(small)
    write_idx(raw / "t10k-images-idx3-ubyte", np.zeros((5, 28, 28), dtype=np.int16))
    with pytest.raises(ValueError, match="got int16"):
        mnist(small)


def test_labels_that_are_no_digits(small: Path) -> None:
    write_idx(small / "MNIST" / "raw" / "t10k-labels-idx1-ubyte", np.full(5, 10, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"test_y must lie in 0\.\.9, got labels from 10 to 10"):
        mnist(small)


def test_arguments_are_checked_before_files_are_read() -> None:
    with pytest.raises(ValueError, match="features must be one of fourier, resample, got 'wavelet'"):
        mnist("/nowhere", features="wavelet")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"square number .* got 65"):
        mnist("/nowhere", modes=65)
    with pytest.raises(ValueError, match="modes must be at least 1, got 0"):
        mnist("/nowhere", features="resample", modes=0)


def openml(images: np.ndarray, labels: np.ndarray) -> Any:
    """Make a stand-in for scikit-learn's fetch_openml, which gives labels as text."""
    calls: list[dict[str, Any]] = []

    def fetch(**arguments: Any) -> SimpleNamespace:
        calls.append(arguments)
        return SimpleNamespace(data=images, target=labels.astype(str).astype(object))

    return fetch, calls


@pytest.fixture(scope="module")
def published() -> tuple[np.ndarray, np.ndarray]:
    """Make 70 000 images, each of one grey of its own, with the published numbers of each digit."""
    labels = np.concatenate([np.repeat(np.arange(10), counts) for counts in (TRAIN_COUNTS, TEST_COUNTS)])
    greys = (np.arange(70_000) % 255 + 1).astype(np.uint8)
    return np.broadcast_to(greys[:, None], (70_000, 784)), labels


@pytest.mark.slow
def test_download_stores_what_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: tuple[np.ndarray, np.ndarray]
) -> None:
    fetch, calls = openml(*published)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = mnist(tmp_path, features="resample", modes=1, download=True)
    assert [call["data_id"] for call in calls] == [554]
    assert (len(data.train_x), len(data.test_x)) == (60_000, 10_000)
    images = read_idx(tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz")
    assert np.array_equal(images.reshape(-1, 784), published[0][60_000:])
    again = mnist(tmp_path, features="resample", modes=1, download=True)
    assert len(calls) == 1
    assert torch.equal(again.test_y, torch.from_numpy(published[1][60_000:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[1:], y[1:]), r"images of shape \(70000, 784\) .*got \(69999, 784\) and \(69999,\)"),
        (
            lambda x, y: (np.broadcast_to(x[:, :1] / 255, x.shape), y),
            "whole pixel values from 0 to 255, got values from 0.0039.* to 1.0 of float64",
        ),
        (
            lambda x, y: (x + np.int16(1), y),
            "whole pixel values from 0 to 255, got values from 2 to 256 of int16",
        ),
        (
            lambda x, y: (x, y[::-1]),
            r"must end with the published test set, .*980, 1135.* got \[5923, 4077, 0, 0, ",
        ),
    ],
)
def test_download_refuses_another_set(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    published: tuple[np.ndarray, np.ndarray],
    change: Any,
    message: str,
) -> None:
    monkeypatch.setattr("sklearn.datasets.fetch_openml", openml(*change(*published))[0])
    with pytest.raises(ValueError, match=f"https://www.openml.org/d/554 .*{message}"):
        mnist(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_download_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(**_arguments: Any) -> None:
        raise OSError("name resolution failed")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(ConnectionError, match=r"openml\.org/d/554 could not be fetched: name resolution failed"):
        mnist(tmp_path, download=True)
