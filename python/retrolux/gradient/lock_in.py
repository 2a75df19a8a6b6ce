"""In situ backpropagation by stepping the phase of the adjoint light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrolux.gradient.interference import interfere, normalised, scaled, send
from retrolux.gradient.loss_correction import LossCorrection
from retrolux.gradient.method import Accuracy, MeasuredGradients, Passage, Wanted, Work, output_phase_gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LockIn", "SumDifference"]


@dataclass(frozen=True)
class LockIn:
    """The adjoint light's phase α goes once around in `steps`; ∂L/∂phase is the cosine component of each tap's power.

    p(α) = |z|² + |a|² + 2 cos α · ∂L/∂phase + …, so the gradient is the mean of p(α) cos α. Backgrounds that do not
    follow α drop out. Exact on a chip without loss and noise; loss only scales it, column by column.

    Attributes
    ----------
    steps : int
        Phases of the adjoint light, at least 3; two, 0 and π, are `SumDifference`.
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.
    loss : LossCorrection, optional
        What is known of the loss, to correct for it.

    References
    ----------
    Pai et al., Science 380, 398 (2023), supplement.
    """

    accuracy: ClassVar[Accuracy] = "exact"
    steps: int = 4
    power: float | None = 1.0
    loss: LossCorrection | None = None

    def __post_init__(self) -> None:
        if self.steps < 3:
            raise ValueError(f"steps must be at least 3, got {self.steps}; for two, use SumDifference")

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        angles = 2 * np.pi * np.arange(self.steps) / self.steps
        return _modulated(passage, grad_y, wanted, angles, self.power, self.loss)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(self.steps + 1, taps=True)  # the adjoint light alone goes backward first


@dataclass(frozen=True)
class SumDifference:
    """Sum and difference of forward and adjoint light, subtracted at the detector: ∂L/∂phase = (|s|² − |d|²) / 4.

    Exact on a chip without loss and noise. Needs no reference powers: of the tap noise of `ThreeMeasurement` a
    quarter remains (in the gradient's error 1 − cos). Loss only scales it, column by column.

    Attributes
    ----------
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.
    loss : LossCorrection, optional
        What is known of the loss, to correct for it.

    References
    ----------
    Pai et al., Science 380, 398 (2023): the analog gradient measurement.
    """

    accuracy: ClassVar[Accuracy] = "exact"
    power: float | None = 1.0
    loss: LossCorrection | None = None

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        return _modulated(passage, grad_y, wanted, np.array([0.0, np.pi]), self.power, self.loss)

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(3, taps=True)


def _modulated(
    passage: Passage,
    grad_y: NDArray[Any],
    wanted: Wanted,
    angles: NDArray[np.float64],
    power: float | None,
    loss: LossCorrection | None,
) -> MeasuredGradients:
    """Send x − i e^{iα} conj(a_x) for each angle α; the mean of p(α) cos α is the gradient."""
    chip = passage.chip
    slopes = np.zeros((chip.topology.mzis, 2), dtype=passage.theta.dtype)
    gamma = output_phase_gradient(passage.y, grad_y, wanted)
    if not (wanted.phases or wanted.x):
        return MeasuredGradients(None, slopes[:, 0], slopes[:, 1], gamma, 0)
    x, x_norm = normalised(passage.x)
    adjoint, adjoint_norm = normalised(grad_y, conjugate=True)
    retraced = send(chip.backward, adjoint, power=power, unit=True).output
    shots = passage.batch
    weights = x_norm * adjoint_norm
    for angle in angles if wanted.phases else ():
        taps = interfere(chip.forward, x, retraced, -1j * np.exp(1j * angle), power, weights)
        slopes += taps * slopes.dtype.type(np.cos(angle) / (2 * np.sum(np.cos(angles) ** 2)))
        shots += passage.batch
    if loss is not None:
        slopes /= loss.transmission(chip.topology)
    grad_x = scaled(retraced, adjoint_norm, conjugate=True) if wanted.x else None
    return MeasuredGradients(grad_x, slopes[:, 0] * wanted.theta, slopes[:, 1] * wanted.phi, gamma, shots)
