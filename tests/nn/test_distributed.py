"""DistributedDataParallel: two gloo processes give the gradients of one."""

from __future__ import annotations

import socket

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing
from torch.nn.parallel import DistributedDataParallel

from retrolux import mesh
from retrolux.nn import Linear, Mesh, Modulus

BATCH = 12


def network():
    return torch.nn.Sequential(
        Mesh(mesh.rectangular(6), dtype=torch.complex128, seed=0, train_gamma=False),
        Modulus(),
        Mesh(mesh.triangular(6), dtype=torch.complex128, seed=1),
        Linear(6, 3, dtype=torch.complex128, block=2, seed=2),
    )


def light():
    return torch.randn(BATCH, 6, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def train_step(model, x):
    model(x).abs().mean().backward()
    return [p.grad for p in model.parameters() if p.grad is not None]


def worker(rank, port, path):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    model = DistributedDataParallel(network())
    gradients = train_step(model, light()[rank * BATCH // 2 : (rank + 1) * BATCH // 2])
    torch.save(gradients, f"{path}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not dist.is_gloo_available(), reason="torch was built without gloo")
def test_two_processes_give_the_gradients_of_one(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    multiprocessing.spawn(worker, (port, str(tmp_path)), nprocs=2)
    expected = train_step(network(), light())
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-14)
