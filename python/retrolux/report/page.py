"""The report: one page that needs no network, and its figures as files."""

from __future__ import annotations

import base64
import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from retrolux import energy
from retrolux.atomic import remove_parts, write_atomically
from retrolux.energy.presets import PRESETS
from retrolux.locking import locked
from retrolux.report import costs, decisions, findings, gradient_laws, interactive, tables, training
from retrolux.report.tables import Table
from retrolux.report.view import SweepView
from retrolux.report.words import value_text
from retrolux.study.tradeoff import base_config, with_costs

if TYPE_CHECKING:
    import os

    import xarray as xr

    from retrolux.energy import Device
    from retrolux.report.pictures import Picture, Rendered

__all__ = ["write_report"]

_MAPPED = ("pai2023_figure", "pai2023_tables")


def write_report(results: xr.Dataset, folder: str | os.PathLike[str]) -> Path:
    """Write the report of a study, or of a sweep.

    Parameters
    ----------
    results : Dataset
        What `retrolux.study.run_study` or `retrolux.study.run_sweep` returns. A sweep alone has no laws and no planar
        tasks; its costs are those on the devices of a study.
    folder : path-like
        Where to: report.html, and a folder ``figures`` with the static pictures as PNG and SVG.

    Returns
    -------
    Path
        Of report.html.

    Raises
    ------
    OSError
        When the folder cannot be written to or another process is at work in it.
    ValueError
        When no run has ended well.
    """
    view = SweepView(with_costs(results))
    if not view.points:
        raise ValueError("there is nothing to report: no run has ended well")
    devices = {name: energy.from_toml(text) for name, text in json.loads(view.results.attrs["devices"]).items()}
    shown = list(devices)[-1]
    points = {name: costs.trade_offs(view, name) for name in devices}
    pictures = {picture.name: picture.render() for picture in _pictures(view, devices, points)}
    template = _environment().get_template("report.html.jinja")
    page = template.render(
        **_about(view, devices),
        **_scripts(view, shown, points[shown]),
        pictures={name: _embedded(picture) for name, picture in pictures.items()},
        device=shown,
        findings=findings.findings(view, points[shown]),
        compared=findings.compared_methods(view),
        one_error=tables.one_error(view),
        advantages=tables.advantages(PRESETS | devices, base_config(view.results).batch),
        costs=tables.costs(view, shown),
        trade_off=tables.trade_off(points[shown]),
    )
    path = Path(folder) / "report.html"
    with locked(folder):
        remove_parts(Path(folder) / "figures")
        for name, picture in pictures.items():
            write_atomically(Path(folder) / "figures" / f"{name}.png", picture.png)
            write_atomically(Path(folder) / "figures" / f"{name}.svg", picture.svg)
        write_atomically(path, page.encode())
    return path


def _environment() -> Environment:
    return Environment(loader=PackageLoader("retrolux.report", ""), autoescape=True, undefined=StrictUndefined)


def _pictures(view: SweepView, devices: dict[str, Device], points: dict[str, list[costs.TradeOff]]) -> list[Picture]:
    modes, batch = view.option_at("modes", view.base), view.option_at("batch", view.base)
    drawn = (
        decisions.light(view.results),
        training.error_rows(view),
        training.learning_curves(view),
        gradient_laws.gradient_laws(view.results),
        costs.maps({name: PRESETS[name] for name in _MAPPED}),
        costs.bars(PRESETS | devices, modes, batch),
        costs.trade_off(points),
        decisions.decisions(view.results),
    )
    return [picture for picture in drawn if picture is not None]


def _about(view: SweepView, devices: dict[str, Device]) -> dict[str, Any]:
    """Return what the page says of the study as a whole."""
    results, config = view.results, base_config(view.results)
    about = json.loads(results.attrs.get("study", "{}"))
    versions = json.loads(results.attrs["versions"])
    failures = Counter(text for text in results["failure"].values.flat if text != "not run")
    settings = [(name, value_text(value)) for name, value in vars(config).items() if name != "imperfections"]
    swept = json.loads(results.attrs["sweep"])
    return {
        "css": Markup((files("retrolux.report") / "report.css").read_text(encoding="utf-8")),
        "name": about.get("name", "sweep"),
        "about": about.get("about", ""),
        "dataset": config.dataset,
        "runs": failures.total(),
        "failures": {text: count for text, count in failures.items() if text},
        "created": results.attrs.get("created", "")[:10],
        "versions": versions,
        "last": view.last_text,
        "batch": config.batch,
        "meshes": config.meshes,
        "devices": {name: energy.to_toml(device) for name, device in devices.items()},
        "sources": {name: device.source for name, device in (PRESETS | devices).items()},
        "sweep": Table(
            ("option", "values"), [(name, ", ".join(map(value_text, values))) for name, values in swept.items()]
        ),
        "config": Table(("option", "value"), settings),
        "version_table": Table(("package", "version"), list(versions.items())),
    }


def _scripts(view: SweepView, device: str, points: list[costs.TradeOff]) -> dict[str, Any]:
    """Return what brings the interactive figures: HTML of our own making, not to be escaped."""
    models = interactive.explorer(view, device) | interactive.front_figure(points)
    if not models:
        return {"script": "", "library": "", "places": {}, "controls": []}
    parts = interactive.embedded(models)
    places = {name: Markup(place) for name, place in parts.places.items()}
    return {
        "script": Markup(parts.script),
        "library": Markup(parts.library),
        "places": places,
        "controls": [place for name, place in places.items() if name.startswith("control")],
    }


def _embedded(rendered: Rendered) -> dict[str, Any]:
    picture = rendered.picture
    kind = {"svg": "svg+xml", "webp": "webp"}[picture.page_format]

    def address(image: bytes) -> str:
        return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"

    return {
        "alt": picture.alt,
        "caption": picture.caption,
        "wide": address(rendered.wide),
        "narrow": [address(image) for image in rendered.narrow],
    }
