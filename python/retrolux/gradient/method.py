"""The interface of all ways of getting a gradient: what each is given, and what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.chip import Chip

__all__ = [
    "Accuracy",
    "MeasuredGradients",
    "Method",
    "OutputPhase",
    "Passage",
    "Wanted",
    "Work",
    "output_phase_gradient",
]

OutputPhase: TypeAlias = Literal["measured", "known"]
Accuracy: TypeAlias = Literal["exact", "step", "random", "model"]


class Passage(NamedTuple):
    """One batch of light that has gone forward through a chip.

    Attributes
    ----------
    chip : Chip
        With the phases still written.
    x : ndarray of complex, shape (batch, modes)
        What was meant to be sent in.
    y : ndarray of complex, shape (batch, modes)
        What was measured at the output, for light x.
    theta, phi, gamma : ndarray of float
        The phases written [rad], shapes (mzis,), (mzis,), (modes,).
    """

    chip: Chip
    x: NDArray[Any]
    y: NDArray[Any]
    theta: NDArray[Any]
    phi: NDArray[Any]
    gamma: NDArray[Any]

    @property
    def batch(self) -> int:
        """Number of samples."""
        return len(self.x)


class Wanted(NamedTuple):
    """Which gradients are wanted, so that no others are measured.

    Attributes
    ----------
    x : bool
        The input's.
    theta, phi : ndarray of bool, shape (mzis,)
        Those of single phases; frozen phases are False.
    gamma : bool
        The output phases'.
    """

    x: bool
    theta: NDArray[np.bool_]
    phi: NDArray[np.bool_]
    gamma: bool

    @property
    def phases(self) -> bool:
        """Whether any theta or phi is wanted."""
        return bool(self.theta.any() or self.phi.any())


class MeasuredGradients(NamedTuple):
    """Gradients of a real loss, summed over the batch; zero where not wanted.

    Attributes
    ----------
    x : ndarray of complex, shape (batch, modes), or None
        ∂L/∂Re x + i ∂L/∂Im x.
    theta, phi : ndarray of float, shape (mzis,)
        [1/rad].
    gamma : ndarray of float, shape (modes,)
        [1/rad].
    shots : int
        Samples of light sent through the chip to find them, the forward pass not counted.
    """

    x: NDArray[Any] | None
    theta: NDArray[Any]
    phi: NDArray[Any]
    gamma: NDArray[Any]
    shots: int


class Work(NamedTuple):
    """What a method does to find the gradient of all phases of a mesh.

    Attributes
    ----------
    passes : int
        How often each sample is sent through the mesh; the forward pass that gave the output is not counted.
    taps : bool
        Whether the gradient is read at the taps, once per batch; else the outputs are read in every pass.
    digital : bool
        Whether a digital processor runs a model of the mesh backward.
    """

    passes: int
    taps: bool = False
    digital: bool = False


class Method(Protocol):
    """A way of getting a gradient from a chip.

    Attributes
    ----------
    accuracy : {"exact", "step", "random", "model"}
        What it finds on a chip without loss and noise: the derivative itself, whatever the couplers; the derivative up
        to the square of a step; the derivative in the mean over random directions; or that of a model of the chip.
    """

    accuracy: ClassVar[Accuracy]

    @property
    def power(self) -> float | None:
        """Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`."""
        ...

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the gradients for ``grad_y`` = ∂L/∂Re y + i ∂L/∂Im y, shape (batch, modes)."""
        ...

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what `gradients` does for so many phases θ and φ; None where no chip can do it.

        With `light` the gradient of the light that enters is wanted too, as in every mesh of a network but the first.
        """
        ...


def output_phase_gradient(y: NDArray[Any], grad_y: NDArray[Any], wanted: Wanted) -> NDArray[Any]:
    """Return ∂L/∂γ = −Σ Im(ḡ y), which needs no measurement beyond y; 0 where not wanted. Shape (modes,)."""
    if not wanted.gamma:
        return np.zeros(y.shape[1], y.real.dtype)
    gradient: NDArray[Any] = -np.einsum("bm,bm->m", grad_y.conj(), y).imag
    return gradient
