"""What a sweep says: which of its options are errors, which point has none, and how well every point has learnt."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from retrolux.hardware.presets import IDEAL
from retrolux.report.words import option_of, value_text
from retrolux.study.config import OPTIONS
from retrolux.study.results import confidence, last_epochs
from retrolux.study.tradeoff import UNITS, base_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

_Data = TypeVar("_Data", "xr.Dataset", "xr.DataArray")

__all__ = ["SweepView"]

_LAST_EPOCHS = 10


class SweepView:
    """A result of a sweep, read.

    Parameters
    ----------
    results : Dataset
        See `retrolux.study.results`.

    Attributes
    ----------
    results : Dataset
    dims : tuple of str
        The swept options that have several values, as the dimensions are called.
    errors, others : tuple of str
        Those of `dims` that are imperfections of the chips, and the rest.
    """

    def __init__(self, results: xr.Dataset) -> None:
        self.results = results
        self.dims = tuple(str(dim) for dim in results["failure"].dims if dim != "seed" and results.sizes[dim] > 1)
        self.errors = tuple(dim for dim in self.dims if hasattr(IDEAL, self._option(dim)))
        self.others = tuple(dim for dim in self.dims if dim not in self.errors)

    def _option(self, dim: str) -> str:
        return option_of(self.results[dim])

    def dim_of(self, option: str) -> str | None:
        """Return the dimension of an option that has several values, or None."""
        return next((dim for dim in self.dims if self._option(dim) == option), None)

    def option_at(self, option: str, point: dict[str, Any]) -> Any:
        """Return the value of an option at a point: of the point, or of the configuration."""
        dim = self.dim_of(option)
        config = base_config(self.results)
        given = getattr(config.imperfections, option) if hasattr(IDEAL, option) else getattr(config, option)
        return point[dim] if dim is not None and dim in point else given

    def is_perfect(self, point: dict[str, Any]) -> bool:
        """Return whether nothing is wrong with the chips of a point."""
        swept = {self._option(dim): point[dim] for dim in self.errors}
        imperfections = vars(base_config(self.results).imperfections) | swept
        return all(value in {vars(IDEAL)[name], np.inf} for name, value in imperfections.items())

    @property
    def last_epochs(self) -> int:
        """Epochs at the end of a run that its final error is the mean of: 10, or half of a short run."""
        return max(1, min(_LAST_EPOCHS, self.results.sizes["epoch"] // 2))

    @property
    def last_text(self) -> str:
        """Words for the epochs that a final error is the mean of."""
        return "the last epoch" if self.last_epochs == 1 else f"the last {self.last_epochs} epochs"

    @cached_property
    def final(self) -> xr.Dataset:
        """Test error of the last epochs, as a fraction.

        ``mean``, ``low``, ``high`` and ``runs`` of `confidence` over the seeds, and ``least`` and ``most``, their
        range.
        """
        return self._over_seeds(last_epochs(self.results, "eval/error", self.last_epochs))

    @cached_property
    def curves(self) -> xr.Dataset:
        """Test error of every epoch, as `final` has it."""
        return self._over_seeds(self.results["metrics"].sel(param="eval/error").where(self.results["failure"] == ""))

    @cached_property
    def gradient_error(self) -> xr.DataArray:
        """Mean over the seeds of the gradient error in the last batch of the last epochs."""
        return self._squeezed(last_epochs(self.results, "grad/error_batch", self.last_epochs).mean("seed"))

    def _over_seeds(self, values: xr.DataArray) -> xr.Dataset:
        spread = confidence(values).assign(least=values.min("seed"), most=values.max("seed"))
        return self._squeezed(spread)

    def _squeezed(self, data: _Data) -> _Data:
        """Leave out options of a single value."""
        single = [dim for dim in self.results["failure"].dims if dim not in {*self.dims, "seed"}]
        return data.isel({dim: 0 for dim in single if dim in data.dims}, drop=True)

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """The points of the sweep at which a run has ended well, as values of `dims`."""
        runs = self.final["runs"].transpose(*self.dims)
        return [
            {dim: self.results[dim].values[i].item() for dim, i in zip(self.dims, index, strict=True)}
            for index in np.ndindex(*runs.shape)
            if runs.values[index]
        ]

    @cached_property
    def base(self) -> dict[str, Any]:
        """The point without any error, of the largest mesh: the first of those that have ended."""
        ideal = {dim: self._ideal(dim) for dim in self.errors}
        modes = self.dim_of("modes")
        ranked = sorted(
            self.points,
            key=lambda point: (
                sum(point[dim] != value for dim, value in ideal.items()),
                -point[modes] if modes is not None else 0,
            ),
        )
        return ranked[0] if ranked else {}

    def _ideal(self, dim: str) -> Any:
        """Return the value of an error at which it is least: none, or as many bits as there are."""
        values = self.results[dim].values
        return (values.max() if OPTIONS[self._option(dim)].or_none else values[np.abs(values).argmin()]).item()

    def costs_at(self, point: dict[str, Any], device: str) -> dict[str, float]:
        """Return what `retrolux.study.tradeoff.costs` says of a point."""
        costs = self._squeezed(self.results[list(UNITS)].sel(device=device))
        here = costs.sel({dim: value for dim, value in point.items() if dim in costs.dims})
        return {str(name): float(value) for name, value in here.items()}

    def families(self) -> Iterator[dict[str, Any]]:
        """Yield the base with every combination of the options that are neither errors nor the size."""
        modes = self.dim_of("modes")
        seen = []
        for point in self.points:
            family = {dim: point[dim] for dim in self.others if dim != modes}
            if family not in seen:
                seen.append(family)
                yield self.base | family

    def row(self, along: str, at: dict[str, Any]) -> xr.Dataset:
        """Return the final error along a dimension, all others as in the point `at`."""
        return self.final.sel({dim: value for dim, value in at.items() if dim != along})

    def family_text(self, point: dict[str, Any]) -> str:
        """Return what tells this point from others of the same error and size."""
        modes = self.dim_of("modes")
        return ", ".join(value_text(point[dim]) for dim in self.others if dim != modes)
