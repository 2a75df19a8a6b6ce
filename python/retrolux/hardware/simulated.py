"""A simulated chip with every imperfection, on the compiled kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux._kernels import kernels, max_threads
from retrolux.hardware.chip import Reading
from retrolux.hardware.crosstalk import thermal_crosstalk
from retrolux.hardware.dispersion import coupler_shift, phase_stretch
from retrolux.hardware.fabrication import Fabrication, fabricate
from retrolux.hardware.imperfections import Imperfections
from retrolux.hardware.philox import Stream, with_noise
from retrolux.hardware.programming import drift_step, program
from retrolux.mesh.adjoint import AdjointGradients, adjoint
from retrolux.mesh.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from retrolux.hardware.chip import TapMode
    from retrolux.mesh import Topology

__all__ = ["SimulatedChip"]


class SimulatedChip:
    """A mesh with the imperfections of a chip; it implements `retrolux.hardware.Chip`.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    imperfections : Imperfections
        What is wrong with it; by default nothing.
    seed : int
        Which of all such chips it is: of the fabrication and of all later draws.
    dtype : complex64 or complex128
        Of the light.
    fabrication : Fabrication, optional
        What the chip is like, where that is known; else it is drawn.
    sample_s : float
        Time that one sample of light takes [s]; the clock goes by it.

    Notes
    -----
    Every pass is a new shot with draws of its own; the same seed and the same history give the same bits, for any
    number of threads. Splitting a batch into two passes is another history.
    """

    def __init__(
        self,
        topology: Topology,
        imperfections: Imperfections | None = None,
        seed: int = 0,
        dtype: DTypeLike = np.complex64,
        *,
        fabrication: Fabrication | None = None,
        sample_s: float = 1e-9,
    ) -> None:
        self.topology = topology
        self.imperfections = imperfections = Imperfections() if imperfections is None else imperfections
        self.seed = seed
        self.fabrication = fabricate(topology, imperfections, seed) if fabrication is None else fabrication
        if self.fabrication.loss_db.shape != (topology.mzis, 4):
            raise ValueError(f"fabrication must be of {topology.mzis} MZIs, got {len(self.fabrication.loss_db)}")
        self.sample_s = sample_s
        self.clock = 0.0
        self.writes = 0
        self.shots = 0
        self.ticks = 0
        self.drift = np.zeros(2 * topology.mzis + topology.modes)
        self._ticked = 0.0
        self._crosstalk = thermal_crosstalk(topology, imperfections)
        self._stretch = phase_stretch(imperfections)
        self._programmed: NDArray[np.float64] | None = None
        self.set_dtype(dtype)

    def set_dtype(self, dtype: DTypeLike) -> None:
        """Compute in another precision from now on: the same chip, with its history and the phases it holds.

        Parameters
        ----------
        dtype : complex64 or complex128
            Of the light.

        Raises
        ------
        TypeError
            When `dtype` is another.
        """
        if np.dtype(dtype) not in (np.complex64, np.complex128):
            raise TypeError(f"dtype must be complex64 or complex128, got {np.dtype(dtype)}")
        self.dtype = np.dtype(dtype)
        self._real = np.empty(0, self.dtype).real.dtype
        made = self.fabrication
        self._coupler_error = (made.coupler_error + coupler_shift(self.imperfections)).astype(self._real)
        self._loss_db = made.loss_db.astype(self._real) if made.loss_db.any() else None
        # What the waveguides between the last MZIs and the outputs transmit, in both directions.
        behind = 10 ** (-made.output_loss_db / 20).astype(self._real)
        self._behind_mesh = behind if made.output_loss_db.any() else None
        self._inside = np.empty((0, self.topology.modes), self.dtype)  # the light behind the modulators, in every pass
        self._settings: Settings | None = None

    def write(self, theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> None:
        """Set the phases [rad]; see `retrolux.hardware.Chip`.

        Raises
        ------
        ValueError
            When a shape does not fit or a phase is not finite.
        """
        self._programmed = program(
            theta,
            phi,
            gamma,
            imperfections=self.imperfections,
            fabrication=self.fabrication,
            crosstalk=self._crosstalk,
            seed=self.seed,
            write=self.writes,
        )
        self.writes += 1
        self.drift[:] = 0
        self._ticked = self.clock
        self._settings = None

    def wait(self, seconds: float) -> None:
        """Let time go by [s]; phases drift."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds must be at least 0 and finite, got {seconds}")
        self.clock += seconds

    def forward(
        self, x: NDArray[Any], *, taps: TapMode = "none", weights: NDArray[Any] | None = None, detect: bool = True
    ) -> Reading:
        """Send light in from the left; see `retrolux.hardware.Chip`."""
        y, readings = self._pass(True, self._modulated(x, None), taps, weights, detect)
        return Reading(self._detected(y, self._behind_mesh), readings)

    def backward(
        self, x: NDArray[Any], *, taps: TapMode = "none", weights: NDArray[Any] | None = None, detect: bool = True
    ) -> Reading:
        """Send light in from the right; see `retrolux.hardware.Chip`."""
        y, readings = self._pass(False, self._modulated(x, self._behind_mesh), taps, weights, detect)
        return Reading(self._detected(y, None), readings)

    def exact_gradients(self, x: NDArray[Any], grad_y: NDArray[Any]) -> AdjointGradients:
        """Return ∂L/∂x and ∂L/∂(written phases) of this chip without noise.

        Dispersion scales the phases and crosstalk mixes them, so both are carried back; quantisation is taken as
        the identity.
        """
        x = np.ascontiguousarray(x, dtype=self.dtype)
        if self._behind_mesh is not None:
            grad_y = grad_y * self._behind_mesh
        grad_y = np.ascontiguousarray(grad_y, dtype=self.dtype)
        met = adjoint(self.topology, self._now(), x, grad_y)
        mixed = self._stretch * self._crosstalk.apply_transposed(np.concatenate([met.theta, met.phi, met.gamma]))
        theta, phi, gamma = np.split(mixed.astype(self._real), np.cumsum([len(met.theta), len(met.phi)]))
        return AdjointGradients(met.x, theta, phi, gamma)

    def state(self) -> dict[str, Any]:
        """Return what a saved chip needs besides its settings: its history, plain numbers and arrays.

        programmed are the phases that light meets before drift, in the order of `Crosstalk`; None before a write.
        """
        return {
            "clock": self.clock,
            "ticked": self._ticked,
            "writes": self.writes,
            "shots": self.shots,
            "ticks": self.ticks,
            "programmed": None if self._programmed is None else self._programmed.copy(),
            "drift": self.drift.copy(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a `state`, with the phases as they were written.

        Raises
        ------
        ValueError
            When the state is of a chip with another number of shifters.
        """
        for name in ("drift", "programmed"):
            phases = state[name]
            if phases is not None and np.shape(phases) != self.drift.shape:
                raise ValueError(f"{name} must have shape {self.drift.shape}, got {np.shape(phases)}")
        self.clock, self._ticked = float(state["clock"]), float(state["ticked"])
        self.writes, self.shots, self.ticks = int(state["writes"]), int(state["shots"]), int(state["ticks"])
        self.drift = np.array(state["drift"], dtype=np.float64)
        programmed = state["programmed"]
        self._programmed = None if programmed is None else np.array(programmed, dtype=np.float64)
        self._settings = None

    def __repr__(self) -> str:
        return f"SimulatedChip({self.topology}, {self.imperfections}, seed={self.seed}, {self.dtype})"

    def _now(self) -> Settings:
        """Return the settings that light meets now."""
        if self._programmed is None:
            raise RuntimeError("write phases before sending light through the chip")
        drifts = self.imperfections.drift_std_per_s > 0
        if drifts and self.clock > self._ticked:
            step = drift_step(
                self.imperfections, self.clock - self._ticked, len(self.drift), seed=self.seed, tick=self.ticks
            )
            self.ticks += 1
            self.drift += step
            self._ticked = self.clock
            self._settings = None
        if self._settings is None:
            mzis = self.topology.mzis
            phases = self._programmed + self.drift
            if self._stretch != 1:
                phases *= self._stretch
            phases = phases.astype(self._real)
            theta, phi, gamma = phases[:mzis], phases[mzis : 2 * mzis], phases[2 * mzis :]
            self._settings = Settings(theta, phi, gamma, self._coupler_error, self._loss_db)
        return self._settings

    def _modulated(self, light: NDArray[Any], transmission: NDArray[Any] | None) -> NDArray[Any]:
        """Return light as it enters the MZIs: with the errors of the modulators, times `transmission` (modes,)."""
        light = np.ascontiguousarray(light, dtype=self.dtype)
        if self._inside.shape != light.shape:
            self._inside = np.empty_like(light)
        return self._disturbed(light, transmission, Stream.INPUT, 0.0, self._inside)

    def _detected(self, y: NDArray[Any], transmission: NDArray[Any] | None) -> NDArray[Any]:
        """Return output amplitudes, times `transmission`, as coherent detectors read them; takes the memory of `y`."""
        y = self._disturbed(y, transmission, Stream.OUTPUT, self.imperfections.detector_noise, y)
        if self.imperfections.adc_bits is not None:
            y = self._converted(y.view(self._real)).view(self.dtype)
        return y

    def _disturbed(
        self,
        light: NDArray[Any],
        transmission: NDArray[Any] | None,
        stream: Stream,
        noise: float,
        disturbed: NDArray[Any],
    ) -> NDArray[Any]:
        """Write disturbed light to `disturbed` and return it; the light itself where nothing disturbs it."""
        amplitude, phase = self.imperfections.io_amplitude_std, np.pi * self.imperfections.io_phase_std
        if not (amplitude or phase or noise) and transmission is None:
            return light
        key = self.seed, stream, Stream.DETECTOR, self.shots
        kernels.disturb(light, disturbed, transmission, amplitude, phase, noise, *key, max_threads())
        return disturbed

    def _pass(
        self, forward: bool, light: NDArray[Any], taps: TapMode, weights: NDArray[Any] | None, detect: bool
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Send light one way; return what comes out, and the noisy tap readings, where they are wanted."""
        settings, threads = self._now(), max_threads()
        layout, mzis = self.topology.layout, self.topology.mzis
        y = np.empty((len(light) if detect else 0, self.topology.modes), self.dtype)
        self.shots += 1
        self.clock += len(light) * self.sample_s
        if taps == "none" and not detect:
            return y, None
        kernel = kernels.forward_taps if forward else kernels.backward_taps
        if taps == "none":
            kernel(layout, settings, light, y, threads=threads)
            return y, None
        if taps == "sum" and self.imperfections.adc_bits is None:
            # The noise of a sum of readings, drawn once: their variances add.
            weight = np.ascontiguousarray(np.ones(len(light)) if weights is None else weights, dtype=self._real)
            total = np.empty((mzis, 2), self._real)
            second = np.empty((mzis, 2), self._real) if self.imperfections.tap_noise else None
            sums = {"weight": weight, "total": total, "second": second}
            kernel(layout, settings, light, y if detect else None, **sums, threads=threads)
            return y, total if second is None else self._noisy(total, second)
        each = np.empty((len(light), mzis, 2), self._real)
        kernel(layout, settings, light, y if detect else None, each=each, threads=threads)
        powers = self._converted(self._noisy(each, each))
        if taps == "each":
            return y, powers
        return y, powers.sum(axis=0) if weights is None else np.einsum("b,bkt->kt", weights, powers)

    def _noisy(self, powers: NDArray[Any], variance: NDArray[Any]) -> NDArray[Any]:
        """Return tap powers with shot noise of the given variance, in units of tap_noise²."""
        noise = self.imperfections.tap_noise
        if not noise:
            return powers
        return with_noise(powers, noise, self.seed, Stream.TAP, self.shots, variance)

    def _converted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return readings after an analog-to-digital converter with range ±1, the total power or its square root."""
        bits = self.imperfections.adc_bits
        if bits is None:
            return values
        levels = 2.0 ** (bits - 1)
        clipped = np.clip(np.rint(values * levels), -levels, levels - 1)
        return np.asarray(clipped / levels, dtype=values.dtype)
