"""Gradients that are computed, not measured: from the true state of a chip, or from an ideal model of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from retrolux.gradient.method import Accuracy, MeasuredGradients, Passage, Wanted, Work
from retrolux.mesh.adjoint import AdjointGradients, adjoint
from retrolux.mesh.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Adjoint", "PhysicsAware", "Transparent"]


@runtime_checkable
class Transparent(Protocol):
    """A chip whose true state can be seen, as a simulated one's can."""

    def exact_gradients(self, x: NDArray[Any], grad_y: NDArray[Any]) -> AdjointGradients:
        """Return ∂L/∂x and ∂L/∂(written phases) without noise, for what is written now."""
        ...


@dataclass(frozen=True)
class Adjoint:
    """The exact gradient of the chip as it is: coupler errors, loss, offsets and crosstalk included, noise left out.

    No chip can measure this; it is what the other methods are compared with. Quantised phases are differentiated as
    if they were not.

    Attributes
    ----------
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.
    """

    accuracy: ClassVar[Accuracy] = "exact"
    power: float | None = 1.0

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the exact gradients; see `retrolux.gradient.method.Method`."""
        if not isinstance(passage.chip, Transparent):
            raise TypeError(f"adjoint needs a simulated chip, got {type(passage.chip).__name__}")
        return _masked(passage.chip.exact_gradients(passage.x, grad_y), wanted)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return None


@dataclass(frozen=True)
class PhysicsAware:
    """Forward through the chip, backward through a model: the ideal mesh with the phases that were written.

    The upstream gradient comes from the output of the chip; only the step back through the mesh is modelled. The
    gradients lack the imperfections that the model lacks, and need no light.

    Attributes
    ----------
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.

    References
    ----------
    Wright et al., "Deep physical neural networks trained with backpropagation", Nature 601, 549 (2022).
    """

    accuracy: ClassVar[Accuracy] = "model"
    power: float | None = 1.0

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the model's gradients; see `retrolux.gradient.method.Method`."""
        settings = Settings(passage.theta, passage.phi, passage.gamma)
        gradients = adjoint(passage.chip.topology, settings, passage.x, np.ascontiguousarray(grad_y))
        return _masked(gradients, wanted)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(0, digital=True)


def _masked(gradients: AdjointGradients, wanted: Wanted) -> MeasuredGradients:
    """Return what was wanted; none of it took light."""
    return MeasuredGradients(
        gradients.x if wanted.x else None,
        gradients.theta * wanted.theta,
        gradients.phi * wanted.phi,
        gradients.gamma * wanted.gamma,
        0,
    )
