"""What a photonic network costs: energy, time and area, against a digital processor. Needs NumPy only, but for reports.

A `Device` describes every number with its unit and source; `presets` holds the published ones, `from_toml` reads one.
`mvm`, `gradient` and their digital counterparts give energies, `breakdown` the parts of them, `energy_report` all of it
for a torch model. `noise_from_power` and its inverse tie the noise of a chip to the light it is sent; `on_chip` puts
the losses and the noise of a chip into a device, so that one chip has an accuracy and a cost.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from retrolux.energy import presets
from retrolux.energy.cost import Cost
from retrolux.energy.description import from_toml, to_toml
from retrolux.energy.device import (
    Component,
    Device,
    Digital,
    Floorplan,
    Light,
    Receiver,
    Shifters,
    Timing,
)
from retrolux.energy.footprint import area
from retrolux.energy.holding import haar_holding_power, holding_power
from retrolux.energy.layers import EnergyReport, LayerCost, layer_cost
from retrolux.energy.light import insertion_loss, laser_power, light_power, on_chip
from retrolux.energy.model import (
    advantage,
    breakdown,
    digital_gradient,
    digital_mvm,
    gain,
    gradient,
    mvm,
    tops_per_watt,
)
from retrolux.energy.quantity import Quantity
from retrolux.energy.receiver import (
    detector_noise_from_power,
    noise_from_power,
    power_from_detector_noise,
    power_from_noise,
)
from retrolux.energy.size import MeshSize
from retrolux.energy.timing import digital_latency, latency, time_of_flight

if TYPE_CHECKING:
    from retrolux.energy.report import energy_report

__all__ = [
    "Component",
    "Cost",
    "Device",
    "Digital",
    "EnergyReport",
    "Floorplan",
    "LayerCost",
    "Light",
    "MeshSize",
    "Quantity",
    "Receiver",
    "Shifters",
    "Timing",
    "advantage",
    "area",
    "breakdown",
    "detector_noise_from_power",
    "digital_gradient",
    "digital_latency",
    "digital_mvm",
    "energy_report",
    "from_toml",
    "gain",
    "gradient",
    "haar_holding_power",
    "holding_power",
    "insertion_loss",
    "laser_power",
    "latency",
    "layer_cost",
    "light_power",
    "mvm",
    "noise_from_power",
    "on_chip",
    "power_from_detector_noise",
    "power_from_noise",
    "presets",
    "time_of_flight",
    "to_toml",
    "tops_per_watt",
]


def __getattr__(name: str) -> object:
    if name == "energy_report":
        return importlib.import_module("retrolux.energy.report").energy_report
    raise AttributeError(f"module 'retrolux.energy' has no attribute {name!r}")
