"""The picture of the scaling laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.hardware.error_laws import loss_law, matrix_law, tap_law
from retrolux.plot import Panel, Series
from retrolux.plot.panels import COLOURS
from retrolux.report.pictures import picture_of_panels

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from retrolux.report.pictures import Picture

__all__ = ["gradient_laws", "law_panels"]

_METHODS = {"three_measurement": ("three measurements", "N s²"), "sum_difference": ("sum and difference", "N s²/4")}
_CAUSES = {"couplers": "√(2N) σ", "phases": "√N σ"}


def gradient_laws(results: xr.Dataset) -> Picture | None:
    """Draw simulated chips over the laws; None where they were not measured."""
    if "laws_tap_error" not in results:
        return None
    return picture_of_panels(
        "gradient_laws",
        "Errors of measured gradients and of matrices against noise and size: simulated chips on straight lines.",
        "Points are means over simulated chips with Haar-random phases (bars: two standard errors), lines are the laws "
        "of large meshes. The gradient of one sample errs in proportion to the modes and to the square of the noise; "
        "sum and difference, which subtracts light and not numbers, errs a quarter as much.",
        law_panels(results),
    )


def law_panels(results: xr.Dataset) -> list[Panel]:
    """Return the four panels: tap noise, tap noise and size, random loss and size, matrix errors and size.

    Parameters
    ----------
    results : Dataset
        What `retrolux.study.law_measurement.measure_laws` returns, or a study that holds it.
    """
    modes, noises = results["laws_modes"].values, results["laws_tap_noise"].values
    middle, loudest = int(modes[len(modes) // 2]), float(noises[-1])
    by_noise, by_size, by_loss, by_matrix = [], [], [], []
    for (method, (words, law)), colour in zip(_METHODS.items(), COLOURS, strict=False):
        tap = results["laws_tap_error"].sel(laws_method=method)
        by_noise += _pair(words, noises, tap.sel(laws_modes=middle), tap_law(method, middle, noises), law, colour)
        by_size += _pair(words, modes, tap.sel(laws_tap_noise=loudest), tap_law(method, modes, loudest), law, colour)
    for std, colour in zip(results["laws_loss_db_std"].values, COLOURS[2:], strict=False):
        loss = results["laws_loss_error"].sel(laws_loss_db_std=std)
        by_loss += _pair(f"σ = {std:g} dB", modes, loss, loss_law(modes, std), "1.15 N δ²", colour)
    std = results["laws_matrix_error"].attrs["std"]
    for (cause, law), colour in zip(_CAUSES.items(), COLOURS[4:], strict=False):
        found = results["laws_matrix_error"].sel(laws_cause=cause)
        by_matrix += _pair(cause, modes, found, matrix_law(cause, modes, std), law, colour)
    gradient, matrix = "gradient error ε", "matrix error ‖ΔU‖/√N"
    return [
        Panel(f"Tap noise, N = {middle}", "tap noise s", gradient, by_noise, "log", "log", noises),
        Panel(f"Size, s = {loudest:g}", "modes N", gradient, by_size, "log", "log", modes),
        Panel("Random loss", "modes N", gradient, by_loss, "log", "log", modes),
        Panel(f"Wrong elements, σ = {1e3 * std:g} mrad", "modes N", matrix, by_matrix, "log", "log", modes),
    ]


def _pair(
    words: str, x: NDArray[Any], found: xr.DataArray, law: NDArray[np.float64], formula: str, colour: str
) -> list[Series]:
    mean = found.sel(laws_statistic="mean").values
    bar = 2 * found.sel(laws_statistic="standard_error").values
    return [
        Series(f"{words}: {formula}", x, law, "line", colour),
        Series("", x, mean, "dots", colour, mean - bar, mean + bar),
    ]
