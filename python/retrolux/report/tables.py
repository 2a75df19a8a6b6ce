"""The tables of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrolux import energy
from retrolux.energy.quantity import engineering
from retrolux.report.published import PUBLISHED, WITHOUT_ERROR
from retrolux.report.words import gradient_text, option_of, value_in_words
from retrolux.study.tradeoff import base_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from retrolux.energy import Device
    from retrolux.energy.operations import Operation
    from retrolux.report.costs import TradeOff
    from retrolux.report.view import SweepView

__all__ = ["Table", "advantages", "costs", "one_error", "trade_off"]

_OPERATIONS: tuple[Operation, ...] = ("mvm", "gradient")
_FACTORS = (1.0, 2.0, 4.0)
_SIZES = np.arange(2, 1025)


@dataclass(frozen=True)
class Table:
    """Words and numbers in rows.

    Attributes
    ----------
    head : sequence of str
    rows : sequence of sequence of str
        As long as `head`.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def one_error(view: SweepView) -> Table | None:
    """Return the test error with one error at a time beside the published ones; None where no error was swept."""
    compares = base_config(view.results).dataset == "mnist"
    rows = []
    for dim, value in [(None, None), *_single_errors(view)]:
        name = "none" if dim is None else value_in_words(view.results[dim], value)
        for family in view.families():
            at = family if dim is None else family | {dim: value}
            if not int(view.final["runs"].sel(at)):
                continue
            row = (
                name,
                view.family_text(family) or "–",
                _test_error(view, at),
                gradient_text(float(view.gradient_error.sel(at))),
            )
            rows.append((*row, *_compared(view, at, dim, value)) if compares else row)
    head = ("error", "training", "test error (%)", "gradient error")
    return Table((*head, "published (%)", "difference") if compares else head, rows) if rows and view.errors else None


def advantages(devices: Mapping[str, Device], batch: int) -> Table:
    """Return the smallest meshes that take less energy than the digital rival, once, twice and four times less."""
    head = ("device", *(f"{words} {factor:g}×" for words in ("multiply", "gradient") for factor in _FACTORS))
    rows = []
    for name, device in devices.items():
        found = [
            energy.advantage(device, operation, _SIZES, batch, factor)
            for operation in _OPERATIONS
            for factor in _FACTORS
        ]
        rows.append((name.replace("_", " "), *("none" if modes is None else str(modes) for modes in found)))
    return Table(head, rows)


def costs(view: SweepView, device: str) -> Table:
    """Return energy, time and area of the network for every size."""
    dim = view.dim_of("modes")
    sizes = [view.option_at("modes", view.base)] if dim is None else view.results[dim].values.tolist()
    rows = []
    for modes in sizes:
        cost = view.costs_at(view.base if dim is None else view.base | {dim: modes}, device)
        rows.append(
            (
                str(modes),
                engineering(cost["energy_inference"], "J"),
                engineering(cost["energy_inference_digital"], "J"),
                engineering(cost["energy_step"], "J"),
                engineering(cost["energy_step_digital"], "J"),
                engineering(cost["latency_inference"], "s"),
                engineering(cost["latency_step"], "s"),
                engineering(cost["latency_step_digital"], "s"),
                f"{1e6 * cost['area']:.3g} mm²",
            )
        )
    step = ("per step", "digital")
    return Table(
        ("modes N", "energy per sample", "digital", *step, "latency", "time per step", "digital", "area"), rows
    )


def trade_off(points: Sequence[TradeOff]) -> Table | None:
    """Return the points that nobody beats; None without points."""
    rows = [
        (
            str(point.modes),
            f"{point.tap_noise:g}",
            f"{100 * point.error:.2f}",
            engineering(point.light, "W"),
            engineering(point.energy, "J"),
            f"{point.digital / point.energy:.2f}",
        )
        for point in points
        if point.best
    ]
    head = ("modes N", "tap noise s", "test error (%)", "light per mode", "energy of a step", "digital / photonic")
    return Table(head, rows) if rows else None


def _single_errors(view: SweepView) -> Iterator[tuple[str, Any]]:
    """Yield dimension and value of every error alone."""
    for dim in view.errors:
        for value in view.results[dim].values.tolist():
            if value != view.base[dim]:
                yield dim, value


def _test_error(view: SweepView, at: dict[str, Any]) -> str:
    final = view.final.sel(at)
    least, error, most, high = (100 * float(final[name]) for name in ("least", "mean", "most", "high"))
    if int(final["runs"]) > 2:
        return f"{error:.2f} ± {high - error:.2f}"
    return f"{error:.2f}" if int(final["runs"]) == 1 else f"{error:.2f} ({least:.2f} to {most:.2f})"


def _compared(view: SweepView, at: dict[str, Any], dim: str | None, value: Any) -> tuple[str, str]:
    """Return the published test error and how much ours differs; dashes where none was published."""
    published = WITHOUT_ERROR
    if dim is not None:
        measured_at, published = PUBLISHED.get(option_of(view.results[dim]), (None, 0.0))
        if value != measured_at:
            return "–", "–"
    if view.option_at("optimizer", at) != "sgd" or view.option_at("modes", at) != 64:
        return "–", "–"
    return f"{100 * published:.2f}", f"{100 * (float(view.final['mean'].sel(at)) - published):+.2f}"
