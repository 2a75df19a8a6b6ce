"""Figures of training runs: loss and error by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["learning_curves"]

# Blue and orange differ in every common form of colour blindness.
_TRAIN, _TEST = "#8aa4c8", "#d9480f"
_INK = "#2b2f36"


def learning_curves(
    epochs: ArrayLike,
    train_loss: ArrayLike,
    test_loss: ArrayLike,
    train_error: ArrayLike,
    test_error: ArrayLike,
    title: str = "",
) -> Figure:
    """Draw loss and error against the epoch; the smallest test error is marked.

    Both axes are logarithmic, with an error of 0 below their end.

    Parameters
    ----------
    epochs : array_like of int, shape (epochs,)
        1, 2, …
    train_loss, test_loss : array_like of float, shape (epochs,)
    train_error, test_error : array_like of float, shape (epochs,)
        Fractions in [0, 1], shown in %.
    title : str, optional
        Above the figure.

    Returns
    -------
    Figure
        Two axes: loss and error.

    Raises
    ------
    ValueError
        When there is no epoch, or the shapes differ.
    """
    x = np.asarray(epochs)
    curves = [np.asarray(curve, dtype=np.float64) for curve in (train_loss, test_loss, train_error, test_error)]
    if x.ndim != 1 or len(x) == 0 or any(curve.shape != x.shape for curve in curves):
        shapes = ", ".join(str(curve.shape) for curve in curves)
        raise ValueError(f"all curves must have shape (epochs,) with an epoch at least, got {x.shape}, {shapes}")
    best = int(np.argmin(curves[3]))
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    losses, errors = figure.subplots(1, 2)
    _curves(losses, x, curves[0], curves[1], "loss", "test")
    found = f"test, best {100 * curves[3][best]:.2f} % in epoch {x[best]}"
    _curves(errors, x, 100 * curves[2], 100 * curves[3], "error (%)", found)
    errors.plot(x[best], 100 * curves[3][best], "o", color=_TEST, markersize=8, markerfacecolor="none")
    figure.suptitle(title, color=_INK)
    return figure


def _curves(
    ax: Axes, x: NDArray[np.int_], train: NDArray[np.float64], test: NDArray[np.float64], name: str, test_label: str
) -> None:
    marker = "o" if len(x) == 1 else ""
    ax.plot(x, train, marker=marker, color=_TRAIN, linewidth=2.0, label="train")
    ax.plot(x, test, marker=marker, color=_TEST, linewidth=2.0, label=test_label)
    positive = np.concatenate([train, test])
    positive = positive[positive > 0]
    if len(positive):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        wide = positive.max() > 30 * positive.min()
        ax.yaxis.set_minor_formatter(NullFormatter() if wide else StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel(name)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
