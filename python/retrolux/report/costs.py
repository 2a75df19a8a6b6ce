"""Pictures of what meshes cost, and of accuracy against cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.plot import Panel, Series, cost_bars, energy_maps
from retrolux.plot.panels import INK, shades
from retrolux.report.pictures import Picture, picture_of_panels
from retrolux.study.tradeoff import front

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrolux.energy import Device
    from retrolux.report.view import SweepView

__all__ = ["TradeOff", "bars", "maps", "trade_off", "trade_offs"]

# As dense as the logarithmic axes show them, in the range of the published map.
_MODES, _BATCH = (np.unique(np.geomspace(least, most, 129).round()) for least, most in ((4, 256), (1, 255)))


def maps(devices: Mapping[str, Device]) -> Picture:
    """Draw the efficiency over size and batch, in the range of the published heat map."""
    return Picture(
        "energy_maps",
        "Heat maps of operations per joule over modes and batch, with contours of the advantage over digital hardware.",
        "Operations per joule over the size N of the mesh and the batch M. To the right of the white contours the mesh "
        "takes 1, 2 and 4 times less energy than the digital processor. The published figure and the published tables "
        "do not agree with each other; both are drawn as they are.",
        energy_maps(devices, _MODES, _BATCH),
        [energy_maps(devices, _MODES, _BATCH, columns=1)],
    )


def bars(devices: Mapping[str, Device], modes: int, batch: int) -> Picture:
    """Draw what takes the energy on each device."""
    return Picture(
        "energy_parts",
        "Bars of the energy per sample and mode, divided into components, with the digital processor as a line.",
        f"What takes the energy in meshes of {modes} modes and batches of {batch}, per sample and mode. The dark line "
        "is what a digital processor takes for the same; where it stands right of the bar, light wins.",
        cost_bars(devices, modes, batch),
    )


@dataclass(frozen=True)
class TradeOff:
    """A point of accuracy and cost.

    Attributes
    ----------
    modes : int
    tap_noise : float
        Above 0.
    error : float
        Test error, a fraction; least and most are the range of the seeds.
    energy, digital : float
        Of a training step, on the mesh and on the digital rival (J).
    light : float
        Least optical power that enters a mode (W).
    best : bool
        Whether no other point is cheaper and better: on the Pareto front.
    """

    modes: int
    tap_noise: float
    error: float
    least: float
    most: float
    energy: float
    digital: float
    light: float
    best: bool


def trade_offs(view: SweepView, device: str) -> list[TradeOff]:
    """Return accuracy and cost of every point with tap noise and no other error, those of the cheapest first."""
    tap = view.dim_of("tap_noise")
    if tap is None:
        return []
    alone = {dim: value for dim, value in view.base.items() if dim not in {tap, view.dim_of("modes")}}
    places = (point for point in view.points if point[tap] > 0 and alone.items() <= point.items())
    found = [point for place in places if np.isfinite((point := _trade_off(view, place, device)).energy)]
    best = front(np.array([point.energy for point in found]), np.array([point.error for point in found]))
    marked = [replace(point, best=i in best) for i, point in enumerate(found)]
    return sorted(marked, key=lambda point: point.energy)


def trade_off(points: Mapping[str, list[TradeOff]]) -> Picture | None:
    """Draw accuracy against energy, a panel for each device; None without points."""
    panels = [_front_panel(name, found) for name, found in points.items() if found]
    if not panels:
        return None
    return picture_of_panels(
        "trade_off",
        "Test error against the energy of a training step, one curve for each size, with the front of the best.",
        "Every point is a network trained with the noise that its light allows: to the right more light, less noise, "
        "more energy. The steps join the points that nobody beats.",
        panels,
    )


def _trade_off(view: SweepView, point: dict[str, Any], device: str) -> TradeOff:
    final, cost = view.final.sel(point), view.costs_at(point, device)
    return TradeOff(
        modes=int(view.option_at("modes", point)),
        tap_noise=float(view.option_at("tap_noise", point)),
        error=float(final["mean"]),
        least=float(final["least"]),
        most=float(final["most"]),
        energy=cost["energy_step_noise"],
        digital=cost["energy_step_digital"],
        light=cost["light_per_mode"],
        best=False,
    )


def _front_panel(name: str, points: list[TradeOff]) -> Panel:
    noises = sorted({point.tap_noise for point in points})
    series = []
    for size in sorted({point.modes for point in points}):
        of_size = sorted((point for point in points if point.modes == size), key=lambda point: point.error)
        notes = [""] * (len(of_size) - 1) + [f"N = {size}"]
        series.append(Series("", *_places(of_size), "line", "#8b929c", notes=notes))
    for noise, colour in zip(noises, shades(len(noises)), strict=True):
        of_noise = [point for point in points if point.tap_noise == noise]
        ends = [100 * point.least for point in of_noise], [100 * point.most for point in of_noise]
        series.append(Series(f"s = {noise:g}", *_places(of_noise), "dots", colour, *ends))
    x, y = _places([point for point in points if point.best])
    series.append(Series("nobody is cheaper and better", np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1], "line", INK))
    return Panel(name.replace("_", " "), "energy of a training step (nJ)", "test error (%)", series, "log", "log")


def _places(points: list[TradeOff]) -> tuple[list[float], list[float]]:
    return [1e9 * point.energy for point in points], [100 * point.error for point in points]
