"""In situ backpropagation by three measurements and a digital subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrolux.gradient.interference import interfere, normalised, scaled, send
from retrolux.gradient.loss_correction import LossCorrection
from retrolux.gradient.method import Accuracy, MeasuredGradients, Passage, Wanted, Work, output_phase_gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ThreeMeasurement"]


@dataclass(frozen=True)
class ThreeMeasurement:
    """Light forward, light backward, both together: ∂L/∂phase = (|s|² − |z|² − |a|²) / 2 at each tap.

    Forward and adjoint light enter at the same power, sample by sample, and the result is scaled by what they really
    are; the forward light is sent once more than for the output alone. Exact on a chip without loss and noise, coupler
    errors or not. Powers that nearly cancel make it the interference method most sensitive to loss and tap noise.

    Attributes
    ----------
    power : float or None
        Total power at which every sample is sent, None for as it is; see `retrolux.gradient.interference.send`.
    loss : LossCorrection, optional
        What is known of the loss, to correct for it.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018); Pai et al., Science 380, 398 (2023).
    """

    accuracy: ClassVar[Accuracy] = "exact"
    power: float | None = 1.0
    loss: LossCorrection | None = None

    def gradients(self, passage: Passage, grad_y: NDArray[Any], wanted: Wanted) -> MeasuredGradients:
        """Return the measured gradients; see `retrolux.gradient.method.Method`."""
        chip = passage.chip
        slopes = np.zeros((chip.topology.mzis, 2), dtype=passage.theta.dtype)
        gamma = output_phase_gradient(passage.y, grad_y, wanted)
        if not (wanted.phases or wanted.x):
            return MeasuredGradients(None, slopes[:, 0], slopes[:, 1], gamma, 0)
        adjoint, adjoint_norm = normalised(grad_y, conjugate=True)
        if not wanted.phases:
            back = send(chip.backward, adjoint, power=self.power, unit=True)
            back_x = scaled(back.output, adjoint_norm, conjugate=True)
            return MeasuredGradients(back_x, slopes[:, 0], slopes[:, 1], gamma, passage.batch)
        x, x_norm = normalised(passage.x)
        weights = x_norm * adjoint_norm
        backward = send(chip.backward, adjoint, "sum", self.power, weights, unit=True)
        forward = send(chip.forward, x, "sum", self.power, weights, detect=False, unit=True)
        both = interfere(chip.forward, x, backward.output, -1j, self.power, weights)
        grad_x = scaled(backward.output, adjoint_norm, conjugate=True) if wanted.x else None
        if forward.taps is None or backward.taps is None:
            raise RuntimeError("a gradient from interference needs taps, got a chip that reads none")
        if self.loss is None:
            slopes = (both - forward.taps - backward.taps) / 2
        else:
            t = self.loss.transmission(chip.topology).astype(slopes.dtype)
            slopes = (both - forward.taps - t**2 * backward.taps) / (2 * t)
        return MeasuredGradients(
            grad_x, slopes[:, 0] * wanted.theta, slopes[:, 1] * wanted.phi, gamma, 3 * passage.batch
        )

    def work(self, phases: int, *, light: bool = True) -> Work | None:
        """Return what it does; see `retrolux.gradient.method.Method`."""
        return Work(3, taps=True)
