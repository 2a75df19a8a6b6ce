"""Tensors on a GPU: the mesh's matrix is built on the CPU, the batch never leaves the device."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from retrolux import mesh
from retrolux.functional import propagate
from retrolux.nn import Mesh

TOPOLOGY = mesh.rectangular(4)


@pytest.mark.parametrize("route", ["auto", "matrix"])
def test_devices_without_a_gpu(route):
    """Fake tensors carry a device and no numbers: every operation finds its arguments where it needs them."""
    with FakeTensorMode(), torch.no_grad():
        x = torch.empty(7, 4, dtype=torch.complex64, device="cuda")
        theta, phi, gamma = (torch.empty(size, device="cuda") for size in (6, 6, 4))
        errors, losses = torch.empty(6, 2, device="cuda"), torch.empty(6, 4, device="cuda")
        y = propagate(x, theta, phi, gamma, TOPOLOGY, errors, losses, route=route)
        assert (y.device.type, y.shape, y.dtype) == ("cuda", (7, 4), torch.complex64)
        with pytest.raises(ValueError, match="route 'mesh' runs on the CPU, got tensors on cuda"):
            propagate(x, theta, phi, gamma, TOPOLOGY, route="mesh")
        with pytest.raises(ValueError, match="theta must be on the device of the others, cuda:0, got cpu"):
            propagate(x, torch.empty(6), phi, gamma, TOPOLOGY)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_a_gpu_gives_what_the_cpu_gives(dtype):
    results = []
    for device in ("cpu", "cuda"):
        layer = Mesh(TOPOLOGY, dtype=dtype, seed=0).to(device)
        x = torch.randn(50, 4, dtype=dtype, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()
        y = layer(x)
        (y.abs().square() * torch.arange(4, device=device)).sum().backward()
        assert y.device.type == device
        torch.testing.assert_close(layer.matrix().cpu(), Mesh(TOPOLOGY, dtype=dtype, seed=0).matrix())
        results.append([y.detach().cpu(), x.grad.cpu(), *(p.grad.cpu() for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)
