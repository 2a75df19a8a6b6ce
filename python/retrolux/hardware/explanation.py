"""What the imperfections of a chip mean for a mesh, in words and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.crosstalk import thermal_crosstalk
from retrolux.hardware.error_laws import (
    coupler_matrix_error,
    loss_gradient_error,
    loss_law,
    phase_matrix_error,
    tap_gradient_error,
)
from retrolux.hardware.fabrication import arm_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrolux.hardware.imperfections import Imperfections
    from retrolux.mesh import Topology

__all__ = ["explain"]


def explain(imperfections: Imperfections, topology: Topology) -> str:
    """Say in words and numbers what imperfections mean for a mesh.

    Every imperfection is taken alone, to its first order. ‖ΔU‖/√N is the Frobenius distance between the matrix of
    the chip and the ideal one over that of the ideal one, √N. The error of a gradient is ε = 1 − cosine between the
    measured and the exact one, for Haar-random phases and inputs of unit power. The laws are those of
    `retrolux.hardware.error_laws`, and one more: an MZI set to cross leaks sin²(ε₁ + ε₂) of the power, where its
    couplers are wrong by ε₁ and ε₂, (1 − e^(−4σ²))/2 on average. The mean loss turns the gradient too where some paths
    meet more MZIs than others.

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


def _couplers(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    std = imperfections.coupler_std
    leak = -math.expm1(-4 * std * std) / 2
    if leak > 0:
        yield (
            f"couplers: {std:.4g} rad, ‖ΔU‖/√N ≈ {coupler_matrix_error(topology, std):.3g}; "
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
        turned = float(loss_law(topology.modes, spread))
        yield f"spread of the loss: {spread:.3g} dB per arm turns the exact gradient by ε ≈ {turned:.2g}"


def _phases(imperfections: Imperfections, topology: Topology) -> Iterator[str]:
    for meaning, std in (
        ("phase offsets", imperfections.phase_offset_std),
        ("phase write error", imperfections.phase_std),
    ):
        if std > 0:
            yield f"{meaning}: {std:.4g} rad, ‖ΔU‖/√N ≈ {phase_matrix_error(topology, std):.3g}"
    if imperfections.phase_bits is not None:
        levels = 2**imperfections.phase_bits
        step = 2 * math.pi / levels
        rms = step / math.sqrt(12)
        yield (
            f"phase quantisation: {levels} levels, {step:.3g} rad apart: {rms:.2g} rad rms, "
            f"‖ΔU‖/√N ≈ {phase_matrix_error(topology, rms):.2g}"
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
        distance = phase_matrix_error(topology, 60 * std)
        yield f"drift: {std:.2g} rad after 1 s, {60 * std:.2g} rad after 1 h, when ‖ΔU‖/√N ≈ {distance:.2g}"


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
