"""How fast the passes of light are by themselves, per instruction set and number of threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrolux import _kernels
from retrolux.bench.operations import ADJOINT_MZI, FORWARD_MZI
from retrolux.bench.passes import prepare
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.peak import MultiplyAdds

__all__ = ["BATCH", "MODES", "Rates", "measure_rates"]

MODES, BATCH = 64, 600


@dataclass(frozen=True)
class Rates:
    """Passes of 600 samples through a rectangular mesh of 64 modes, in single precision.

    Attributes
    ----------
    isa : str
        Instruction set.
    threads : int
        Number of threads.
    forward, adjoint : float
        Rates [operations/s] at the median.
    peak : float
        Multiply-add peak of all threads [operations/s], measured in turns with the passes.
    disturbed : bool
        Whether other processes were in the way.
    """

    isa: str
    threads: int
    forward: float
    adjoint: float
    peak: float
    disturbed: bool


def measure_rates(isa: str, threads: int, seconds: float, adds: MultiplyAdds) -> Rates:
    """Time the passes in turns with the multiply-adds that give the peak, for about `seconds`."""
    topology = rectangular(MODES)
    passes = prepare(topology, BATCH, threads, _kernels.Kernels(isa))
    contenders: dict[str, Callable[[], object]] = {
        "forward": passes.forward,
        "adjoint": passes.adjoint,
        "peak": adds.run,
    }
    timings = alternate(contenders, seconds, Patience(0))
    crossings = topology.mzis * BATCH
    return Rates(
        isa=isa,
        threads=threads,
        forward=timings["forward"].rate(FORWARD_MZI * crossings),
        adjoint=timings["adjoint"].rate(ADJOINT_MZI * crossings),
        peak=threads * adds.operations / timings["peak"].minimum,
        disturbed=any(timing.disturbed for timing in timings.values()),
    )
