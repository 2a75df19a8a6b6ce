"""What the numbers of a study say, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrolux.energy.quantity import engineering
from retrolux.report.words import gradient_text, value_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrolux.report.costs import TradeOff
    from retrolux.report.view import SweepView

__all__ = ["Finding", "compared_methods", "findings"]

_BOTH = ("three_measurement", "sum_difference")
# How much more test error counts as noticed, as a fraction.
_NOTICED = 0.01


@dataclass(frozen=True)
class Finding:
    """A number and what it says.

    Attributes
    ----------
    number : str
    words : str
    """

    number: str
    words: str


def findings(view: SweepView, points: Sequence[TradeOff]) -> list[Finding]:
    """Return the main results: the least error, the noise that training bears, and the price."""
    final = view.final.sel(view.base)
    size = view.option_at("modes", view.base)
    chips = "perfect chips" if view.is_perfect(view.base) else "the best of these chips"
    found = [Finding(f"{100 * float(final['mean']):.1f} %", f"test error with {size} modes and {chips}")]
    tap = view.dim_of("tap_noise")
    row = None if tap is None else view.row(tap, view.base)
    borne = 0.0 if row is None else row[tap].values[(row["mean"] <= final["mean"] + _NOTICED).values].max()
    if borne > 0:
        gradient = gradient_text(float(view.gradient_error.sel(view.base | {tap: borne})))
        words = "tap noise costs less than one point of accuracy"
        found.append(Finding(f"s = {borne:g}", f"{words}, with a gradient that is off by {gradient}"))
    best = [point for point in points if point.best]
    if best:
        good = next(point for point in best if point.error <= best[-1].error + _NOTICED)
        found.append(
            Finding(
                engineering(good.energy, "J"),
                f"per training step with N = {good.modes} and s = {good.tap_noise:g}, within a point of the best; "
                f"digital takes {good.digital / good.energy:.1f} times as much",
            )
        )
        words = "of light per mode is enough for that; the published study assumed 1 mW"
        found.append(Finding(engineering(good.light, "W"), words))
    return found


def compared_methods(view: SweepView) -> list[str]:
    """Return a sentence for each error that the two ways to measure a gradient bear differently."""
    dim = view.dim_of("gradient")
    if dim is None or not set(_BOTH) <= set(view.results[dim].values.tolist()):
        return []
    sentences = []
    for error in view.errors:
        rows = [view.row(error, view.base | {dim: method}) for method in _BOTH]
        ended = ((rows[0]["runs"] > 0) & (rows[1]["runs"] > 0)).values & (rows[0][error].values != view.base[error])
        if not ended.any():
            continue
        value = view.results[error].values[ended].max()
        three, analog = (100 * float(row["mean"].sel({error: value})) for row in rows)
        if max(three, analog) > 1.3 * min(three, analog):
            sentences.append(
                f"With a {value_in_words(view.results[error], value)}, three measurements end at {three:.1f} % test "
                f"error, sum and difference at {analog:.1f} %."
            )
    return sentences
