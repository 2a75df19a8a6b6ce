"""A mesh as a picture: waveguides, the phases of its MZIs, and the light that passes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from retrolux.mesh.convention import mzi
from retrolux.plot.geometry import MeshGeometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh import Topology

__all__ = ["column_powers", "draw_mesh", "draw_meshes"]

# Cyclic, and told apart by lightness alone: θ = 0 (cross) is light, θ = π (bar) is dark.
_PHASE_MAP = mpl.colormaps["twilight"]
_LIGHT_MAP = LinearSegmentedColormap.from_list("light", ["#d9dde3", "#f7b733", "#d9480f"])
_DARK_DB = -30.0  # of the whole input: light below is drawn as none
_WAVEGUIDE = "#a4acb8"
_INK = "#2b2f36"


def column_powers(topology: Topology, field: ArrayLike, theta: ArrayLike, phi: ArrayLike) -> NDArray[np.float64]:
    """Return the power in every waveguide before, between and after the columns of an ideal mesh.

    Parameters
    ----------
    topology : Topology
        The mesh.
    field : array_like of complex, shape (modes,)
        Light that enters.
    theta, phi : array_like of float, shape (mzis,)
        Phases (rad).

    Returns
    -------
    ndarray of float64, shape (columns + 1, modes)
        |field|², in its units squared; every row has the sum of the first.

    Raises
    ------
    ValueError
        When a shape does not fit the topology.
    """
    light = np.array(field, dtype=np.complex128)
    if light.shape != (topology.modes,):
        raise ValueError(f"field must have shape (modes,) = ({topology.modes},), got {light.shape}")
    matrices = mzi(_phases("theta", theta, topology), _phases("phi", phi, topology))
    powers = np.empty((topology.depth + 1, topology.modes))
    powers[0] = np.abs(light) ** 2
    for column, pairs in enumerate(topology.columns):
        first = int(topology.starts[column])
        light[pairs] = (matrices[first : first + len(pairs)] @ light[pairs][:, :, None])[:, :, 0]
        powers[column + 1] = np.abs(light) ** 2
    return powers


def draw_mesh(
    topology: Topology, theta: ArrayLike, phi: ArrayLike, powers: ArrayLike | None = None, title: str = ""
) -> Figure:
    """Draw one mesh, as `draw_meshes` draws several.

    Parameters
    ----------
    topology : Topology
        The mesh.
    theta, phi : array_like of float, shape (mzis,)
        Phases (rad), shown modulo 2π.
    powers : array_like of float, shape (columns + 1, modes), optional
        Light to show, from `column_powers`.
    title : str, optional
        Above the mesh.

    Returns
    -------
    Figure
        The axes of the mesh, then the colour bars.

    Raises
    ------
    ValueError
        When a shape does not fit the topology.
    """
    return draw_meshes([(topology, theta, phi)], None if powers is None else [powers], [title])


def draw_meshes(
    meshes: Sequence[tuple[Topology, ArrayLike, ArrayLike]],
    powers: Sequence[ArrayLike] | None = None,
    titles: Sequence[str] = (),
) -> Figure:
    """Draw meshes below each other; light runs from left to right, mode 0 is on top.

    Each MZI carries two coloured blocks: left φ, the external phase that light meets first, right θ, the internal
    one. An MZI of distant modes has its blocks on the upper mode and is tied to the lower one.

    Parameters
    ----------
    meshes : sequence of (topology, theta, phi)
        Phases (rad), each of shape (mzis,), shown modulo 2π.
    powers : sequence of array_like, each of shape (columns + 1, modes), optional
        What `column_powers` returns. Waveguides then show the light by width and colour, in dB of the whole
        input.
    titles : sequence of str, optional
        One per mesh.

    Returns
    -------
    Figure
        One axes per mesh, then the colour bars.

    Raises
    ------
    ValueError
        When there is no mesh, or a shape does not fit its topology.
    """
    if not meshes:
        raise ValueError("meshes must hold at least one mesh, got none")
    if powers is not None and len(powers) != len(meshes):
        raise ValueError(f"powers must hold one array per mesh = {len(meshes)}, got {len(powers)}")
    geometries = [MeshGeometry(topology) for topology, _, _ in meshes]
    heights = [geometry.modes * geometry.pitch + 0.8 for geometry in geometries]
    width = max(geometry.length * geometry.cell for geometry in geometries) + 2.0
    figure = Figure(figsize=(max(width, 6.0), max(sum(heights), 3.0)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(len(meshes), 1, squeeze=False, height_ratios=heights)[:, 0])
    for i, (ax, geometry, (topology, theta, phi)) in enumerate(zip(axes, geometries, meshes, strict=True)):
        _draw_light(ax, geometry, None if powers is None else _powers(powers[i], topology))
        _draw_mzis(ax, geometry, _phases("theta", theta, topology), _phases("phi", phi, topology))
        _label(ax, geometry, titles[i] if i < len(titles) else "")
    _colour_bars(figure, axes, light=powers is not None)
    return figure


def _draw_light(ax: Axes, geometry: MeshGeometry, powers: NDArray[np.float64] | None) -> None:
    paths, columns, modes = geometry.waveguides()
    widest = (0.18 if geometry.detailed else 0.3) * geometry.pitch * 72
    if powers is None:
        ax.add_collection(
            LineCollection(paths, colors=_WAVEGUIDE, linewidths=max(0.5, 0.25 * widest), capstyle="round")
        )
        return
    with np.errstate(divide="ignore"):
        decibels = 10 * np.log10(powers[columns, modes] / (powers[0].sum() or 1.0))
    bright = np.clip(1 - decibels / _DARK_DB, 0, 1)
    order = np.argsort(bright, kind="stable")  # bright light on top of dim
    ax.add_collection(
        LineCollection(
            [paths[i] for i in order],
            colors=_LIGHT_MAP(bright[order]),
            linewidths=0.4 + (widest - 0.4) * bright[order],
            capstyle="round",
        )
    )


def _draw_mzis(ax: Axes, geometry: MeshGeometry, theta: NDArray[np.float64], phi: NDArray[np.float64]) -> None:
    ties = geometry.ties()
    if len(ties):
        ax.add_collection(LineCollection(list(ties), colors=_INK, linewidths=0.9, zorder=3))
        ends = ties.reshape(-1, 2)
        ax.plot(ends[:, 0], ends[:, 1], "o", color=_INK, markersize=0.1 * geometry.pitch * 72, zorder=3)
    for symbol, phases, boxes in (("φ", phi, geometry.phi_boxes()), ("θ", theta, geometry.theta_boxes())):
        shown = np.mod(phases, 2 * np.pi) / (2 * np.pi)
        colours = _PHASE_MAP(shown)
        edge, edge_width = (_INK, 0.8) if geometry.detailed else (_WAVEGUIDE, 0.25)
        ax.add_collection(
            PolyCollection(list(boxes), facecolors=colours, edgecolors=edge, linewidths=edge_width, zorder=4)
        )
        if geometry.detailed:
            for box, colour in zip(boxes, colours, strict=True):
                dark = colour[:3] @ (0.299, 0.587, 0.114) < 0.5
                x, y = box.mean(axis=0)
                ax.text(x, y, symbol, color="white" if dark else _INK, ha="center", va="center_baseline", zorder=5)


def _label(ax: Axes, geometry: MeshGeometry, title: str) -> None:
    ax.set_xlim(-0.4, geometry.length + 0.4)
    ax.set_ylim(geometry.modes - 0.4, -0.6)
    centres = (geometry.edges[:-1] + geometry.edges[1:]) / 2
    step = max(1, math.ceil(len(centres) / 24))
    ax.set_xticks(centres[::step], [str(column) for column in range(0, len(centres), step)])
    ax.yaxis.set_major_locator(MaxNLocator(9, integer=True))
    ax.set_xlabel("column")
    ax.set_ylabel("mode")
    ax.set_title(title, loc="left", color=_INK)
    ax.tick_params(length=0, colors=_INK)
    ax.spines[:].set_visible(False)


def _colour_bars(figure: Figure, axes: list[Axes], *, light: bool) -> None:
    shrink = min(1.0, 6.0 / figure.get_figheight())
    phases = ScalarMappable(Normalize(0, 2 * np.pi), _PHASE_MAP)
    bar = figure.colorbar(phases, ax=axes, aspect=28, pad=0.02, shrink=shrink)
    bar.set_ticks([0, np.pi / 2, np.pi, 3 * np.pi / 2, 2 * np.pi], labels=["0", "π/2", "π", "3π/2", "2π"])
    bar.set_label("left block φ, right block θ (rad)\nθ = 0: cross, θ = π: bar")
    bar.outline.set_visible(False)
    if light:
        bar = figure.colorbar(
            ScalarMappable(Normalize(_DARK_DB, 0), _LIGHT_MAP), ax=axes, aspect=28, pad=0.02, shrink=shrink
        )
        bar.set_label("power (dB of the input)")
        bar.outline.set_visible(False)


def _phases(name: str, phases: ArrayLike, topology: Topology) -> NDArray[np.float64]:
    array = np.asarray(phases, dtype=np.float64)
    if array.shape != (topology.mzis,):
        raise ValueError(f"{name} must have shape (mzis,) = ({topology.mzis},), got {array.shape}")
    return array


def _powers(powers: ArrayLike, topology: Topology) -> NDArray[np.float64]:
    array = np.asarray(powers, dtype=np.float64)
    shape = (topology.depth + 1, topology.modes)
    if array.shape != shape:
        raise ValueError(f"powers must have shape (columns + 1, modes) = {shape}, got {array.shape}")
    return array
