"""The meshes of a torch model, and what they cost layer by layer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np

from retrolux.energy.cost import EnergyReport, LayerCost, layer_cost
from retrolux.energy.formulas import holding_power
from retrolux.energy.presets import PAI2023_TABLES
from retrolux.energy.size import whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from retrolux.energy.device import Device
    from retrolux.gradient import Method
    from retrolux.mesh import Topology

__all__ = ["MeshLayer", "Repeating", "energy_report", "mesh_layers", "unwrapped"]

_PHASES = ("theta", "phi", "gamma")
# Names that torch gives the model inside torch.compile, FSDP and activation checkpoints; types of data parallel.
_WRAPPED = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_WRAPPERS = {"DataParallel", "DistributedDataParallel"}


@runtime_checkable
class MeshLayer(Protocol):
    """A module that is a mesh, as `retrolux.nn.Mesh` is, or a stack, as `retrolux.nn.Blocks`; its phases are in rad.

    The attributes must be its own: a wrapper that delegates to the module in it, as that of torch.compile, is none.
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

    A module without this number, or with one delegated to another module, sends it once. The numbers of nested modules
    multiply.
    """

    passes_per_sample: int


def energy_report(model: nn.Module, batch: int, device: Device = PAI2023_TABLES) -> EnergyReport:
    """Return what a model costs in which its meshes run on a photonic processor.

    A mesh is powered while light passes it, and its shifters hold the phases that it has now. A training step is a
    multiplication and a gradient in each mesh, by the method of its chip, without a chip by interference; the mesh that
    is listed first is taken for the one whose light needs no gradient. What lies between meshes is counted as far as
    the device counts it per sample and mode. The digital rival multiplies by the dense N × N matrix. A mesh with two
    names in the model is passed twice, and takes its area once; what wraps a model (torch.compile, data parallel)
    changes nothing.

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
    for label, mesh, passes in mesh_layers(model):
        phases = np.concatenate([getattr(mesh, name).numpy(force=True) for name in _PHASES], axis=-1)
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
                method=_method_of(mesh),
                first=not layers,
            )
            layers.append(replace(layer, area=0.0) if id(mesh) in listed else layer)
        listed.add(id(mesh))
    if not layers:
        raise ValueError(f"energy_report needs a model with a mesh, got {type(model).__name__} without one")
    return EnergyReport(device, samples, tuple(layers))


def _method_of(layer: MeshLayer) -> Method | None:
    """Return how the chips of a layer get gradients; None for exact meshes."""
    chips = getattr(layer, "experiments", None) or (getattr(layer, "experiment", None),)
    return None if chips[0] is None else cast("Method", chips[0].method)


def mesh_layers(model: nn.Module) -> Iterator[tuple[str, MeshLayer, int]]:
    """Yield the meshes of a model, each under every name that it has, in the order of the modules.

    Yields
    ------
    name : str
        In the model without its wrappers; of the type, where the mesh is the model.
    mesh : MeshLayer
    passes : int
        How often per sample light passes it: the product of the modules it lies in.
    """
    for path, module in model.named_modules(remove_duplicate=False):
        if _only_shows(module) or not isinstance(module, MeshLayer):
            continue
        around, shown, passes = model, [], 1
        for step in [*(path.split(".") if path else []), ""]:
            if _has_own(around, "passes_per_sample"):
                passes *= cast("Repeating", around).passes_per_sample
            if step and not _wraps(around, step):
                shown.append(step)
            if step:
                around = around.get_submodule(step)
        yield ".".join(shown) or type(module).__name__, module, passes


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside torch.compile, data parallel and the like; others as they are."""
    inside = next((child for name, child in model.named_children() if _wraps(model, name)), None)
    return model if inside is None else unwrapped(inside)


def _wraps(module: nn.Module, child: str) -> bool:
    """Whether a module does no more than wrap its child of this name."""
    return child in _WRAPPED or (child == "module" and type(module).__name__ in _WRAPPERS)


def _only_shows(module: nn.Module) -> bool:
    """Whether a module only shows the attributes of a mesh in it, by delegation or by properties."""
    if not all(_has_own(module, name) for name in ("topology", *_PHASES)):
        return True
    inside = (inner for inner in module.modules() if inner is not module and isinstance(inner, MeshLayer))
    return any(inner.theta is module.theta for inner in inside)


def _has_own(module: nn.Module, name: str) -> bool:
    """Whether a module has an attribute itself: set, registered, or of its class; not by __getattr__."""
    return hasattr(type(module), name) or any(
        name in place for place in (vars(module), module._parameters, module._buffers)
    )
