"""What a photonic network costs: energy, time and area, against a digital processor. Needs NumPy only.

A `Device` describes every number with its unit and source; `presets` holds the published ones, `from_toml` reads one.
`mvm`, `gradient` and their digital counterparts give energies, `breakdown` the parts of them, `energy_report` all of it
for a torch model. `noise_from_power` and its inverse tie the noise of a chip to the light it is sent; `on_chip` puts
the losses and the noise of a chip into a device, so that one chip has an accuracy and a cost.
"""

from __future__ import annotations

from retrolux.energy import presets
from retrolux.energy.cost import Cost, EnergyReport, LayerCost, layer_cost
from retrolux.energy.device import (
    Component,
    Device,
    Digital,
    Floorplan,
    LinkBudget,
    Receiver,
    Shifters,
    Timing,
)
from retrolux.energy.formulas import (
    advantage,
    breakdown,
    digital_gradient,
    digital_mvm,
    energy_ratio,
    gradient,
    haar_holding_power,
    holding_power,
    mvm,
    tops_per_watt,
)
from retrolux.energy.layers import energy_report
from retrolux.energy.link_budget import insertion_loss, laser_power, on_chip, optical_power
from retrolux.energy.operations import digital_latency, latency, time_of_flight
from retrolux.energy.quantity import Quantity
from retrolux.energy.receiver import (
    detector_noise_from_power,
    noise_from_power,
    power_from_detector_noise,
    power_from_noise,
)
from retrolux.energy.size import MeshSize, area
from retrolux.energy.toml import from_toml, to_toml

__all__ = [
    "Component",
    "Cost",
    "Device",
    "Digital",
    "EnergyReport",
    "Floorplan",
    "LayerCost",
    "LinkBudget",
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
    "energy_ratio",
    "energy_report",
    "from_toml",
    "gradient",
    "haar_holding_power",
    "holding_power",
    "insertion_loss",
    "laser_power",
    "latency",
    "layer_cost",
    "mvm",
    "noise_from_power",
    "on_chip",
    "optical_power",
    "power_from_detector_noise",
    "power_from_noise",
    "presets",
    "time_of_flight",
    "to_toml",
    "tops_per_watt",
]
