"""The multiply-add peak of one core, measured: what every share of the peak refers to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from retrolux import _kernels
from retrolux.bench.timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.quiet import Patience

__all__ = ["MultiplyAdds", "Precision", "measure", "multiply_adds"]

Precision: TypeAlias = Literal["single", "double"]

_ROUNDS = 100_000
_SECONDS = 0.5


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds in registers on one core: call `run` to do `operations` floating-point operations."""

    run: Callable[[], object]
    operations: float


def multiply_adds(isa: str, precision: Precision) -> MultiplyAdds:
    """Return the multiply-adds of an instruction set.

    Raises
    ------
    ValueError
        When this processor does not run it.
    """
    run = partial(_kernels.Kernels(isa).multiply_adds, precision == "double", _ROUNDS)
    return MultiplyAdds(run, run())


def measure(isa: str, precision: Precision, patience: Patience) -> float:
    """Return the peak of one core [operations/s]: the best of many readings, since nothing runs faster than it can."""
    adds = multiply_adds(isa, precision)
    return adds.operations / alternate({"peak": adds.run}, _SECONDS, patience)["peak"].minimum
