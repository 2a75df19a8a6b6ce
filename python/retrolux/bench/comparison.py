"""Our layers next to the dense one: what each costs, and what keeps it from being faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from retrolux.bench import layers, operations
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate
from retrolux.functional import choose_route
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from retrolux.functional import Route

__all__ = ["Comparison", "Limit", "Work", "compare", "time_calls"]

Work: TypeAlias = Literal["forward", "step", "in situ step"]
Limit: TypeAlias = Literal["arithmetic", "calls", "the rest"]

# What `time_calls` times: work on a route, by its smallest call.
CallTimes: TypeAlias = "Mapping[tuple[Work, str], float]"


@dataclass(frozen=True)
class Comparison:
    """One kind of work by a rectangular mesh of `modes`, on `batch` samples in single precision.

    Attributes
    ----------
    modes, batch : int
        Size.
    work : {"forward", "step", "in situ step"}
        Inference; forward pass and all gradients; the same on a simulated chip that measures its gradients.
    route : {"mesh", "matrix", "chip"}
        How light is computed.
    seconds, fastest : float
        Median and smallest time [s].
    dense_seconds : float
        Median time of the dense layer [s], a step of it for either step.
    ratio : float
        Median of the time over that of the dense layer in the same round.
    disturbed : bool
        Whether other processes were in the way.
    arithmetic : float
        Share of the time which the floating-point operations would take at the multiply-add peak of all threads.
    calls : float
        Share of the time which the same work takes with 2 modes and 1 sample: Python and torch.
    """

    modes: int
    batch: int
    work: Work
    route: str
    seconds: float
    fastest: float
    dense_seconds: float
    ratio: float
    disturbed: bool
    arithmetic: float
    calls: float

    @property
    def limit(self) -> Limit | None:
        """What takes the largest share: arithmetic, calls or the rest.

        The rest are caches and memory, threads that wake and wait for each other, and in situ the noise. None where
        other processes were in the way.
        """
        if self.disturbed:
            return None
        shares: dict[Limit, float] = {
            "arithmetic": self.arithmetic,
            "calls": self.calls,
            "the rest": 1 - self.arithmetic - self.calls,
        }
        return max(shares, key=lambda limit: shares[limit])


def time_calls(seconds: float) -> CallTimes:
    """Return the median time [s] of the smallest call of every kind of work, on every route it may take."""
    topology = rectangular(2)
    routes: tuple[Route, ...] = ("mesh", "matrix")
    contenders: dict[tuple[Work, str], Callable[[], object]] = {}
    for route in routes:
        layer = layers.photonic(topology, 1, route)
        contenders["forward", route] = layer.forward
        contenders["step", route] = layer.step
    contenders["in situ step", "chip"] = layers.in_situ(topology, 1).step
    return {call: timing.median for call, timing in alternate(contenders, seconds, Patience(0)).items()}


def compare(modes: int, batch: int, seconds: float, calls: CallTimes, peak: float) -> list[Comparison]:
    """Time every kind of work in turns with the dense layer, for about `seconds`.

    Parameters
    ----------
    modes, batch : int
        Size of the layers.
    seconds : float
        How long to measure, altogether [s]; up to twice that on a disturbed machine.
    calls : mapping
        Of `time_calls`.
    peak : float
        Multiply-add peak of all threads [operations/s].
    """
    topology = rectangular(modes)
    ours, chip, dense = layers.photonic(topology, batch), layers.in_situ(topology, batch), layers.dense(modes, batch)
    timings = alternate(
        {
            "forward": ours.forward,
            "step": ours.step,
            "in situ step": chip.step,
            "dense forward": dense.forward,
            "dense step": dense.step,
        },
        seconds,
        Patience(0),
        at_least=3,
    )
    counted = operations.photonic(topology, batch)
    route = choose_route(topology, batch)
    works: tuple[tuple[Work, str, float], ...] = (
        ("forward", route, counted["forward"]),
        ("step", route, counted["step"]),
        ("in situ step", "chip", operations.in_situ(topology, batch)),
    )
    comparisons = []
    for work, way, flops in works:
        timing, reference = timings[work], timings["dense forward" if work == "forward" else "dense step"]
        comparisons.append(
            Comparison(
                modes=modes,
                batch=batch,
                work=work,
                route=way,
                seconds=timing.median,
                fastest=timing.minimum,
                dense_seconds=reference.median,
                ratio=timing.ratio(reference),
                disturbed=timing.disturbed,
                arithmetic=timing.rate(flops) / peak,
                calls=min(1.0, calls[work, way] / timing.median),
            )
        )
    return comparisons
