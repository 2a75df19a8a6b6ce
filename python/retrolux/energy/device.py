"""The parts of a photonic processor and of its digital rival: every number that a cost is calculated from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from retrolux.energy.quantity import Quantity, finite
from retrolux.reading import shown

__all__ = ["Component", "Device", "Digital", "Floorplan", "LinkBudget", "Part", "Receiver", "Shifters", "Timing"]


class Part:
    """A part of a device description, checked when it is made.

    An annotation such as ``Annotated[Quantity, "energy"]`` says what a field must be; a float counts something.

    Raises
    ------
    ValueError
        When a field is of another kind than its annotation says or out of range.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            if hint is float:
                object.__setattr__(self, name, finite(name, value))
            elif hint is str:
                if not isinstance(value, str):
                    raise ValueError(f"{name} must be a text, got {shown(value)}")
            elif hasattr(hint, "__metadata__"):
                if not isinstance(value, Quantity):
                    raise ValueError(f"{name} must have a value, a unit and a source, got {shown(value)}")
                value.check(name, hint.__metadata__[0])


@dataclass(frozen=True, kw_only=True)
class Component(Part):
    """Something that takes energy each time it is used.

    Attributes
    ----------
    energy : Quantity
        Per use.
    mvm : float ≥ 0
        Uses per sample and mode when a mesh multiplies.
    gradient : float ≥ 0
        Uses per sample and mode when the gradient of a mesh is measured.
    gradient_per_phase : float ≥ 0
        Uses per phase of the mesh when its gradient is measured, once for the whole batch.
    """

    energy: Annotated[Quantity, "energy"]
    mvm: float = 0.0
    gradient: float = 0.0
    gradient_per_phase: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LinkBudget(Part):
    """The link budget: the light wanted at the detectors, what is lost on the way, and what the laser takes for it.

    Attributes
    ----------
    power : Quantity
        Of one mode, at the detectors; it counts where no noise is given.
    tap_noise, detector_noise : Quantity
        Noise that the light must not exceed, as in `retrolux.hardware.Imperfections`; 0: no limit.
    mvm, gradient : float ≥ 0
        Modes that are lit per sample and mode of the mesh, in all passes.
    laser_efficiency : Quantity
        Optical power of the laser per electrical power: the wall-plug efficiency.
    fixed_loss : Quantity
        Of the facets and modulators, before the mesh.
    mzi_loss : Quantity
        Of one MZI, taps included; it counts once for each on the longest path.
    column_loss : Quantity
        Of the waveguides of one column.
    """

    power: Annotated[Quantity, "power"]
    tap_noise: Annotated[Quantity, "noise"]
    detector_noise: Annotated[Quantity, "noise"]
    mvm: float
    gradient: float
    laser_efficiency: Annotated[Quantity, "fraction"]
    fixed_loss: Annotated[Quantity, "loss"]
    mzi_loss: Annotated[Quantity, "loss"]
    column_loss: Annotated[Quantity, "loss"]

    @property
    def asks_for_noise(self) -> bool:
        """Whether the power follows from the noise that is wanted."""
        return self.tap_noise.si > 0 or self.detector_noise.si > 0


@dataclass(frozen=True, kw_only=True)
class Shifters(Part):
    """The phase shifters.

    Attributes
    ----------
    power_per_pi : Quantity
        Electrical power that holds a phase of π; that of another phase, taken modulo 2π, is proportional to it.
    """

    power_per_pi: Annotated[Quantity, "power"]


@dataclass(frozen=True, kw_only=True)
class Receiver(Part):
    """Photodetectors and what amplifies their current; they limit how little light is enough.

    Attributes
    ----------
    responsivity : Quantity
        Current per optical power.
    tap_fraction : Quantity
        Part of the light in a waveguide that a tap takes to its detector.
    thermal_current : Quantity
        Thermal noise of the amplifier, as a current at its input.
    """

    responsivity: Annotated[Quantity, "responsivity"]
    tap_fraction: Annotated[Quantity, "fraction"]
    thermal_current: Annotated[Quantity, "current noise"]


