from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from retrolux.data import NAMES, cifar10, digits, load, mnist, planar, write_idx


@pytest.mark.parametrize("name", ["digits", "moons", "circle", "ring", "blobs"])
def test_drawn_sets(name: str) -> None:
    data = load(name, seed=2)  # type: ignore[arg-type]
    expected = digits(seed=2) if name == "digits" else planar(name, seed=2)  # type: ignore[arg-type]
    assert data.name == name
    assert torch.equal(data.train_x, expected.train_x)
    assert torch.equal(data.test_y, expected.test_y)


def test_digits_with_other_modes() -> None:
    assert torch.equal(load("digits", modes=16).train_x, digits(modes=16).train_x)


def test_sets_with_files(tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", np.full((3, 28, 28), 7, dtype=np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(3, dtype=np.uint8))
    assert load("mnist", data_dir=tmp_path).train_x.shape == (3, 64)
    assert torch.equal(load("mnist", data_dir=tmp_path, modes=9).train_x, mnist(tmp_path, modes=9).train_x)
    batch = pickle.dumps({"data": np.full((2, 3072), 51, dtype=np.uint8), "labels": [3, 4]}, protocol=4)
    for name in ("data_batch_1", "test_batch"):
        (tmp_path / name).write_bytes(batch)
    assert torch.equal(load("cifar10", data_dir=tmp_path).train_x, cifar10(tmp_path).train_x)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_folder_is_passed_on(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}"):
        load(name, data_dir=tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_download_is_passed_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(**_arguments: object) -> None:
        raise OSError("asked for")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(ConnectionError, match="asked for"):
        load(name, data_dir=tmp_path, download=True)  # type: ignore[arg-type]


def test_unknown_names_and_modes_without_a_choice() -> None:
    with pytest.raises(ValueError, match=f"name must be one of {', '.join(NAMES)}, got 'imagenet'"):
        load("imagenet")  # type: ignore[arg-type]
    for name in ("cifar10", "moons"):
        with pytest.raises(ValueError, match=f"modes can be chosen for digits and mnist, got modes=8 for {name}"):
            load(name, modes=8)


@pytest.mark.slow
def test_importing_does_not_import_scikit_learn() -> None:
    script = "import sys, retrolux.data; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode == 0
