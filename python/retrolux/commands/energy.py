"""`retrolux energy`: what a network of meshes costs, and where meshes beat a digital processor."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import tyro

from retrolux import energy, mesh
from retrolux.atomic import write_atomically
from retrolux.commands.paths import Folder, OptionalFile
from retrolux.energy import presets
from retrolux.energy.quantity import engineering
from retrolux.energy.size import whole_numbers
from retrolux.gradient import METHODS, method_named
from retrolux.reading import read_text

if TYPE_CHECKING:
    from retrolux.energy import Device, EnergyReport
    from retrolux.energy.operations import Operation

__all__ = ["DESCRIPTION", "Energy"]

DESCRIPTION = """\
Print what a network of meshes costs in energy, time and area, against a digital processor.

First the cost of each mesh and of the network, and who takes which part of the energy. A training step is a
multiplication and a gradient. Then, for your device and for the published ones, the smallest
mesh that is 1, 2 and 4 times better than the digital processor. The folder receives energy_maps and energy_parts, each
as PNG and SVG, and device.toml: every number with its unit and source, to be edited and given to --device.

The published model leaves out the power that holds the phases, the efficiency of the laser, the losses, memory and the
noise of the receivers; --change counts them.

Examples:
  retrolux energy
  retrolux energy --preset pai2023_figure --modes 256 256 256 --batch 255
  retrolux energy --change shifters.power_per_pi=25 link.laser_efficiency=0.1 link.mzi_loss=0.25
  retrolux energy --change link.tap_noise=0.01 --digital h100
  retrolux energy --gradient spsa
  retrolux energy --device runs/energy/device.toml --checkpoint runs/digits/best.pt"""

if TYPE_CHECKING:
    PresetName: TypeAlias = str
    DigitalName: TypeAlias = str
    TopologyName: TypeAlias = str
    GradientName: TypeAlias = str
else:  # the command line reads the choices from the types
    PresetName = Literal[tuple(presets.PRESETS)]
    DigitalName = Literal[("published", *presets.DIGITAL)]
    TopologyName = Literal[tuple(name for name, it in mesh.TOPOLOGIES.items() if not it.not_costed)]
    GradientName = Literal[tuple(METHODS)]

_OWN = "this device"
_OPERATIONS: dict[Operation, str] = {"mvm": "multiplication", "gradient": "gradient"}
_FACTORS = (1, 2, 4)
_LARGEST = 1024
_MOST_MODES = 2**14  # whose hundred million MZIs are laid out in memory
_DISAGREEMENT = """\
The published variants do not agree: the heat maps were drawn with less energy per sample and mode, and a digital
processor that takes more, than the tables of the supplement hold. Neither counts what the examples of
retrolux energy --help switch on."""


@dataclass(frozen=True)
class Energy:
    """Print what a network of meshes costs in energy, time and area, against a digital processor.

    Attributes
    ----------
    preset
        The device: one of the published ones.
    device
        A TOML file that describes the device, instead of the preset.
    change
        Numbers of the device to change, each in the unit it has; device.toml names them all.
    digital
        The digital processor to compare with; published: that of the device.
    modes
        Modes of each mesh of the network, at least 2.
    topology
        How the MZIs of its meshes are arranged.
    gradient
        How gradients are got. adjoint, which no chip can measure, counts as three_measurement.
    batch
        Samples per batch, at least 1.
    checkpoint
        A trained network (best.pt or last.pt of a run) instead of modes, topology and gradient; its shifters hold its
        phases, those of other networks Haar-random ones.
    out
        Folder of the figures and of device.toml.
    """

    preset: PresetName = "pai2023_tables"
    device: OptionalFile = None
    change: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PART.NAME=NUMBER")] = ()
    digital: DigitalName = "published"
    modes: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT")] = (64, 64)
    topology: TopologyName = "triangular"
    gradient: GradientName = "three_measurement"
    batch: int = 64
    checkpoint: OptionalFile = None
    out: Folder = Path("runs/energy")

    def run(self) -> int:
        """Write the figures and print the tables."""
        from retrolux.locking import locked  # noqa: PLC0415 - not needed for --help

        device = self._device()
        report = self._report(device)
        _check_finite(report)
        devices = dict(presets.PRESETS)
        if device not in devices.values():
            devices[_OWN] = device
        comparison = _comparison(devices, self.batch)
        figures = _figures(devices, max(layer.modes for layer in report.layers), self.batch)
        with locked(self.out):
            write_atomically(self.out / "device.toml", energy.to_toml(device).encode())
            for name, content in figures.items():
                write_atomically(self.out / name, content)
        print(report)
        if device.link is not None and device.link.asks_for_noise:
            for modes in sorted({layer.modes for layer in report.layers}):
                power = engineering(float(energy.optical_power(device, modes)), "W")
                print(f"light:     {power} for each of {modes} modes")
        print(f"device:    {device.source}\n")
        print(comparison)
        print(f"\n{_DISAGREEMENT}\n\ndevice.toml, {', '.join(figures)} are in {self.out}")
        return 0

    def _device(self) -> Device:
        """Return the device that the options describe."""
        device = presets.PRESETS[self.preset]
        if self.device is not None:
            try:
                device = energy.from_toml(read_text(self.device))
            except FileNotFoundError:
                raise FileNotFoundError(f"there is no device file {self.device}") from None
            except ValueError as error:
                raise ValueError(f"{self.device}: {error}") from None
        if self.digital != "published":
            device = replace(device, digital=presets.DIGITAL[self.digital])
        for change in self.change:
            path, _, number = change.partition("=")
            try:
                value = float(number)
            except ValueError:
                raise ValueError(f"change must be PART.NAME=NUMBER, got {change!r}") from None
            device = device.changed(path, value)
        return replace(device, name=f"{device.name}, changed") if self.change else device

    def _report(self, device: Device) -> EnergyReport:
        """Return the cost of the trained network, or of one with Haar-random phases."""
        if self.checkpoint is not None:
            from retrolux.study import load  # noqa: PLC0415 - brings torch

            return energy.energy_report(load(self.checkpoint), self.batch, device)
        if not self.modes:
            raise ValueError("modes must name a mesh at least, got none")
        whole_numbers("modes", self.modes, 2)
        if max(self.modes) > _MOST_MODES:
            raise ValueError(f"modes must be at most {_MOST_MODES}, got {max(self.modes)}")
        whole_numbers("batch", self.batch, 1)
        method = method_named(self.gradient)
        topologies = [mesh.TOPOLOGIES[self.topology].build(modes) for modes in self.modes]
        layers = (
            energy.layer_cost(device, f"mesh {number}", topology, self.batch, method=method, first=number == 1)
            for number, topology in enumerate(topologies, start=1)
        )
        return energy.EnergyReport(device, self.batch, tuple(layers))


def _check_finite(report: EnergyReport) -> None:
    """Refuse light that nobody can send: the loss of a mesh is in decibels, its energy is not."""
    for layer in report.layers:
        if not math.isfinite(layer.step.energy):
            raise ValueError(
                f"the light of {layer.name} ({layer.modes} modes) loses too much for its energy to be a number: "
                "lower link.mzi_loss, link.column_loss or link.fixed_loss"
            )


def _comparison(devices: dict[str, Device], batch: int) -> str:
    """Return a table of the smallest meshes with an advantage, a line per device."""
    sizes = np.arange(2, _LARGEST + 1)
    width = max(map(len, devices))
    factors = "".join(f"{factor:>6}×" for factor in _FACTORS)
    lines = [
        f"modes of the smallest rectangular mesh with a photonic advantage, up to {_LARGEST}, in batches of {batch}:",
        "  ".join([" " * width, *(f"{words:>{len(factors)}}" for words in _OPERATIONS.values())]),
        "  ".join([" " * width, *(factors for _ in _OPERATIONS)]),
    ]
    for name, device in devices.items():
        cells = []
        for operation in _OPERATIONS:
            found = [energy.advantage(device, operation, sizes, batch, factor) for factor in _FACTORS]
            cells.append("".join(f"{modes or 'none':>7}" for modes in found))
        lines.append("  ".join([f"{name:<{width}}", *cells]))
    return "\n".join(lines)


def _figures(devices: dict[str, Device], modes: int, batch: int) -> dict[str, bytes]:
    """Return the files of the figures, over the range of the published heat maps."""
    from retrolux import plot  # noqa: PLC0415 - matplotlib is slow, and not needed for --help

    # All sizes where they are few, and further up as dense as the logarithmic axes show them.
    modes_shown, batches = (np.unique(np.geomspace(least, most, 129).round()) for least, most in ((4, 256), (1, 255)))
    figures = {
        "energy_maps": plot.energy_maps(devices, modes_shown, batches),
        "energy_parts": plot.cost_bars(devices, modes, batch),
    }
    files = {}
    for name, figure in figures.items():
        for kind in ("png", "svg"):
            image = io.BytesIO()
            figure.savefig(image, format=kind, dpi=120)
            files[f"{name}.{kind}"] = image.getvalue()
    return files
