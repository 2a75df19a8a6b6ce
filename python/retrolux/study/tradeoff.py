"""What each point of a sweep costs, and which points nobody beats: accuracy against energy.

The less light the taps see, the noisier is the gradient. So the noise of a point tells how little light it needs, and
a device with that light (`retrolux.energy.on_chip`) has an energy for it. The sweep has the error of the same point.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from retrolux import energy, mesh
from retrolux.energy.presets import PAI2023_TABLES, PAI2023_TABLES_REAL_LIGHT
from retrolux.gradient import method_named
from retrolux.study.config import OPTIONS, from_saved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from retrolux.energy import Device
    from retrolux.study.config import TrainConfig

__all__ = ["DEVICES", "RELEVANT", "UNITS", "base_config", "config_at", "costs", "front", "with_costs"]

RELEVANT = tuple(name for name, about in OPTIONS.items() if about.costs)
"""Options on which a cost depends."""

UNITS = {
    "energy_step": ("J", "energy of a training step, with the light of the device"),
    "energy_step_noise": ("J", "energy of a training step, with the light that the noise allows"),
    "energy_step_digital": ("J", "energy of a training step on the digital rival"),
    "energy_inference": ("J", "energy of classifying a sample, with the light of the device"),
    "energy_inference_digital": ("J", "energy of classifying a sample on the digital rival"),
    "light_per_mode": ("W", "least optical power of a mode that enters, for the noise"),
    "latency_step": ("s", "duration of a training step"),
    "latency_step_digital": ("s", "duration of a training step on the digital rival"),
    "latency_inference": ("s", "time from a sample to its class"),
    "area": ("m2", "area of all meshes"),
}

DEVICES = {device.name: device for device in (PAI2023_TABLES, PAI2023_TABLES_REAL_LIGHT)}
"""The devices of a study, unless others are asked for."""


def base_config(results: xr.Dataset) -> TrainConfig:
    """Return the configuration of the first run of a sweep."""
    return from_saved(json.loads(results.attrs["config"]))


def costs(results: xr.Dataset, devices: Mapping[str, Device]) -> xr.Dataset:
    """Return energy, time and area for every point of a sweep.

    Parameters
    ----------
    results : Dataset
        Of a sweep; see `retrolux.study.results`.
    devices : mapping of name to Device
        What the meshes run on, and what they are compared with.

    Returns
    -------
    Dataset
        Variables of float64 with a dimension ``device`` and those dimensions of the sweep on which a cost depends:
        ``energy_step``, ``energy_step_noise``, ``energy_step_digital`` (J, of a batch), ``energy_inference``,
        ``energy_inference_digital`` (J, of a sample), ``light_per_mode`` (W), ``latency_step``,
        ``latency_step_digital``, ``latency_inference`` (s) and ``area`` (m²). ``energy_step_noise`` is NaN for a device
        that does not describe its light, and inf where no noise is allowed.
    """
    named = {results[dim].attrs.get("option"): dim for dim in results["failure"].dims}
    dims = {dim: name for name, dim in named.items() if name in RELEVANT}
    base = base_config(results)
    shape = tuple(results.sizes[dim] for dim in dims)
    tables = {name: np.full((len(devices), *shape), np.nan) for name in UNITS}
    places = itertools.product(enumerate(devices.values()), np.ndindex(*shape))
    for (number, device), index in places:
        point = {name: results[dim].values[i].item() for (dim, name), i in zip(dims.items(), index, strict=True)}
        for name, value in _costs_of(config_at(base, point), device).items():
            tables[name][(number, *index)] = value
    return xr.Dataset(
        {
            name: (("device", *dims), table, {"units": UNITS[name][0], "long_name": UNITS[name][1]})
            for name, table in tables.items()
        },
        {"device": list(devices), **{dim: results[dim] for dim in dims}},
    )


def with_costs(results: xr.Dataset, devices: Mapping[str, Device] = DEVICES) -> xr.Dataset:
    """Return the result with `costs` and an attribute ``devices``, their descriptions as JSON, unless it has them."""
    if "devices" in results.attrs:
        return results
    described = {name: energy.to_toml(device) for name, device in devices.items()}
    return results.merge(costs(results, devices)).assign_attrs(devices=json.dumps(described))


def front(cost: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the points that no other beats in both respects, from the cheapest to the best: the Pareto front.

    Parameters
    ----------
    cost, error : ndarray of float64, shape (points,)
        The less, the better; points with a value that is not finite are left out.

    Returns
    -------
    ndarray of int
        Indices; costs rise, errors fall.
    """
    chosen: list[int] = []
    finite = np.flatnonzero(np.isfinite(cost) & np.isfinite(error))
    for i in finite[np.lexsort((error[finite], cost[finite]))]:
        if not chosen or error[i] < error[chosen[-1]]:
            chosen.append(int(i))
    return np.array(chosen, dtype=np.intp)


def config_at(base: TrainConfig, point: Mapping[str, object]) -> TrainConfig:
    """Return a configuration with other values of some options.

    Raises
    ------
    ValueError
        When it is none.
    """
    wrong = {name: value for name, value in point.items() if hasattr(base.imperfections, name)}
    imperfections = dataclasses.replace(base.imperfections, **wrong)  # type: ignore[arg-type]  # coordinates of options
    rest = {name: value for name, value in point.items() if name not in wrong}
    return dataclasses.replace(base, imperfections=imperfections, **rest)  # type: ignore[arg-type]


def _costs_of(config: TrainConfig, device: Device) -> dict[str, float]:
    topology = mesh.TOPOLOGIES[config.topology].build(config.modes)
    method = None if config.method is None else method_named(config.method)

    def step_on(device: Device) -> energy.Cost:
        """Return the cost of a training step in all meshes; the light that enters the first one needs no gradient."""
        first, other = (
            energy.layer_cost(device, "mesh", topology, config.batch, method=method, first=is_first).step
            for is_first in (True, False)
        )
        return first + other.in_turn(config.meshes - 1)

    step, one = step_on(device), energy.layer_cost(device, "mesh", topology, 1)
    inference = one.inference.in_turn(config.meshes)
    found = {
        "energy_step": step.energy,
        "energy_step_digital": step.digital,
        "energy_inference": inference.energy,
        "energy_inference_digital": inference.digital,
        "latency_step": step.seconds,
        "latency_step_digital": step.digital_seconds,
        "latency_inference": config.meshes * one.latency,
        "area": config.meshes * one.area,
    }
    if device.link is None:
        return found
    if config.imperfections.tap_noise == 0:
        return found | {"energy_step_noise": np.inf, "light_per_mode": np.inf}
    lit = energy.on_chip(device, config.imperfections)
    light = float(energy.optical_power(lit, energy.MeshSize.of(topology)))
    return found | {"energy_step_noise": step_on(lit).energy, "light_per_mode": light}
