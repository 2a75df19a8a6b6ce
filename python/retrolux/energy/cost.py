"""What meshes cost beside their digital rival: one, a layer of them, and a network as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrolux.energy.formulas import breakdown, digital_gradient, digital_mvm
from retrolux.energy.operations import DIGITAL_OPERATIONS, digital_latency, latency
from retrolux.energy.quantity import engineering
from retrolux.energy.size import MeshSize, area, whole_numbers

if TYPE_CHECKING:
    from retrolux.energy.device import Device
    from retrolux.energy.operations import Operation
    from retrolux.gradient import Method, Work
    from retrolux.mesh import Topology

__all__ = ["Cost", "EnergyReport", "LayerCost", "layer_cost", "mesh_cost"]


@dataclass(frozen=True)
class Cost:
    """What a batch costs on meshes and on the digital rival.

    Attributes
    ----------
    parts : dict of str to float
        Energy (J) of each component, the light, the shifters, and of a digital model that is run for gradients.
    seconds : float
        Time of the meshes (s).
    digital : float
        Energy of the digital rival (J).
    digital_seconds : float
        Time of the digital rival (s).
    operations : int
        What the digital rival does.
    """

    parts: dict[str, float]
    seconds: float
    digital: float
    digital_seconds: float
    operations: int

    @property
    def energy(self) -> float:
        """Energy of the meshes (J)."""
        return sum(self.parts.values())

    @property
    def tops_per_watt(self) -> float:
        """10¹² operations of the digital rival per joule on the meshes."""
        return 1e-12 * self.operations / self.energy

    @property
    def energy_ratio(self) -> float:
        """Energy of the digital rival over that of the meshes."""
        return self.digital / self.energy

    def __add__(self, other: Cost) -> Cost:
        """Return the cost of one after the other, on the same device."""
        return Cost(
            {name: self.parts.get(name, 0.0) + other.parts.get(name, 0.0) for name in self.parts | other.parts},
            self.seconds + other.seconds,
            self.digital + other.digital,
            self.digital_seconds + other.digital_seconds,
            self.operations + other.operations,
        )

    def in_turn(self, times: int) -> Cost:
        """Return the cost of the same several times, one after the other."""
        return replace(self.side_by_side(times), seconds=times * self.seconds)

    def side_by_side(self, meshes: int) -> Cost:
        """Return the cost of several meshes at the same time; the digital rival takes them one after the other."""
        return Cost(
            {name: meshes * energy for name, energy in self.parts.items()},
            self.seconds,
            meshes * self.digital,
            meshes * self.digital_seconds,
            meshes * self.operations,
        )


def mesh_cost(
    device: Device,
    operation: Operation,
    size: MeshSize,
    batch: int,
    holding: float | None = None,
    work: Work | None = None,
) -> Cost:
    """Return what a batch costs on one mesh; arguments as for `retrolux.energy.breakdown`.

    A gradient by a method that does some `work` is interference in as many passes, or as many multiplications, or it is
    computed by the digital rival. Without it, it is interference in three passes.
    """
    sent: Operation = operation if work is None or work.taps else "mvm"
    passes = None if work is None else work.passes
    energies = breakdown(device, sent, size, batch, holding=holding, passes=passes)
    parts = {name: float(energy) for name, energy in energies.items()}
    seconds = float(latency(device, sent, size, batch, passes=passes))
    digital = float((digital_mvm if operation == "mvm" else digital_gradient)(device, size, batch))
    digital_seconds = float(digital_latency(device, operation, size, batch))
    if work is not None and work.digital:
        parts["digital model"] = digital
        seconds += digital_seconds
    operations = DIGITAL_OPERATIONS[operation] * batch * int(size.modes) ** 2
    return Cost(parts, seconds, digital, digital_seconds, operations)


@dataclass(frozen=True)
class LayerCost:
    """What one mesh of a model costs, or several alike that light passes side by side.

    Attributes
    ----------
    name : str
        Of the module in the model.
    topology : str
        What built it.
    modes, mzis, columns : int
        How large it is.
    passes : int
        How often light passes it per sample.
    inference : Cost
        Of a batch that is multiplied.
    step : Cost
        Of a batch that is learnt from: multiplied, then the gradient found.
    latency : float
        Time from one sample to its outputs (s).
    area : float
        On the chip (m²); 0 where the mesh has been listed before under another name.
    """

    name: str
    topology: str
    modes: int
    mzis: int
    columns: int
    meshes: int
    passes: int
    inference: Cost
    step: Cost
    latency: float
    area: float


def layer_cost(
    device: Device,
    name: str,
    topology: Topology,
    batch: int,
    passes: int = 1,
    holding: float | None = None,
    meshes: int = 1,
    *,
    method: Method | None = None,
    first: bool = False,
) -> LayerCost:
    """Return what a mesh costs, or several alike.

    Parameters
    ----------
    device : Device
        What it runs on, and what it is compared with.
    name : str
        Of the layer.
    topology : Topology
        The mesh.
    batch : int
        Samples per batch, at least 1.
    passes : int
        How often light passes it per sample, at least 1.
    holding : float, optional
        Of one mesh, as for `retrolux.energy.breakdown`.
    meshes : int
        How many work side by side, at least 1.
    method : Method, optional
        How gradients are got. None, and a method that no chip can do, count as interference in three passes.
    first : bool
        Whether the mesh is the first of a network: the light that enters needs no gradient.

    Raises
    ------
    ValueError
        When a number is out of range.
    """
    size, samples = MeshSize.of(topology), batch * int(whole_numbers("passes", passes, 1))
    copies = int(whole_numbers("meshes", meshes, 1))
    inference = mesh_cost(device, "mvm", size, samples, holding).side_by_side(copies)
    work = None if method is None else method.work(2 * topology.mzis, light=not first)
    gradient = mesh_cost(device, "gradient", size, samples, holding, work).side_by_side(copies)
    return LayerCost(
        name=name,
        topology=topology.name,
        modes=topology.modes,
        mzis=topology.mzis,
        columns=topology.depth,
        meshes=copies,
        passes=passes,
        inference=inference,
        step=inference + gradient,
        latency=float(latency(device, "mvm", size, passes)),
        area=copies * float(area(device, size)),
    )


@dataclass(frozen=True)
class EnergyReport:
    """What a model costs; ``str`` of it is a table.

    Attributes
    ----------
    device : Device
        What it runs on, and what it is compared with.
    batch : int
        Samples per batch.
    layers : tuple of LayerCost
        One per mesh or stack of meshes, in the order of the modules.
    """

    device: Device
    batch: int
    layers: tuple[LayerCost, ...]

    @property
    def inference(self) -> Cost:
        """Cost of multiplying a batch in all layers."""
        first, *rest = (layer.inference for layer in self.layers)
        return sum(rest, start=first)

    @property
    def step(self) -> Cost:
        """Cost of a training step in all layers."""
        first, *rest = (layer.step for layer in self.layers)
        return sum(rest, start=first)

    @property
    def latency(self) -> float:
        """Time from one sample to the outputs of the last layer (s)."""
        return sum(layer.latency for layer in self.layers)

    @property
    def area(self) -> float:
        """Area of all meshes (m²)."""
        return sum(layer.area for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, in SI units, as plain values: of the layers and in total."""
        totals = {
            "inference": _plain(self.inference),
            "step": _plain(self.step),
            "latency": self.latency,
            "area": self.area,
        }
        layers = [
            {**vars(layer), "inference": _plain(layer.inference), "step": _plain(layer.step)} for layer in self.layers
        ]
        return {"device": self.device.name, "batch": self.batch, "total": totals, "layers": layers}

    def __str__(self) -> str:
        """Return a table with a line per layer and one in total, then who takes which part of the energy."""
        rows: list[tuple[str, ...]] = [("layer", "mesh", "passes", *_COSTS)]
        for layer in self.layers:
            about = f"{f'{layer.meshes} × ' if layer.meshes > 1 else ''}{layer.topology}, {layer.modes} modes"
            rows.append((layer.name, about, str(layer.passes), *self._costs(layer)))
        rows.append(("total", "", "", *self._costs(self)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), row[1].ljust(widths[1]), *map(str.rjust, row[2:], widths[2:])]).rstrip()
            for row in rows
        ]
        digital = self.device.digital
        inference = engineering(self.inference.digital / self.batch, "J")
        step, seconds = engineering(self.step.digital, "J"), engineering(self.step.digital_seconds, "s")
        against = f"{digital.name} at {engineering(digital.operation.si, 'J')} per operation"
        return "\n".join(
            [
                f"{self.device.name}, batches of {self.batch}, against {against}",
                *lines,
                f"inference: {_shares(self.inference.parts)}",
                f"training:  {_shares(self.step.parts)}",
                f"digital:   inference {inference}, training step {step} in {seconds}",
            ]
        )

    def _costs(self, costs: LayerCost | EnergyReport) -> tuple[str, ...]:
        """Return the columns of the table that a layer and the total share."""
        inference, step = costs.inference, costs.step
        return (
            engineering(inference.energy / self.batch, "J"),
            f"{inference.energy_ratio:.3g}×",
            f"{inference.tops_per_watt:.3g}",
            engineering(step.energy, "J"),
            f"{step.energy_ratio:.3g}×",
            engineering(costs.latency, "s"),
            engineering(step.seconds, "s"),
            f"{1e6 * costs.area:.4g} mm²",
        )


_COSTS = ("inference", "ratio", "TOPS/W", "training step", "ratio", "latency", "step time", "area")


def _shares(parts: dict[str, float]) -> str:
    """Return in words which part of the energy each component takes, the largest first; what is below 0.1 % as one."""
    total = sum(parts.values())
    percent = {name: 100 * energy / total for name, energy in sorted(parts.items(), key=lambda item: -item[1])}
    named = [f"{name} {share:.1f} %" for name, share in percent.items() if share >= 0.1]
    rest = sum(share for share in percent.values() if share < 0.1)
    return ", ".join([*named, f"the rest {rest:.2g} %"] if rest > 0 else named)


def _plain(cost: Cost) -> dict[str, Any]:
    return {**vars(cost), "energy": cost.energy, "energy_ratio": cost.energy_ratio, "tops_per_watt": cost.tops_per_watt}
