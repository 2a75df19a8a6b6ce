"""Figures of energy: where a mesh needs less than its digital rival, and which parts take the energy."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator, StrMethodFormatter

from retrolux.energy import breakdown, digital_gradient, digital_mvm, energy_ratio, tops_per_watt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy import Device
    from retrolux.energy.operations import Operation

__all__ = ["cost_bars", "energy_maps"]

_INK = "#2b2f36"
# Without the bright end, on which white lines would be lost.
_EFFICIENCY_MAP = ListedColormap(mpl.colormaps["viridis"](np.linspace(0, 0.85, 256)))
_OPERATIONS: dict[Operation, str] = {"mvm": "multiplication", "gradient": "gradient"}
_DIGITAL = {"mvm": digital_mvm, "gradient": digital_gradient}
_PARTS = mpl.color_sequences["tab20"]


def energy_maps(
    devices: Mapping[str, Device],
    modes: ArrayLike,
    batch: ArrayLike,
    factors: Sequence[float] = (1.0, 2.0, 4.0),
    columns: int = 2,
) -> Figure:
    """Draw TOPS/W over the size of the mesh and of the batch, with contours of the advantage over the digital rival.

    Each device has a map for multiplication and one for the gradient. All maps share one logarithmic colour scale; the
    axes are logarithmic too. The numbers are those of `retrolux.energy.tops_per_watt` and `energy_ratio`.

    Parameters
    ----------
    devices : mapping of title to Device
        What the maps are of.
    modes : array_like of int, shape (modes,)
        Numbers of modes N of rectangular meshes, rising, two at least.
    batch : array_like of int, shape (batches,)
        Numbers of samples M, rising, two at least.
    factors : sequence of float
        The energy ratios at which a contour is drawn, where the map reaches them.
    columns : int
        Maps in a row, 1 or 2.

    Returns
    -------
    Figure
        Two axes per device, then the colour bar.

    Raises
    ------
    ValueError
        When there is no device, or `modes` or `batch` has no two sizes or one that is none.
    """
    n, m = np.asarray(modes), np.asarray(batch)
    if not devices:
        raise ValueError("energy_maps needs a device, got none")
    if n.ndim != 1 or m.ndim != 1 or min(len(n), len(m)) < 2:
        raise ValueError(f"modes and batch must have two sizes at least, got shapes {n.shape} and {m.shape}")
    efficiency = {
        (title, operation): tops_per_watt(device, operation, n, m[:, None])
        for title, device in devices.items()
        for operation in _OPERATIONS
    }
    reached = np.stack(list(efficiency.values()))
    reached = reached[reached > 0]  # the energy is infinite where loss takes all light
    norm = LogNorm(reached.min(), reached.max())
    rows = 2 * len(devices) // columns
    figure = Figure(figsize=(4.7 * columns, 0.4 + 3.1 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax, (title, operation) in zip(grid.flat, efficiency, strict=True):
        # As an image inside a vector figure: a map has tens of thousands of cells.
        shades = efficiency[title, operation]
        ax.pcolormesh(n, m, shades, cmap=_EFFICIENCY_MAP, norm=norm, shading="nearest", rasterized=True)
        _contours(ax, n, m, energy_ratio(devices[title], operation, n, m[:, None]), factors)
        _logarithmic(ax, n, m)
        ax.set_title(f"{title}: {_OPERATIONS[operation]}", color=_INK, fontsize=10)
    for ax in grid[-1]:
        ax.set_xlabel("modes N")
    for ax in grid[:, 0]:
        ax.set_ylabel("batch M")
    bar = figure.colorbar(ScalarMappable(norm, _EFFICIENCY_MAP), ax=grid, pad=0.02, aspect=30)
    bar.set_label("TOPS/W")
    bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    bar.outline.set_visible(False)
    return figure


def cost_bars(devices: Mapping[str, Device], modes: int, batch: int) -> Figure:
    """Draw which parts take the energy per sample and mode, and what the digital rival takes.

    Each device has a bar for multiplication and one for the gradient, made of the parts of
    `retrolux.energy.breakdown`. A line marks the digital rival.

    Parameters
    ----------
    devices : mapping of title to Device
        What the bars are of.
    modes : int
        Number of modes N of a rectangular mesh, at least 2.
    batch : int
        Number of samples M, at least 1.

    Returns
    -------
    Figure
        One axes.

    Raises
    ------
    ValueError
        When there is no device, or a size is none.
    """
    if not devices:
        raise ValueError("cost_bars needs a device, got none")
    labels, bars, rival = [], [], []
    for title, device in devices.items():
        for operation, words in _OPERATIONS.items():
            labels.append(f"{title}: {words}")
            parts = breakdown(device, operation, modes, batch)
            bars.append({name: float(energy) / (modes * batch) for name, energy in parts.items()})
            rival.append(float(_DIGITAL[operation](device, modes, batch)) / (modes * batch))
    names = dict.fromkeys(name for bar in bars for name, energy in bar.items() if energy > 0)
    figure = Figure(figsize=(9.0, 1.6 + 0.5 * len(labels)), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    place = np.arange(len(labels))
    start = np.zeros(len(labels))
    for name, colour in zip(names, itertools.cycle(_PARTS)):
        widths = np.array([bar.get(name, 0.0) for bar in bars])
        ax.barh(place, widths, left=start, height=0.62, color=colour, label=name)
        start += widths
    ax.vlines(rival, place - 0.4, place + 0.4, color=_INK, linewidth=2.0, label="digital")
    ax.set_yticks(place, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.03 * max(start.max(), *rival))
    ax.xaxis.set_major_formatter(EngFormatter(unit="J"))
    ax.set_xlabel(f"energy per sample and mode, {modes} modes, batches of {batch}")
    ax.grid(axis="x", alpha=0.25)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure


def _contours(
    ax: Axes,
    modes: NDArray[np.int_],
    batch: NDArray[np.int_],
    gains: NDArray[np.float64],
    factors: Sequence[float],
) -> None:
    reached = sorted(factor for factor in factors if gains.min() < factor < gains.max())
    if not reached:
        return
    lines = ax.contour(modes, batch, gains, levels=reached, colors="white", linewidths=1.2)
    for factor, path in zip(reached, lines.get_paths(), strict=True):
        corners = np.asarray(path.vertices)
        x, y = corners[np.argmax(corners[:, 1])]
        ax.text(x, y, f"{factor:g}× ", ha="right", va="top", color="white", fontsize=9)


def _logarithmic(ax: Axes, modes: NDArray[np.int_], batch: NDArray[np.int_]) -> None:
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xlim(modes[0], modes[-1])
    ax.set_ylim(batch[0], batch[-1])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
