from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from retrolux.data import DATASETS, PLANAR, cifar10, digits, load, mnist, planar, write_idx

FILES = [name for name, dataset in DATASETS.items() if dataset.has_files]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a few images of every data set that has files."""
    path = tmp_path_factory.mktemp("data")
    for part in ("train", "t10k"):
        write_idx(path / f"{part}-images-idx3-ubyte", np.full((3, 28, 28), 7, dtype=np.uint8))
        write_idx(path / f"{part}-labels-idx1-ubyte", np.arange(3, dtype=np.uint8))
    batch = pickle.dumps({"data": np.full((2, 3072), 51, dtype=np.uint8), "labels": [3, 4]}, protocol=4)
    for name in ("data_batch_1", "test_batch"):
        (path / name).write_bytes(batch)
    return path


@pytest.mark.parametrize("name", DATASETS)
def test_it_is_what_the_catalogue_says(name: str, folder: Path) -> None:
    known = DATASETS[name]
    data = load(name, data_dir=folder)
    assert data.name == name
    assert len(data.classes) == known.classes
    if known.training is not None:
        assert data.train_x.shape[1:] == (known.modes or 64,)
        assert (known.modes or 64) >= known.classes * known.ports_per_class
    if known.modes is not None:
        assert torch.equal(load(name, data_dir=folder, modes=known.modes).train_x, data.train_x)
    elif "modes" in known.takes:
        assert load(name, data_dir=folder, modes=16).train_x.shape[1:] == (16,)
    if "seed" in known.takes:
        assert not torch.equal(load(name, data_dir=folder, seed=1).train_x, data.train_x)


def test_it_is_what_the_loader_gives(folder: Path) -> None:
    for name in PLANAR:
        assert torch.equal(load(name, seed=2).train_x, planar(name, seed=2).train_x)
    assert torch.equal(load("digits", modes=16, seed=2).test_x, digits(modes=16, seed=2).test_x)
    assert torch.equal(load("mnist", data_dir=folder, modes=9).train_x, mnist(folder, modes=9).train_x)
    assert torch.equal(load("cifar10", data_dir=folder).train_x, cifar10(folder).train_x)


@pytest.mark.parametrize("name", FILES)
def test_the_folder_is_passed_on(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}"):
        load(name, data_dir=tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_the_download_is_passed_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(**_arguments: object) -> None:
        raise OSError("asked for")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(ConnectionError, match="asked for"):
        load(name, data_dir=tmp_path, download=True)


def test_unknown_names_and_modes_without_a_choice() -> None:
    with pytest.raises(ValueError, match=f"name must be one of {', '.join(DATASETS)}, got 'imagenet'"):
        load("imagenet")
    for name in ("cifar10", "moons"):
        with pytest.raises(ValueError, match=f"modes can be chosen for digits and mnist, got modes=8 for {name}"):
            load(name, modes=8)


@pytest.mark.slow
def test_importing_brings_neither_torch_nor_scikit_learn() -> None:
    script = "import sys, retrolux.data; sys.exit(bool({'sklearn', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode == 0
