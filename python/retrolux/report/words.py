"""How options and their values are called in figures and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.study.config import OPTIONS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["gradient_text", "label_of", "option_of", "short_label_of", "value_in_words", "value_text"]

_WORDS = {
    "adam": "Adam",
    "sgd": "SGD",
    "sum_difference": "sum and difference",
    "three_measurement": "three measurements",
}


def option_of(coordinate: xr.DataArray) -> str:
    """Return the name of the option that a coordinate of a sweep has the values of."""
    return str(coordinate.attrs.get("option", coordinate.name))


def label_of(coordinate: xr.DataArray) -> str:
    """Return what an option is called in a figure, with its unit."""
    name = option_of(coordinate)
    about = OPTIONS[name]
    return (about.label or name.replace("_", " ")) + (f" ({about.unit_text})" if about.unit_text else "")


def short_label_of(coordinate: xr.DataArray) -> str:
    """Return what an option is called in a word or two."""
    name = option_of(coordinate)
    return OPTIONS[name].short or name.replace("_", " ")


def value_in_words(coordinate: xr.DataArray, value: Any) -> str:
    """Return an option and its value, as in ``"phase error of 0.05 π rad"``."""
    return f"{short_label_of(coordinate)} of {value_text(value)} {OPTIONS[option_of(coordinate)].unit_text}".rstrip()


def gradient_text(error: float) -> str:
    """Return a gradient error; below what rounding leaves it is 0, and none where nothing was measured."""
    if not np.isfinite(error):
        return "–"
    return f"{error:.2g}" if error > 1e-9 else "0"


def value_text(value: Any) -> str:
    """Return a value of an option as a reader likes it."""
    return f"{value:g}" if isinstance(value, (int, float)) else _WORDS.get(value, str(value).replace("_", " "))
