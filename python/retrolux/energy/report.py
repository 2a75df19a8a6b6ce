"""What a torch model of meshes costs, layer by layer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from retrolux.energy.holding import holding_power
from retrolux.energy.layers import EnergyReport, LayerCost, layer_cost
from retrolux.energy.presets import PAI2023_TABLES
from retrolux.energy.size import whole_numbers

if TYPE_CHECKING:
    from torch import Tensor, nn

    from retrolux.energy.device import Device
    from retrolux.mesh import Topology

__all__ = ["MeshLayer", "Repeating", "energy_report", "passes_of"]


@runtime_checkable
class MeshLayer(Protocol):
    """A module that is a mesh, as `retrolux.nn.Mesh` is, or a stack, as `retrolux.nn.Blocks`; its phases are in rad.

    The phases of a stack have shapes (stages, …, mzis) and (stages, …, modes): light passes the stages one after the
    other, and the meshes of a stage side by side.
    """

    topology: Topology
    theta: Tensor
    phi: Tensor
    gamma: Tensor


@runtime_checkable
class Repeating(Protocol):
    """A module that sends light through the meshes inside it several times per sample, as a convolution does.

    A module without this number sends it once. The numbers of nested modules multiply.
    """

    passes_per_sample: int


def energy_report(model: nn.Module, batch: int, device: Device = PAI2023_TABLES) -> EnergyReport:
    """Return what a model costs in which its meshes run on a photonic processor.

    A mesh is powered while light passes it, and its shifters hold the phases that it has now. A training step is a
    multiplication and a measurement of the gradient by interference, in each mesh. What lies between meshes is counted
    as far as the device counts it per sample and mode. The digital rival multiplies by the dense N × N matrix.

    Parameters
    ----------
    model : nn.Module
        With a `retrolux.nn.Mesh`, or several, anywhere inside.
    batch : int
        Samples per batch, at least 1.
    device : Device
        The processor and its rival; see `on_chip` for the losses and the noise of a chip.

    Returns
    -------
    EnergyReport

    Raises
    ------
    ValueError
        When the model holds no mesh or `batch` is below 1.
    """
    samples = int(whole_numbers("batch", batch, 1))
    layers: list[LayerCost] = []
    listed: set[int] = set()
    for name, mesh in model.named_modules(remove_duplicate=False):
        if not isinstance(mesh, MeshLayer):
            continue
        phases = np.concatenate([phase.numpy(force=True) for phase in (mesh.theta, mesh.phi, mesh.gamma)], axis=-1)
        label = name or type(mesh).__name__
        passes = passes_of(model, name)
        stages = [phases] if phases.ndim == 1 else phases
        for number, stage in enumerate(stages, start=1):
            meshes = math.prod(stage.shape[:-1])
            layer = layer_cost(
                device,
                label if len(stages) == 1 else f"{label}, stage {number}",
                mesh.topology,
                samples,
                passes,
                holding_power(device, stage) / meshes,
                meshes,
            )
            layers.append(replace(layer, area=0.0) if id(mesh) in listed else layer)
        listed.add(id(mesh))
    if not layers:
        raise ValueError(f"energy_report needs a model with a mesh, got {type(model).__name__} without one")
    return EnergyReport(device, samples, tuple(layers))


def passes_of(model: nn.Module, name: str) -> int:
    """Return how often per sample light passes the mesh of this name: the product of the modules it lies in."""
    steps = name.split(".") if name else []
    around = (model.get_submodule(".".join(steps[:depth])) for depth in range(len(steps) + 1))
    return math.prod(module.passes_per_sample for module in around if isinstance(module, Repeating))
