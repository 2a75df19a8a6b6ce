"""What the imperfections of a chip mean for a mesh, in words and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.crosstalk import thermal_crosstalk
from retrolux.hardware.fabrication import arm_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrolux.hardware.imperfections import Imperfections
    from retrolux.mesh import Topology

__all__ = ["explain", "loss_gradient_error", "tap_gradient_error"]

_NEPER_PER_DB = math.log(10) / 20  # of amplitude


def explain(imperfections: Imperfections, topology: Topology) -> str:
    """Say in words and numbers what imperfections mean for a mesh.

    Every imperfection is taken alone, to its first order. ‖ΔU‖/√N is the Frobenius distance between the matrix of
    the chip and the ideal one over that of the ideal one, √N. The error of a gradient is ε = 1 − cosine between the
    measured and the exact one, for Haar-random phases and inputs of unit power. The laws:

    * an error σ of each phase gives ‖ΔU‖/√N = √((2·mzis + N)/N) σ, which is √N σ for N(N − 1)/2 MZIs; an error σ of
      each coupling angle gives √(4·mzis/N) σ ≈ √(2N) σ: the errors of all elements, each of which moves one mode
      or two, add in square;
    * tap noise: `tap_gradient_error`; loss: `loss_gradient_error`;
    * random loss: a spread δ = (ln 10/20)·dB of the amplitude of each arm turns the exact gradient from that of the
      ideal mesh by ε ≈ 1.15 N δ² in triangular meshes with N ≥ 16; the mean loss does so too where some paths meet
      more MZIs than others;
    * coupler errors: an MZI set to cross leaks sin²(ε₁ + ε₂) of the power, (1 − e^(−4σ²))/2 on average.

    Parameters
    ----------
    imperfections : Imperfections
        What is wrong.
    topology : Topology
        The mesh.

    Returns
    -------
    str
        A headline and one line for each imperfection that acts.
    """
    size = f"{topology.modes} modes, {topology.mzis} MZIs in {topology.depth} columns"
    if imperfections.is_ideal:
        return f"{topology.name} mesh ({size}): nothing is wrong with this chip"
    lines = [f"{topology.name} mesh ({size})"]
    for family in (_couplers, _loss, _phases, _crosstalk, _drift, _inputs_and_outputs, _detectors, _dispersion):
        lines += [f"  {line}" for line in family(imperfections, topology)]
    return "\n".join(lines)


def tap_gradient_error(tap_noise: float, modes: int) -> tuple[float, float]:
    """Return the error that tap noise s gives an in-situ gradient of one sample.

    The taps of N modes carry 1/N of the power on average, and both the gradient and its noise are sums over them:
    ε = 1 − 1/√(1 + 2Ns²) ≈ Ns² for three measurements, and 1 − 1/√(1 + Ns²/2) ≈ Ns²/4 for sum and difference,
    where nothing is subtracted but equals (Pai et al., Science 380, 398 (2023), for the two protocols). The passes
    with the sum are those of two inputs of unit power on top of each other; scaling them down to unit power too and
    the readings back up makes it 1.5 times and twice as much.

    Parameters
    ----------
    tap_noise : float ≥ 0
        s in p + s √p n.
    modes : int
        N.

    Returns
    -------
    three_measurement, sum_difference : float
        ε = 1 − cosine.
    """
    strength = modes * tap_noise * tap_noise
    return -math.expm1(-math.log1p(2 * strength) / 2), -math.expm1(-math.log1p(strength / 2) / 2)


def loss_gradient_error(total_db: float) -> tuple[float, float]:
    """Return the error that uniform loss gives an in-situ gradient of one sample.

    On a chip that loses the part 1 − e^(−A) of the power, spread evenly over its length, let a tap sit at the
    fraction u of the length. The adjoint light a comes back from the left weaker by e^(−Au) in amplitude than it
    went out: sum and difference measure e^(−Au) times the exact gradient, three measurements moreover leave
    (e^(−2Au) − 1)|a|²/2. With independent Gaussian fields (E|a|⁴ = 2(E|a|²)²) and means ⟨ ⟩ over u from 0 to 1 the
    cosines are ⟨e^(−Au)⟩ / √(⟨e^(−2Au)⟩ + 4 e^(−A) ⟨sinh² Au⟩) and ⟨e^(−Au)⟩ / √⟨e^(−2Au)⟩.

    Parameters
    ----------
    total_db : float ≥ 0
        Loss from end to end (dB), A = (ln 10/10) · total_db.

    Returns
    -------
    three_measurement, sum_difference : float
        ε = 1 − cosine.
    """
    if total_db == 0:
        return 0.0, 0.0
    total = 2 * _NEPER_PER_DB * total_db
    mean, square = -math.expm1(-total) / total, -math.expm1(-2 * total) / (2 * total)
    # e^(−A) times the sum under the first root, which has no term that overflows.
    left = square * math.exp(-total) - math.expm1(-4 * total) / (2 * total) - 2 * math.exp(-2 * total)
    three, sum_difference = mean * math.exp(-total / 2) / math.sqrt(left), mean / math.sqrt(square)
    return max(0.0, 1 - three), max(0.0, 1 - sum_difference)


def _couplers(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    std = imperfections.coupler_std
    leak = -math.expm1(-4 * std * std) / 2
    if leak > 0:
        yield (
            f"couplers: {std:.4g} rad, ‖ΔU‖/√N ≈ {math.sqrt(4 * topology.mzis / topology.modes) * std:.3g}; "
            f"extinction of the cross state {-10 * math.log10(leak):.1f} dB (it leaks {leak:.2g} of the power)"
        )


def _loss(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    mean, spread = arm_loss(imperfections)
    column = imperfections.column_loss_db
    if mean > 0 or column > 0:
        path = topology.longest_path
        longest = 2 * mean * path + column * topology.depth
        yield (
            f"loss: {longest:.3g} dB on the longest path, {path} MZIs of {2 * mean:.3g} dB and "
            f"{topology.depth} columns of {column:.3g} dB"
        )
        # A mode meets 2·mzis/modes MZIs on average.
        average = 4 * mean * topology.mzis / topology.modes + column * topology.depth
        three, sum_difference = loss_gradient_error(average)
        yield (
            f"loss in situ: {average:.3g} dB on average, gradient error ε ≈ {three:.2g} (three measurements), "
            f"{sum_difference:.2g} (sum/difference), unless it is corrected"
        )
    if spread > 0:
        turned = 1.15 * topology.modes * _NEPER_PER_DB * spread * _NEPER_PER_DB * spread
        yield f"spread of the loss: {spread:.3g} dB per arm turns the exact gradient by ε ≈ {turned:.2g}"


def _phases(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    growth = math.sqrt((2 * topology.mzis + topology.modes) / topology.modes)
    for meaning, std in (
        ("phase offsets", imperfections.phase_offset_std),
        ("phase write error", imperfections.phase_std),
    ):
        if std > 0:
            yield f"{meaning}: {std:.4g} rad, ‖ΔU‖/√N ≈ {growth * std:.3g}"
    if imperfections.phase_bits is not None:
        levels = 2**imperfections.phase_bits
        step = 2 * math.pi / levels
        rms = step / math.sqrt(12)
        yield (
            f"phase quantisation: {levels} levels, {step:.3g} rad apart: {rms:.2g} rad rms, "
            f"‖ΔU‖/√N ≈ {growth * rms:.2g}"
        )


def _crosstalk(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    if imperfections.crosstalk > 0:
        received = thermal_crosstalk(topology, imperfections).apply(np.ones(2 * topology.mzis + topology.modes)) - 1
        yield (
            f"crosstalk: {imperfections.crosstalk:.3g} rad per rad of the nearest neighbour; "
            f"with all shifters at π they receive {math.pi * received.mean():.2g} rad on average, "
            f"{math.pi * received.max():.2g} at most"
        )


def _drift(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    std = imperfections.drift_std_per_s
    if std > 0:
        growth = math.sqrt((2 * topology.mzis + topology.modes) / topology.modes)
        yield (f"drift: {std:.2g} rad after 1 s, {60 * std:.2g} rad after 1 h, when ‖ΔU‖/√N ≈ {60 * growth * std:.2g}")


def _inputs_and_outputs(imperfections: Imperfections, _: Topology) -> Iterator[str]:
    if imperfections.io_amplitude_std > 0:
        yield f"inputs and outputs: amplitudes off by {100 * imperfections.io_amplitude_std:.3g} %"
    if imperfections.io_phase_std > 0:
        radians = math.pi * imperfections.io_phase_std
        yield f"inputs and outputs: phases off by {radians:.3g} rad ({math.degrees(radians):.3g}°)"


def _detectors(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    modes = topology.modes
    if imperfections.tap_noise > 0:
        three, sum_difference = tap_gradient_error(imperfections.tap_noise, modes)
        yield (
            f"tap noise: {imperfections.tap_noise:.3g}, gradient error of one sample ε ≈ {three:.2g} "
            f"(three measurements), {sum_difference:.2g} (sum/difference), 1.5 and 2 times that if the sums are sent "
            "at unit power too"
        )
    if imperfections.detector_noise > 0:
        # An output carries 1/N of the power on average.
        relative = 100 * imperfections.detector_noise * math.sqrt(modes)
        yield f"detector noise: {imperfections.detector_noise:.3g}, {relative:.3g} % of an average output amplitude"
    if imperfections.adc_bits is not None:
        yield f"converters: {2**imperfections.adc_bits} levels from −1 to 1"


def _dispersion(imperfections: Imperfections, _: Topology) -> Iterator[str]:
    detuning = imperfections.detuning_nm
    coupler, phase = detuning * imperfections.coupler_dispersion, detuning * imperfections.phase_dispersion
    if coupler != 0 or phase != 0:
        yield (
            f"detuning: {detuning:.3g} nm turns every coupling angle by {coupler:.3g} rad and every phase of π by "
            f"{math.pi * phase:.3g} rad"
        )
