"""What a mesh costs in energy and time, beside its digital rival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retrolux.energy.model import breakdown, digital_gradient, digital_mvm
from retrolux.energy.operations import DIGITAL_OPERATIONS
from retrolux.energy.timing import digital_latency, latency

if TYPE_CHECKING:
    from retrolux.energy.device import Device
    from retrolux.energy.operations import Operation
    from retrolux.energy.size import MeshSize
    from retrolux.gradient import Work

__all__ = ["Cost", "mesh_cost"]


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
    def gain(self) -> float:
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
