"""The layers that are timed against each other, on the same light and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from retrolux.functional import Route, propagate
from retrolux.gradient import method_named
from retrolux.hardware import SimulatedChip
from retrolux.hardware.presets import PAI_2023
from retrolux.mesh import haar_phases
from retrolux.nn.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.mesh import Topology

__all__ = ["Layer", "dense", "in_situ", "layer", "photonic", "random_phases", "require_equal"]


@dataclass(frozen=True)
class Layer:
    """A layer in single precision, ready to run.

    Attributes
    ----------
    forward : callable
        Inference: no graph is recorded.
    record : callable
        Forward pass with its graph.
    step : callable
        Training step: forward pass and the gradients in the input and in every weight.
    output_bytes : int
        Size of the output.
    """

    forward: Callable[[], Tensor]
    record: Callable[[], Tensor]
    step: Callable[[], tuple[Tensor, ...]]
    output_bytes: int


def layer(run: Callable[..., Tensor], weights: tuple[Tensor, ...], modes: int, batch: int) -> Layer:
    """Return the layer that `run` computes from light of shape (batch, modes) and `weights`."""
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


def photonic(topology: Topology, batch: int, route: Route = "auto") -> Layer:
    """Return our mesh."""
    return layer(
        lambda x, theta, phi, gamma: propagate(x, theta, phi, gamma, topology, route=route),
        random_phases(topology),
        topology.modes,
        batch,
    )


def in_situ(topology: Topology, batch: int) -> Layer:
    """Return our mesh on a simulated chip with the imperfections of `retrolux.hardware.presets.PAI_2023`.

    Gradients are measured by three passes. The phases are written to the chip in every step, as in training.
    """
    experiment = Experiment(SimulatedChip(topology, PAI_2023, 0, np.complex64), method_named("three_measurement"))

    def run(x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor) -> Tensor:
        experiment.written = None
        return experiment.propagate(x, theta, phi, gamma)

    return layer(run, random_phases(topology), topology.modes, batch)


def dense(modes: int, batch: int) -> Layer:
    """Return the digital layer of the same shape, a complex matrix."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(modes, modes, dtype=torch.complex64, generator=generator) / math.sqrt(modes)
    return layer(lambda x, weight: x @ weight.T, (matrix,), modes, batch)


def random_phases(topology: Topology) -> tuple[Tensor, Tensor, Tensor]:
    """Return Haar-random theta, phi and gamma [rad].

    Uniform ones would let next to no light through to the far corners of a large matrix, and products with numbers that
    small are slow on some processors.
    """
    drawn = haar_phases(topology, np.random.default_rng(1))
    theta, phi, gamma = (torch.from_numpy(phase).to(torch.float32) for phase in drawn)
    return theta, phi, gamma


def require_equal(ours: Layer, reference: Layer) -> None:
    """Refuse to compare layers whose outputs or gradients differ by more than rounding in single precision.

    Raises
    ------
    ValueError
        When they do.
    """
    for mine, theirs in zip((ours.forward(), *ours.step()), (reference.forward(), *reference.step()), strict=True):
        difference = float((mine - theirs).abs().max() / theirs.abs().max())
        if not difference < 1e-3:
            raise ValueError(f"layers to compare must agree to 1e-3, got a relative difference of {difference:.1e}")