@dataclass(frozen=True, kw_only=True)
class Timing(Part):
    """How fast samples follow each other.

    Attributes
    ----------
    modulation_rate, conversion_rate : Quantity
        Samples per second that the modulators send and that the analog-to-digital converters read.
    conversion_delay : Quantity
        From a number to light, and back from light to a number, together.
    """

    modulation_rate: Annotated[Quantity, "rate"]
    conversion_rate: Annotated[Quantity, "rate"]
    conversion_delay: Annotated[Quantity, "time"]

    @property
    def clock(self) -> float:
        """Samples per second (Hz): the slower one of modulation and conversion."""
        return min(self.modulation_rate.si, self.conversion_rate.si)


@dataclass(frozen=True, kw_only=True)
class Floorplan(Part):
    """How a mesh lies on the chip.

    Attributes
    ----------
    column_pitch : Quantity
        Length of one column, the MZI with its phase shifters.
    mode_pitch : Quantity
        Distance of two neighbouring waveguides.
    group_index : Quantity
        Of the waveguides.
    """

    column_pitch: Annotated[Quantity, "length"]
    mode_pitch: Annotated[Quantity, "length"]
    group_index: Annotated[Quantity, "ratio"]


@dataclass(frozen=True, kw_only=True)
class Digital(Part):
    """The digital processor that a device is compared with.

    Attributes
    ----------
    name : str
        What it is.
    operation : Quantity
        Energy per operation, as such or in TOPS/W.
    throughput : Quantity
        Operations per second.
    memory : Quantity
        Energy to read or write a real number of the weights or of their gradient.
    """

    name: str
    operation: Annotated[Quantity, "energy"]
    throughput: Annotated[Quantity, "throughput"]
    memory: Annotated[Quantity, "energy"]


@dataclass(frozen=True, kw_only=True)
class Device(Part):
    """A photonic processor and its digital rival; start from one of `retrolux.energy.presets`.

    Attributes
    ----------
    name : str
        Of the device, in figures and tables.
    source : str
        Where the description comes from, in a sentence.
    components : dict of str to Component
        What takes energy by use.
    shifters : Shifters
    receiver : Receiver
    timing : Timing
    floorplan : Floorplan
    digital : Digital
    link : LinkBudget or None
        None where the sources do not separate the energy of the light from that of the components.
    """

    name: str
    source: str
    components: dict[str, Component]
    shifters: Shifters
    receiver: Receiver
    timing: Timing
    floorplan: Floorplan
    digital: Digital
    link: LinkBudget | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for operation in ("mvm", "gradient"):
            if not any(c.energy.si * getattr(c, operation) > 0 for c in self.components.values()):
                raise ValueError(f"components of {self.name} must take energy in {operation}, got none that does")

    def changed(self, path: str, value: float) -> Device:
        """Return this device with one number changed, in the unit it has.

        Parameters
        ----------
        path : str
            Where it stands, as in ``"components.adc.energy"`` or ``"link.laser_efficiency"``.
        value : float
            The new number.

        Raises
        ------
        ValueError
            When there is no number at that place, or `value` is out of its range.
        """
        changed: Device = _changed(self, path.split("."), value, path)
        return changed


def _changed(part: Any, steps: list[str], value: float, path: str) -> Any:
    """Return `part` with the number that the steps lead to replaced; part is a Part, a dict, or what stands there."""
    if not steps:
        if isinstance(part, Quantity):
            try:
                return dataclasses.replace(part, value=value, source="set by the user")
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
        if isinstance(part, (int, float)):
            return value
        raise ValueError(f"{path} must lead to a number, as components.adc.energy does, got {type(part).__name__}")
    inside = part if isinstance(part, dict) else vars(part) if isinstance(part, Part) else {}
    step, *rest = steps
    if step not in inside:
        there = f"there are {', '.join(inside)}" if inside else "nothing is described there"
        raise ValueError(f"there is no {path}: no {step!r}; {there}")
    new = _changed(inside[step], rest, value, path)
    return inside | {step: new} if isinstance(part, dict) else dataclasses.replace(part, **{step: new})
