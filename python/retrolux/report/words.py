"""How options and their values are called in figures and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["gradient_text", "label_of", "option_of", "short_label_of", "value_in_words", "value_text"]

_LABELS = {
    "adc_bits": "bits of the converters",
    "batch": "batch M",
    "coupler_std": "coupler error (rad)",
    "gradient": "gradient",
    "io_amplitude_std": "amplitude error of inputs and outputs",
    "io_phase_std": "phase error of inputs and outputs (π rad)",
    "loss_db_std": "spread of the loss of an arm (dB)",
    "modes": "modes N",
    "optimizer": "optimizer",
    "phase_bits": "bits of a phase",
    "tap_noise": "tap noise s",
}
_SHORT = {
    "io_amplitude_std": "amplitude error",
    "io_phase_std": "phase error",
    "loss_db_std": "spread of loss",
}
_UNITS = {"1": "", "pi rad": " π"}
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
    option = option_of(coordinate)
    if option in _LABELS:
        return _LABELS[option]
    unit = coordinate.attrs.get("units", "1")
    return option.replace("_", " ") + ("" if unit == "1" else f" ({unit})")


def short_label_of(coordinate: xr.DataArray) -> str:
    """Return what an option is called in a word or two."""
    option = option_of(coordinate)
    return _SHORT.get(option, option.replace("_", " "))


def value_in_words(coordinate: xr.DataArray, value: Any) -> str:
    """Return an option and its value, as in ``"phase error of 0.05 π"``."""
    unit = str(coordinate.attrs.get("units", "1"))
    return f"{short_label_of(coordinate)} of {value_text(value)}{_UNITS.get(unit, f' {unit}')}"


def gradient_text(error: float) -> str:
    """Return a gradient error; below what rounding leaves it is 0, and none where nothing was measured."""
    if not np.isfinite(error):
        return "–"
    return f"{error:.2g}" if error > 1e-9 else "0"


def value_text(value: Any) -> str:
    """Return a value of an option as a reader likes it."""
    return f"{value:g}" if isinstance(value, (int, float)) else _WORDS.get(value, str(value).replace("_", " "))
