"""The network of the study: meshes with the modulus between them and photodetectors at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from retrolux import mesh
from retrolux.nn import Intensity, Mesh, Modulus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.study.config import TrainConfig

__all__ = ["Network", "random_stream"]


def random_stream(seed: int, purpose: Literal["phases", "order", "chip"], index: int) -> np.random.Generator:
    """Return the generator of the first phases or the chip of mesh `index`, or of the order in epoch `index`.

    Streams of another purpose or index are independent; each is a function of the three arguments alone.
    """
    key = ("phases", "order", "chip").index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, index)))


class Network(nn.Module):
    """Meshes of MZIs in a row, |·| after each, then the power at the first ports as logits.

    Pai et al., Science 380, 398 (2023). θ and φ start Haar-random. The output phases γ stay 0, since the
    modulus would hide them, and the last modulus is left out, since the detectors see |y|² all the same.
    With a gradient method each mesh is a simulated chip of its own, in training and in testing.

    Parameters
    ----------
    config : TrainConfig
        Sizes, topology, number type, gain and seed; the chips and how their gradients are measured.

    Attributes
    ----------
    meshes : ModuleList of Mesh
        In the order light meets them.

    Raises
    ------
    ValueError
        When the topology does not exist for this number of modes.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.classes = config.classes
        self.ports_per_class = config.ports_per_class
        self.gain = config.gain
        self.dtype: torch.dtype = getattr(torch, config.dtype)
        topology = mesh.TOPOLOGIES[config.topology].build(config.modes)
        self.meshes = nn.ModuleList(_mesh(config, topology, self.dtype, index) for index in range(config.meshes))
        self.modulus = Modulus()
        self.detector = Intensity(range(self.classes * self.ports_per_class))

    def forward(self, x: Tensor) -> Tensor:
        """Classify samples.

        Parameters
        ----------
        x : Tensor, shape (…, modes), real or complex
            Field that enters the first mesh, as `retrolux.data` gives it; taken in the number type of the network.

        Returns
        -------
        Tensor, shape (…, classes), real
            Logits: gain × the power at the ports of each class.
        """
        field = self.meshes[0](x.to(self.dtype))
        for layer in self.meshes[1:]:
            field = layer(self.modulus(field))
        powers: Tensor = self.detector(field).unflatten(-1, (self.classes, self.ports_per_class)).sum(dim=-1)
        return self.gain * powers

    @property
    def layers(self) -> list[Mesh]:
        """The meshes, in the order light meets them."""
        return [layer for layer in self.meshes if isinstance(layer, Mesh)]

    def phases(self) -> list[tuple[mesh.Topology, NDArray[np.floating], NDArray[np.floating]]]:
        """Return topology, θ and φ (rad, shape (mzis,)) of each mesh, as `retrolux.plot.draw_meshes` takes them."""
        return [(layer.topology, layer.theta.numpy(force=True), layer.phi.numpy(force=True)) for layer in self.layers]

    def shots(self) -> int:
        """Return the samples of light sent through all chips so far; 0 without chips."""
        return sum(layer.experiment.shots for layer in self.layers if layer.experiment is not None)

    def gradient_cosine(self) -> float:
        """Return the cosine between measured and exact gradient of the last backward pass, the mean over the meshes.

        Without chips gradients are exact, and it is 1. It is NaN where the gradient is 0.

        Raises
        ------
        RuntimeError
            When the network is on chips and there was no backward pass.
        """
        cosines = [1.0 if layer.experiment is None else layer.cosine_to_exact() for layer in self.layers]
        return float(np.mean(cosines))


def _mesh(config: TrainConfig, topology: mesh.Topology, dtype: torch.dtype, index: int) -> Mesh:
    """Return mesh `index` with its first phases, exact or on a chip of its own."""
    seed = int(random_stream(config.seed, "phases", index).integers(2**63))
    if config.method is None:
        return Mesh(topology, dtype, seed, train_gamma=False)
    return Mesh(
        topology,
        dtype,
        seed,
        train_gamma=False,
        imperfections=config.imperfections,
        gradient=config.method,
        output_phase=config.output_phase,
        chip_seed=int(random_stream(config.chip_seed, "chip", index).integers(2**63)),
    )
