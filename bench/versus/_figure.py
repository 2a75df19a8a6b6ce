"""The results as a figure: time against the number of modes, with the dense layer and what the peak allows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from _cases import Case
from _contenders import CONTENDERS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from retrolux.atomic import write_atomically
from retrolux.bench import operations
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from pathlib import Path

    from _results import Results
    from matplotlib.axes import Axes

__all__ = ["draw"]

_INK = "#2b2f36"
_OURS, _DENSE, _BOUND = "#d9480f", "#2b2f36", "#9aa0a8"
# For the peers: hues of Okabe and Ito, which differ in every common form of colour blindness, and markers. Of two with
# the same hue the latter is hollow and dash-dotted.
_HUES = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_MARKERS = "osD^vP*X<>"
_ROWS = {"forward": "forward pass", "step": "training step"}


def draw(results: Results, path: Path) -> None:
    """Write the figure as PNG and SVG beside each other, at `path` with these endings; nothing without meshes."""
    cases = {sitting.case for sitting in results.sittings if sitting.case.kind == "mesh"}
    if not cases:
        return
    batches, sizes = (sorted({getattr(case, axis) for case in cases}) for axis in ("batch", "modes"))
    figure = Figure(figsize=(3.4 * len(batches) + 1.8, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(batches), sharex=True, sharey="row", squeeze=False)
    for row, what in zip(panels, _ROWS, strict=True):
        for panel, batch in zip(row, batches, strict=True):
            _panel(panel, results, what, batch, sizes)
        row[0].set_ylabel(f"{_ROWS[what]} [s]")
        times = [results.median(case, what, name) for case in cases for name in results.known(case, what)]
        # The bound comes into sight in every panel, if only with the largest mesh.
        row[0].set_ylim(bottom=min([*filter(None, times), _bound(results, what, batches[0], sizes[-1])]) / 2)
    for panel, batch in zip(panels[0], batches, strict=True):
        panel.set_title(f"batch {batch}", color=_INK)
    for panel in panels[1]:
        panel.set_xlabel("modes N")
    shown = {
        label: line for panel in panels.flat for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(shown.values()), list(shown), loc="outside right center", frameon=False)
    for ending in ("png", "svg"):
        content = io.BytesIO()
        figure.savefig(content, format=ending, dpi=150, metadata={"Date": None} if ending == "svg" else None)
        write_atomically(path.with_suffix(f".{ending}"), content.getvalue())


def _bound(results: Results, what: str, batch: int, modes: int) -> float:
    """Return the time that the peak allows [s]."""
    return operations.photonic(rectangular(modes), batch)[what] / (results.peak * results.threads)


def _styles() -> dict[str, dict[str, Any]]:
    """Return how each is drawn, in the legend's order; the first two lie on top of the others."""
    styles: dict[str, dict[str, Any]] = {
        "retrolux": {"color": _OURS, "marker": "o", "linewidth": 2.5, "zorder": 4},
        "dense layer": {"color": _DENSE, "linestyle": "--", "linewidth": 1.5, "zorder": 3},
    }
    peers = [contender.name for contender in CONTENDERS if contender.kind == "mesh" and contender.name not in styles]
    for i, name in enumerate(peers):
        styles[name] = {"color": _HUES[i % len(_HUES)], "marker": _MARKERS[i], "linewidth": 1}
        if i >= len(_HUES):
            styles[name] |= {"linestyle": "-.", "markerfacecolor": "white"}
    return styles


def _panel(panel: Axes, results: Results, what: str, batch: int, sizes: list[int]) -> None:
    for name, style in _styles().items():
        times = [results.median(Case("mesh", modes, batch), what, name) for modes in sizes]
        points = [(modes, time) for modes, time in zip(sizes, times, strict=True) if time is not None]
        if points:
            panel.plot(*zip(*points, strict=True), label=name, markersize=4, **style)
        if name == "dense layer":
            bound = [_bound(results, what, batch, modes) for modes in sizes]
            panel.plot(sizes, bound, color=_BOUND, linestyle=":", label="multiply-add peak, our operations")
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(sizes, [str(modes) for modes in sizes])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(color="#e6e8eb", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
