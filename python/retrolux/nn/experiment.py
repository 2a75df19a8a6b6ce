"""A chip inside torch: `loss.backward()` becomes the experiment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from torch import Tensor

from retrolux._plain import is_plain
from retrolux.gradient.interference import send
from retrolux.gradient.method import MeasuredGradients, Method, OutputPhase, Passage, Wanted
from retrolux.gradient.model import Transparent
from retrolux.mesh import matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.chip import Chip

__all__ = ["Experiment", "Measurement", "OutputPhase"]


@dataclass(frozen=True)
class Measurement:
    """The gradients that one backward pass measured, and what they were measured for.

    Attributes
    ----------
    chip : Chip
        Where.
    x, grad_y : ndarray of complex, shape (batch, modes)
        Light sent in, and ∂L/∂Re y + i ∂L/∂Im y.
    gradients : MeasuredGradients
        The result.
    wanted : Wanted
        Which of it was asked for.
    """

    chip: Chip
    x: NDArray[Any]
    grad_y: NDArray[Any]
    gradients: MeasuredGradients
    wanted: Wanted

    def cosine_to_exact(self) -> float:
        """Return the cosine between the measured and the exact gradient of the trained theta and phi.

        Call it before new phases are written to the chip. The cosine is nan where a gradient is zero: the loss does not
        depend on the phases, or no light reaches them.

        Raises
        ------
        TypeError
            When the chip is not a simulated one.
        """
        if not isinstance(self.chip, Transparent):
            raise TypeError(f"the exact gradient needs a simulated chip, got {type(self.chip).__name__}")
        exact = self.chip.exact_gradients(self.x, self.grad_y)
        a = np.concatenate([self.gradients.theta, self.gradients.phi]).astype(np.float64)
        b = np.concatenate([exact.theta * self.wanted.theta, exact.phi * self.wanted.phi]).astype(np.float64)
        lengths = np.sqrt((a @ a) * (b @ b))
        return float(a @ b / lengths) if lengths else math.nan


class Experiment:
    """A chip, and the method by which its gradients are measured.

    Parameters
    ----------
    chip : Chip
        Simulated or real.
    method : Method
        How gradients are got from it.
    output_phase : {"measured", "known"}
        Where the phases of the output come from: a coherent detector with its errors, or, for a chip that measures
        powers alone, a model: the ideal mesh with the phases that were written.

    Attributes
    ----------
    shots : int
        Samples of light sent so far, in all passes.
    last : Measurement or None
        The last backward pass.
    written : tuple of ndarray or None
        The theta, phi and gamma that the chip holds [rad]; None before the first were written.
    """

    def __init__(self, chip: Chip, method: Method, output_phase: OutputPhase = "measured") -> None:
        if output_phase not in get_args(OutputPhase):
            raise ValueError(f"output_phase must be 'measured' or 'known', got {output_phase!r}")
        self.chip = chip
        self.method = method
        self.output_phase = output_phase
        self.shots = 0
        self.last: Measurement | None = None
        self.written: tuple[NDArray[Any], ...] | None = None

    def replace_chip(self, chip: Chip, written: tuple[NDArray[Any], ...] | None = None) -> None:
        """Continue with another chip that holds the phases `written`; others are written before light is sent."""
        self.chip = chip
        self.last = None
        self.written = written

    def propagate(
        self, x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, trainable: NDArray[np.bool_] | None = None
    ) -> Tensor:
        """Send light of shape (…, modes) through the chip; differentiable by measurement.

        Parameters
        ----------
        x : Tensor, shape (…, modes)
            Complex amplitudes on the CPU.
        theta, phi : Tensor, shape (mzis,)
            Phases [rad]; they are written to the chip when they have changed.
        gamma : Tensor, shape (modes,)
            Output phases [rad].
        trainable : ndarray of bool, shape (mzis, 2), optional
            Which theta and phi want gradients, where they do at all.

        Raises
        ------
        RuntimeError
            When torch traces or transforms the light, which an experiment cannot follow; in the backward pass, when
            gradients are to be differentiated again or are batched.
        """
        if torch.compiler.is_exporting() or not torch.compiler.is_compiling():  # torch.compile breaks its graph here
            _require_plain(x)
        origin = x[..., :0].sum()  # knows where the light came from without holding on to its memory
        y: Tensor = _Measured.apply(x, theta, phi, gamma, origin, self, trainable)  # type: ignore[no-untyped-call]
        return y

    def write(self, phases: tuple[NDArray[Any], ...]) -> None:
        """Write phases to the chip, unless it holds them already."""
        if self.written is not None and all(
            a is b or np.array_equal(a, b) for a, b in zip(self.written, phases, strict=True)
        ):
            return
        written = tuple(phase.copy() for phase in phases)  # nobody changes these
        self.chip.write(*written)
        self.written = written


class _Measured(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        theta: Tensor,
        phi: Tensor,
        gamma: Tensor,
        origin: Tensor,
        experiment: Experiment,
        trainable: NDArray[np.bool_] | None,
    ) -> Tensor:
        # Copies, here and below: the caller may overwrite light, output and gradient.
        rows = np.array(x.numpy(force=True), order="C").reshape(-1, x.shape[-1])
        phases = tuple(phase.numpy(force=True) for phase in (theta, phi, gamma))
        experiment.write(phases)
        need_x, need_theta, need_phi, need_gamma, *_ = ctx.needs_input_grad
        every = np.ones((len(phases[0]), 2), dtype=np.bool_) if trainable is None else trainable
        wanted = Wanted(need_x, every[:, 0] & need_theta, every[:, 1] & need_phi, need_gamma)
        output = send(experiment.chip.forward, rows, power=experiment.method.power).output
        if experiment.output_phase == "known":
            model = rows @ matrix(experiment.chip.topology, *phases).T
            output = np.abs(output) * np.exp(1j * np.angle(model)).astype(output.dtype)
        experiment.shots += len(rows)
        # Saved for torch's check that nobody changes the phases before the backward pass.
        ctx.save_for_backward(theta, phi, gamma, origin)
        theta_written, phi_written, gamma_written = experiment.written or phases
        ctx.passage = Passage(experiment.chip, rows, output, theta_written, phi_written, gamma_written)
        ctx.experiment, ctx.wanted = experiment, wanted
        return torch.tensor(output.reshape(x.shape), device="cpu")

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        given = ctx.saved_tensors
        _require_plain(grad_y)
        passage, experiment, wanted = ctx.passage, ctx.experiment, ctx.wanted
        rows = np.array(grad_y.numpy(force=True), order="C").reshape(passage.y.shape)
        experiment.write((passage.theta, passage.phi, passage.gamma))
        gradients = experiment.method.gradients(passage, rows, wanted)
        experiment.shots += gradients.shots
        experiment.last = Measurement(experiment.chip, passage.x, rows, gradients, wanted)
        grad_x = None if gradients.x is None else torch.tensor(gradients.x.reshape(grad_y.shape), device="cpu")
        grads = [
            grad_x,
            *(
                torch.tensor(gradient, device="cpu") if need else None
                for gradient, need in zip(gradients[1:4], ctx.needs_input_grad[1:4], strict=True)
            ),
        ]
        if torch.is_grad_enabled():
            grads = list(_Final.apply(*grads, grad_y, *given))  # type: ignore[no-untyped-call]
        return (*grads, None, None, None)


class _Final(torch.autograd.Function):
    """The four measured gradients, which cannot be differentiated again."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        return tensors[:4]

    @staticmethod
    def backward(ctx: Any, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        raise RuntimeError(
            "gradients measured on a chip have no derivative; for second derivatives, use a mesh without a chip"
        )


def _require_plain(light: Tensor) -> None:
    if not is_plain(light):
        raise RuntimeError(
            "light through a chip is an experiment, which torch.func, torch.export, torch.jit.trace, forward-mode "
            "differentiation and batched gradients cannot repeat; use a mesh without a chip, or a loop"
        )
