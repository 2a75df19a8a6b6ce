"""Layers inside forked DataLoader workers, after the parent has used its threads."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from retrolux import mesh
from retrolux.nn import Mesh


class Scattered(Dataset):
    """Each item is a batch of light that has crossed a mesh inside the worker."""

    def __init__(self):
        self.mesh = Mesh(mesh.rectangular(32), seed=0)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        x = torch.randn(600, 32, dtype=torch.complex64, generator=torch.Generator().manual_seed(index))
        with torch.no_grad():
            return self.mesh(x)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_workers_compute_what_the_parent_does():
    data = Scattered()
    expected = [data[i] for i in range(len(data))]
    loader = DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60)
    for found, wanted in zip(loader, expected, strict=True):
        assert torch.equal(found, wanted)
