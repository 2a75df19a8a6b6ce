"""Gradients from the outputs alone: phases are changed, and the change of the output is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrolux.gradient.interference import send
from retrolux.gradient.method import Accuracy, MeasuredGradients, Passage, Wanted, Work, output_phase_gradient
from retrolux.hardware.philox import Stream, normals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["FiniteDifference", "ParameterShift", "Spsa"]


@dataclass(frozen=True)
class FiniteDifference:
    """Central differences of the output, one phase after the other.

    Its error is of second order in `step`, and noise enters as noise / step.

    Attributes
    ----------
    step : float
        Change of each phase to either side [rad], above 0.
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.
    """

    accuracy: ClassVar[Accuracy] = "step"
    step: float = 1e-2
    power: float | None = 1.0

    def __post_init__(self) -> None:
        _require_positive("step", self.step)

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        return _one_by_one(passage, grad_y, wanted, self.step, 1 / (2 * self.step), self.power)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(2 * phases + light)


@dataclass(frozen=True)
class ParameterShift:
    """Each phase is shifted by ±π/2: ∂y/∂phase = [y(+π/2) − y(−π/2)] / 2.

    Exact wherever the output is A + B e^{i phase} in each phase by itself: with coupler errors and with loss, but not
    through thermal crosstalk or phase quantisation, where a shift of one phase is not that shift on the chip. Needs
    the amplitudes of the output, as the adjoint light does.

    Attributes
    ----------
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.

    References
    ----------
    Schuld et al., Phys. Rev. A 99, 032331 (2019).
    """

    accuracy: ClassVar[Accuracy] = "exact"
    power: float | None = 1.0

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        return _one_by_one(passage, grad_y, wanted, np.pi / 2, 0.5, self.power)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(2 * phases + light)


@dataclass(frozen=True)
class Spsa:
    """Simultaneous perturbation: all phases step at random to either side, and one difference serves all.

    Unbiased to first order in `step`; with K trainable phases and D directions the gradient's cosine to the exact one
    is about √(D / (D + K)).

    Attributes
    ----------
    directions : int
        Random directions averaged, at least 1; each costs two passes.
    step : float
        Change of every phase [rad], above 0.
    seed : int
        Of the directions; they differ from call to call by the chip's clock.
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.

    References
    ----------
    Spall, IEEE Trans. Autom. Control 37, 332 (1992), eq. 2.
    """

    accuracy: ClassVar[Accuracy] = "random"
    directions: int = 1
    step: float = 1e-2
    seed: int = 0
    power: float | None = 1.0

    def __post_init__(self) -> None:
        _require_positive("step", self.step)
        if self.directions < 1:
            raise ValueError(f"directions must be at least 1, got {self.directions}")

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        theta, phi = np.zeros_like(passage.theta), np.zeros_like(passage.phi)
        shots = 0
        if wanted.phases:
            # The clock's bits name the call: the same experiment gets the same directions, the next one others.
            call = int(np.float64(passage.chip.clock).view(np.uint64))
            draws = normals(self.seed, Stream.DIRECTION, call, (self.directions, 2, len(theta)), theta.dtype)
            for signs in np.where(draws < 0, -1, 1).astype(theta.dtype):
                d_theta, d_phi = signs[0] * wanted.theta, signs[1] * wanted.phi
                slope = _slope(passage, grad_y, self.step * d_theta, self.step * d_phi, 1 / (2 * self.step), self.power)
                theta += slope / self.directions * d_theta
                phi += slope / self.directions * d_phi
                shots += 2 * passage.batch
            passage.chip.write(passage.theta, passage.phi, passage.gamma)
        return _with_input(passage, grad_y, wanted, theta, phi, shots, self.power)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(2 * self.directions + light)


def _one_by_one(
    passage: Passage, grad_y: NDArray[Any], wanted: Wanted, shift: float, factor: float, power: float | None
) -> MeasuredGradients:
    """Shift every wanted phase to either side and return factor · (difference of the outputs), seen by the loss."""
    gradients = np.zeros_like(passage.theta), np.zeros_like(passage.phi)
    shots = 0
    for which, k, step in _single_steps(passage, wanted, shift):
        gradients[which][k] = _slope(passage, grad_y, *step, factor, power)
        shots += 2 * passage.batch
    if shots:
        passage.chip.write(passage.theta, passage.phi, passage.gamma)
    return _with_input(passage, grad_y, wanted, *gradients, shots, power)


def _single_steps(
    passage: Passage, wanted: Wanted, shift: float
) -> Iterator[tuple[int, int, tuple[NDArray[Any], NDArray[Any]]]]:
    for which, mask in enumerate((wanted.theta, wanted.phi)):
        for k in np.flatnonzero(mask):
            step = np.zeros_like(passage.theta), np.zeros_like(passage.phi)
            step[which][k] = shift
            yield which, int(k), step


def _slope(
    passage: Passage,
    grad_y: NDArray[Any],
    d_theta: NDArray[Any],
    d_phi: NDArray[Any],
    factor: float,
    power: float | None,
) -> float:
    """Return Re Σ ḡ [y(+d) − y(−d)] · factor."""
    outputs = []
    for sign in (1, -1):
        passage.chip.write(passage.theta + sign * d_theta, passage.phi + sign * d_phi, passage.gamma)
        outputs.append(send(passage.chip.forward, passage.x, power=power).output)
    return float(np.vdot(grad_y, outputs[0] - outputs[1]).real) * factor


def _with_input(
    passage: Passage,
    grad_y: NDArray[Any],
    wanted: Wanted,
    theta: NDArray[Any],
    phi: NDArray[Any],
    shots: int,
    power: float | None,
) -> MeasuredGradients:
    """Add the gradients of the output phases, and of the input, for which light goes backward once."""
    gamma = output_phase_gradient(passage.y, grad_y, wanted)
    if not wanted.x:
        return MeasuredGradients(None, theta, phi, gamma, shots)
    back = send(passage.chip.backward, grad_y.conj(), power=power)
    return MeasuredGradients(back.output.conj(), theta, phi, gamma, shots + passage.batch)


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be above 0 rad and finite, got {value}")
