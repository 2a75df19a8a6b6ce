"""The layers that are timed against each other, on the same light and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pure_torch
import torch
from torch import Tensor

from retrolux.functional import Route, propagate

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.mesh import Topology

__all__ = ["Layer", "dense", "photonic", "require_equal", "torch_mesh"]


@dataclass(frozen=True)
class Layer:
    """A layer in single precision, ready to run."""

    forward: Callable[[], Tensor]
    """Inference: no graph is recorded."""
    record: Callable[[], Tensor]
    """Forward pass with its graph."""
    step: Callable[[], tuple[Tensor, ...]]
    """Training step: forward pass and the gradients in the input and in every weight."""
    output_bytes: int


def photonic(topology: Topology, batch: int, route: Route = "auto") -> Layer:
    """Return our mesh."""
    return _layer(
        lambda x, theta, phi, gamma: propagate(x, theta, phi, gamma, topology, route=route),
        _phases(topology),
        topology.modes,
        batch,
    )


def torch_mesh(topology: Topology, batch: int, writing: Literal["elementwise", "batched"]) -> Layer:
    """Return the same mesh in pure torch."""
    columns = pure_torch.Columns.of(topology)
    run = pure_torch.elementwise if writing == "elementwise" else pure_torch.batched
    return _layer(
        lambda x, theta, phi, gamma: run(x, theta, phi, gamma, columns),
        _phases(topology),
        topology.modes,
        batch,
    )


def dense(modes: int, batch: int) -> Layer:
    """Return the digital layer of the same shape, a complex matrix."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(modes, modes, dtype=torch.complex64, generator=generator) / math.sqrt(modes)
    return _layer(lambda x, weight: x @ weight.T, (matrix,), modes, batch)


def require_equal(layer: Layer, reference: Layer) -> None:
    """Refuse to compare layers whose outputs or gradients differ by more than rounding in single precision.

    Raises
    ------
    ValueError
        When they do.
    """
    for ours, theirs in zip((layer.forward(), *layer.step()), (reference.forward(), *reference.step()), strict=True):
        difference = float((ours - theirs).abs().max() / theirs.abs().max())
        if not difference < 1e-3:
            raise ValueError(f"layers to compare must agree to 1e-3, got a relative difference of {difference:.1e}")


def _phases(topology: Topology) -> tuple[Tensor, Tensor, Tensor]:
    """Return theta, phi and gamma at random; no run time depends on their values."""
    generator = torch.Generator().manual_seed(1)
    sizes = topology.mzis, topology.mzis, topology.modes
    theta, phi, gamma = (2 * math.pi * torch.rand(size, generator=generator) for size in sizes)
    return theta, phi, gamma


def _layer(run: Callable[..., Tensor], weights: tuple[Tensor, ...], modes: int, batch: int) -> Layer:
    generator = torch.Generator().manual_seed(2)
    x, grad_y = (torch.randn(batch, modes, dtype=torch.complex64, generator=generator) for _ in range(2))
    inputs = [tensor.requires_grad_() for tensor in (x, *weights)]

    def forward() -> Tensor:
        with torch.no_grad():
            return run(*inputs)

    def record() -> Tensor:
        return run(*inputs)

    def step() -> tuple[Tensor, ...]:
        return torch.autograd.grad(run(*inputs), inputs, grad_y)

    return Layer(forward, record, step, grad_y.nbytes)
