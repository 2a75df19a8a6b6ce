"""What must hold of a result that is read: names, dimensions, kinds of values, and attributes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux import energy, mesh
from retrolux.reading import parse_json, shown
from retrolux.study.config import from_saved
from retrolux.study.option_values import is_text
from retrolux.study.tradeoff import RELEVANT, UNITS, config_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    import xarray as xr

    from retrolux.study.config import TrainConfig

__all__ = ["PARAMS", "check_results"]

PARAMS = ("train/error", "train/loss", "eval/error", "eval/loss", "grad/error_batch", "grad/error_small")
"""The coordinate ``param``."""

# As many as a sweep may have, and meshes whose MZIs fit into memory.
_RUNS = 100_000
_MODES = 8192

# The kinds of values are those of `_values`. Parts that a result may have: all variables of one, or none.
_PARTS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "laws": {
        "laws_tap_error": (("laws_modes", "laws_tap_noise", "laws_method", "laws_statistic"), "r"),
        "laws_loss_error": (("laws_modes", "laws_loss_db_std", "laws_statistic"), "r"),
        "laws_matrix_error": (("laws_modes", "laws_cause", "laws_statistic"), "r"),
    },
    "planar": {
        "planar_map": (("planar_task", "planar_gradient", "planar_x2", "planar_x1"), "r"),
        "planar_decision": (("planar_task", "planar_gradient", "planar_sample"), "r"),
        "planar_point": (("planar_task", "planar_sample", "planar_axis"), "r"),
        "planar_label": (("planar_task", "planar_sample"), "i"),
    },
    "mesh": {
        "mesh_theta": (("mesh_layer", "mesh_mzi"), "r"),
        "mesh_phi": (("mesh_layer", "mesh_mzi"), "r"),
        "mesh_field": (("mesh_mode", "mesh_part"), "r"),
    },
}
# Coordinates: all values, or their kind.
_COORDINATES: dict[str, tuple[str, ...] | str] = {
    "param": PARAMS,
    "laws_method": ("three_measurement", "sum_difference"),
    "laws_statistic": ("mean", "standard_error"),
    "laws_cause": ("couplers", "phases"),
    "planar_axis": ("x1", "x2"),
    "mesh_part": ("real", "imaginary"),
    "planar_task": "T",
    "planar_gradient": "T",
    "laws_modes": "p",
    "laws_tap_noise": "p",
    "laws_loss_db_std": "p",
    "planar_x1": "r",
    "planar_x2": "r",
}


def check_results(results: xr.Dataset) -> None:
    """Check that a Dataset is the result of a sweep or of a study, as `retrolux.study.results` describes it.

    Raises
    ------
    ValueError
        When it is not; names the variable, coordinate or attribute.
    """
    empty = [str(dim) for dim, size in results.sizes.items() if size == 0]
    if empty:
        raise ValueError(f"the dimension {empty[0]} must have a value at least, got none")
    config = _attributes(results)
    dims = _dimensions(results)
    _runs(results, dims)
    for dim in dims[:-1]:
        _option(results[dim], config)
    if "devices" in results.attrs:
        _costs(results, dims)
    for variables in _PARTS.values():
        found = [name for name in variables if name in results]
        for name in variables if found else ():
            if name not in results:
                raise ValueError(f"it has no {name}, but {found[0]}")
            _variable(results, name, *variables[name])
    for name, wanted in _COORDINATES.items():
        if name in results.dims:
            _coordinate(results, name, wanted)
    if "laws_matrix_error" in results:
        std = results["laws_matrix_error"].attrs.get("std")
        if not isinstance(std, (float, np.floating)) or not 0 < std < math.inf:
            raise ValueError(f"the attribute std of laws_matrix_error must be a number above 0, got {shown(std)}")
    if "mesh_field" in results:
        _light(results)


def _attributes(results: xr.Dataset) -> TrainConfig:
    """Check the attributes and return the configuration."""
    tables = {}
    for name in ("config", "sweep", "versions", *(name for name in ("study", "devices") if name in results.attrs)):
        text = results.attrs[name]
        if not isinstance(text, str):
            raise ValueError(f"the attribute {name} must be a text, got a {type(text).__name__}")
        try:
            tables[name] = parse_json(text)
        except ValueError as error:
            raise ValueError(f"the attribute {name} is not JSON: {error}") from None
        if not isinstance(tables[name], dict):
            raise ValueError(f"the attribute {name} must be a JSON object, got {shown(tables[name])}")
    if not isinstance(results.attrs.get("created", ""), str):
        raise ValueError(f"the attribute created must be a text, got {shown(results.attrs['created'])}")
    for name, values in tables["sweep"].items():
        if not isinstance(values, list) or any(isinstance(value, (list, dict)) for value in values):
            raise ValueError(f"the attribute sweep must hold lists of values, got {shown(values)} as {shown(name)}")
    versions, study = tables["versions"], tables.get("study", {})
    if "retrolux" not in versions or not _texts(versions.values()):
        raise ValueError(f"the attribute versions must name retrolux and others, got {shown(versions)}")
    if not _texts(study.get(name, "") for name in ("name", "about")):
        raise ValueError(f"the attribute study must have name and about as texts, got {shown(study)}")
    for name, text in tables.get("devices", {}).items():
        _device(name, text)
    try:
        return from_saved(tables["config"])
    except ValueError as error:
        raise ValueError(f"the attribute config: {error}") from None


def _device(name: str, text: object) -> None:
    try:
        energy.from_toml(text if isinstance(text, str) else "")
    except ValueError as error:
        raise ValueError(f"the attribute devices: {shown(name)}: {error}") from None


def _dimensions(results: xr.Dataset) -> tuple[str, ...]:
    """Return the dimensions of a run: the options, then seed."""
    dims = tuple(map(str, results["failure"].dims))
    if not dims or dims[-1] != "seed":
        raise ValueError(f"failure must have the dimensions of the swept options and then seed, got {dims}")
    runs = math.prod(results.sizes[dim] for dim in dims)
    if runs > _RUNS:
        raise ValueError(f"a sweep must have at most {_RUNS} runs, got {runs}")
    return dims


def _runs(results: xr.Dataset, dims: tuple[str, ...]) -> None:
    """Check the variables that every result has."""
    for name, kind, wanted in (
        ("metrics", "n", (*dims, "param", "epoch")),
        ("seconds", "n", dims),
        ("shots", "i", dims),
        ("failure", "T", dims),
    ):
        _variable(results, name, wanted, kind)
    for name in ("seed", "epoch"):
        _coordinate(results, name, "i")
    epochs = results["epoch"].values.tolist()
    if epochs != list(range(1, len(epochs) + 1)):
        raise ValueError(f"the coordinate epoch must be 1, 2, 3, …, got {shown(epochs)}")
    _coordinate(results, "param", PARAMS)
    errors = results["metrics"].sel(param=["train/error", "eval/error"]).values
    if ((errors < 0) | (errors > 1)).any():
        wrong = errors[(errors < 0) | (errors > 1)][0]
        raise ValueError(f"errors in metrics must be fractions from 0 to 1 or NaN, got {wrong}")


def _option(coordinate: xr.DataArray, config: TrainConfig) -> None:
    """Check the coordinate of a swept option."""
    dim, option = coordinate.name, coordinate.attrs.get("option", coordinate.name)
    try:
        text = is_text(option)
    except (KeyError, TypeError):
        raise ValueError(f"the attribute option of {dim} must name an option of a run, got {shown(option)}") from None
    units = coordinate.attrs.get("units", "1")
    if not isinstance(units, str):
        raise ValueError(f"the attribute units of {dim} must be a text, got {shown(units)}")
    _values(f"the coordinate {dim}", coordinate.values, "T" if text else "b")
    if len(set(coordinate.values.tolist())) < coordinate.size:
        raise ValueError(f"the coordinate {dim} must hold each value once, got {shown(coordinate.values.tolist())}")
    for value in coordinate.values.tolist() if option in RELEVANT else ():
        try:
            point = config_at(config, {option: value})
        except ValueError as error:
            raise ValueError(f"the coordinate {dim}: {error}") from None
        if point.modes > _MODES:
            raise ValueError(f"modes must be at most {_MODES} in a result, got {point.modes}")


def _costs(results: xr.Dataset, dims: tuple[str, ...]) -> None:
    """Check what each device costs."""
    names = list(json.loads(results.attrs["devices"]))
    if not names or "device" not in results or results["device"].values.tolist() != names:
        raise ValueError(f"the coordinate device must hold the names in the attribute devices, {shown(names)}")
    for name in UNITS:
        if name not in results:
            raise ValueError(f"it has no {name}, but devices")
        found = results[name].dims
        if found[:1] != ("device",) or not set(found[1:]) <= set(dims):
            raise ValueError(f"{name} must have the dimension device and some of {', '.join(dims)}, got {found}")
        _values(name, results[name].values, "n")


def _light(results: xr.Dataset) -> None:
    """Check that light and phases are of one mesh."""
    about, modes = results["mesh_field"].attrs, results.sizes["mesh_mode"]
    if not _texts([about.get("task")]):
        raise ValueError(f"the attribute task of mesh_field must be a text, got {shown(about.get('task'))}")
    if about.get("topology") not in tuple(mesh.TOPOLOGIES):
        raise ValueError(f"the attribute topology of mesh_field must name one, got {shown(about.get('topology'))}")
    if not 2 <= modes <= _MODES:
        raise ValueError(f"mesh_field must have 2 to {_MODES} modes, got {modes}")
    topology = mesh.TOPOLOGIES[about["topology"]].build(modes)
    if results.sizes["mesh_mzi"] != topology.mzis:
        raise ValueError(
            f"mesh_theta must be of {topology.mzis} MZIs in {modes} modes, got {results.sizes['mesh_mzi']}"
        )


def _variable(results: xr.Dataset, name: str, dims: tuple[str, ...], kind: str) -> None:
    if results[name].dims != dims:
        raise ValueError(
            f"{name} must have the dimensions {', '.join(dims)}, got {', '.join(map(str, results[name].dims))}"
        )
    _values(name, results[name].values, kind)


def _coordinate(results: xr.Dataset, name: str, wanted: tuple[str, ...] | str) -> None:
    if name not in results.coords or results[name].dims != (name,):
        raise ValueError(f"it has no coordinate {name}")
    values = results[name].values
    if isinstance(wanted, str):
        _values(f"the coordinate {name}", values, wanted)
    elif values.tolist() != list(wanted):
        raise ValueError(f"the coordinate {name} must be {', '.join(wanted)}, got {shown(values.tolist())}")


def _values(where: str, values: np.ndarray[Any, Any], kind: str) -> None:
    """Check the kind of values: T text, i whole, n real or NaN, b real or inf, r finite, p finite and above 0."""
    if kind == "T":
        if not _texts(values.flat):
            raise ValueError(f"{where} must hold texts, got {values.dtype}")
        return
    if values.dtype.kind not in ("iu" if kind == "i" else "iuf"):
        raise ValueError(f"{where} must hold {'whole' if kind == 'i' else 'real'} numbers, got {values.dtype}")
    if kind == "b" and (np.isnan(values) | (values == -np.inf)).any():
        raise ValueError(f"{where} must hold numbers, got NaN or -inf")
    wrong = ~np.isfinite(values) | ((values <= 0) & (kind == "p"))
    if kind in "rp" and wrong.any():
        raise ValueError(f"{where} must be finite{' and above 0' if kind == 'p' else ''}, got {values[wrong][0]}")


def _texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
