"""What the photonic layers of a model are made of, what light loses in them, and what an inference costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from retrolux.energy import Device, MeshSize, insertion_loss, on_chip
from retrolux.energy.layers import energy_report, mesh_layers, unwrapped
from retrolux.energy.presets import PAI2023_TABLES
from retrolux.energy.quantity import engineering
from retrolux.hardware import Imperfections, SimulatedChip
from retrolux.nn.blocks import Blocks
from retrolux.nn.copying import copied
from retrolux.nn.mesh import Mesh

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LayerSummary", "ModelSummary", "summary"]

_HEADER = ("layer", "meshes", "modes", "MZIs", "phases", "passes", "longest path", "inference", "digital")


@dataclass(frozen=True)
class LayerSummary:
    """One photonic layer.

    Attributes
    ----------
    name : str
        Of the module in the model; the first, where it has several.
    meshes, modes : int
        How many meshes, and the modes of each.
    mzis, phases : int
        Of all its meshes; a Σ between two meshes has as many attenuators more as a mesh has modes.
    passes : int
        How often light passes it per sample, under all its names.
    loss_db : float
        Insertion loss of the path that meets the most MZIs (dB): through one mesh, or V† and U with Σ fully open.
    energy : float
        Of an inference on the photonic processor (J).
    digital : float
        Of the dense matrix on its digital rival (J).
    """

    name: str
    meshes: int
    modes: int
    mzis: int
    phases: int
    passes: int
    loss_db: float
    energy: float
    digital: float


@dataclass(frozen=True)
class ModelSummary:
    """The photonic layers of a model; ``str`` of it is a table.

    Attributes
    ----------
    device : Device
        What it runs on, and what it is compared with.
    layers : tuple of LayerSummary
        In the order of the modules.
    """

    device: Device
    layers: tuple[LayerSummary, ...]

    @property
    def energy(self) -> float:
        """Of an inference on the photonic processor (J)."""
        return sum(layer.energy for layer in self.layers)

    @property
    def digital(self) -> float:
        """Of the dense matrices on the digital rival (J)."""
        return sum(layer.digital for layer in self.layers)

    def __str__(self) -> str:
        """Return a table with a line per layer and one in total."""
        rows: list[tuple[str, ...]] = [_HEADER]
        for layer in self.layers:
            counts = (layer.meshes, layer.modes, layer.mzis, layer.phases, layer.passes)
            energies = (engineering(joules, "J") for joules in (layer.energy, layer.digital))
            rows.append((layer.name, *map(str, counts), f"{layer.loss_db:.3g} dB", *energies))
        meshes, mzis, phases = (str(sum(int(row[i]) for row in rows[1:])) for i in (1, 3, 4))
        totals = (engineering(joules, "J") for joules in (self.energy, self.digital))
        rows.append(("total", meshes, "", mzis, phases, "", "", *totals))
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        return "\n".join([f"{self.device.name}, one sample, against {self.device.digital.name}", *lines])


def summary(model: nn.Module, sample: Tensor | None = None, device: Device = PAI2023_TABLES) -> ModelSummary:
    """Return what the photonic layers of a model are made of, what they lose and what an inference costs.

    Energies are those of `retrolux.energy.energy_report`: every mesh has modulators and detectors of its own. The rival
    multiplies by the dense matrix, 2 operations per real and 6 per complex number of it.

    Parameters
    ----------
    model : Module
        With a `retrolux.nn.Mesh`, or a layer made of meshes, anywhere inside.
    sample : Tensor, optional
        Input for a copy of the model, which tells how often convolutions and recurrences send light; without it, they
        send it as often as they did last, once before the first time.
    device : Device
        The processor and its rival. A chip has its own losses and noise, an exact mesh those of the device.

    Raises
    ------
    ValueError
        When the model has no mesh, or the device does not describe its light.
    """
    if sample is not None:
        model = copied(model).eval()
        with torch.no_grad():
            model(sample)
    meshes: dict[Blocks | Mesh, tuple[str, int]] = {}
    for name, module, passes in mesh_layers(model):
        if isinstance(module, (Blocks, Mesh)):
            first, before = meshes.get(module, (name, 0))
            meshes[module] = first, before + passes
    kind = type(unwrapped(model)).__name__
    if not meshes:
        raise ValueError(f"summary needs a model with a mesh, got {kind} without one")
    return ModelSummary(
        device,
        tuple(
            _layer(module, name.removesuffix("blocks").rstrip(".") or kind, passes, device)
            for module, (name, passes) in meshes.items()
        ),
    )


def _layer(layer: Blocks | Mesh, name: str, passes: int, device: Device) -> LayerSummary:
    topology, count = layer.topology, layer.theta.numel() // layer.topology.mzis
    stages, rows, columns, is_complex = 1, topology.modes, topology.modes, True
    if isinstance(layer, Blocks):
        stages, rows, columns, is_complex = 2, layer.groups * layer.rows, layer.columns, layer.is_complex
    here, digital = _with_its_chip(device, layer), device.digital
    per_number = passes * (6 if is_complex else 2) * digital.operation.si + (1 + is_complex) * digital.memory.si
    return LayerSummary(
        name=name,
        meshes=count,
        modes=topology.modes,
        mzis=count * topology.mzis,
        phases=count * (2 * topology.mzis + topology.modes),
        passes=passes,
        loss_db=stages * float(insertion_loss(here, MeshSize.of(topology))),
        energy=energy_report(layer, passes, here).inference.energy,
        digital=rows * columns * per_number,
    )


def _with_its_chip(device: Device, layer: Blocks | Mesh) -> Device:
    """Return the device with the losses and the noise of the chip that a layer is on."""
    experiments = layer.experiments if isinstance(layer, Blocks) else [layer.experiment]
    for experiment in experiments:
        if experiment is not None and isinstance(experiment.chip, SimulatedChip):
            return on_chip(device, experiment.chip.imperfections)
    if isinstance(layer, Mesh) and layer.loss_db is not None:
        return on_chip(device, Imperfections(loss_db=float(layer.loss_db.mean())))
    return device
