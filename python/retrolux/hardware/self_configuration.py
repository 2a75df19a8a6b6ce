"""Programs a matrix on a chip of unknown errors, from the powers at its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.tomography import measure_matrix
from retrolux.mesh.nulling import checked_unitary, nulling_order
from retrolux.mesh.phases import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from retrolux.hardware.chip import Chip
    from retrolux.mesh.nulling import Nulling

__all__ = ["SelfConfiguration", "self_configure"]

_SETTINGS = 2 * np.pi / 3 * np.arange(3)  # three settings of θ determine a sinusoid
_ROUNDING = 1e-9  # of a cosine; what exceeds 1 by more is out of reach


@dataclass(frozen=True, eq=False)
class SelfConfiguration:
    """The phases that a chip was left with, and what it took to find them.

    Attributes
    ----------
    theta, phi : ndarray of float64, shape (mzis,)
        Internal and external phases (rad), in [0, 2π).
    gamma : ndarray of float64, shape (modes,)
        Output phases (rad), in [0, 2π).
    unreachable : ndarray of bool, shape (mzis,)
        The MZIs that reach the wanted split at no θ; they are set as near to it as they come.
    shots : int
        Samples of light that were sent.
    """

    theta: NDArray[np.float64]
    phi: NDArray[np.float64]
    gamma: NDArray[np.float64]
    unreachable: NDArray[np.bool_]
    shots: int


def self_configure(chip: Chip, unitary: ArrayLike, *, tolerance: float = 1e-10) -> SelfConfiguration:
    """Program a matrix on a chip whose errors are unknown, from output powers only.

    The MZIs are set one after another in the order of `decompose`, and each nulls the same element of the target as
    there. The light for this is prepared at the inputs as if the MZIs before were ideal: those that are set already
    differ from ideal ones by phases only, which the next external phase takes up. Coupler errors and phase offsets
    need not be known. Two errors remain: splits that an MZI cannot reach (`SelfConfiguration.unreachable`), and thermal
    crosstalk, which changes the MZIs that are set already. Three settings of θ are enough for an MZI, because the
    powers and the interference of its two ports are sinusoids in θ. At last the relative phases of the outputs are
    set, with light sent backwards as well.

    * ``triangular(n)``: the light of an MZI is nulled at a detector, as by Miller, Opt. Express 21, 6360 (2013), and
      Hamerly et al., Phys. Rev. Applied 18, 024018 (2022). 12 shots per MZI and 2 n² at the end.
    * ``rectangular(n)``: every other diagonal is nulled in a superposition of outputs (Hamerly et al., Phys. Rev.
      Applied 18, 024019 (2022)), which one power cannot show; the matrix is measured instead (`measure_matrix`).
      6 n² shots per MZI and 2 n² at the end.

    The first phases written are all 0, the cross state of an MZI without phase offset. The further the offsets move the
    MZIs away from it, the less light arrives, and the more noise counts.

    Parameters
    ----------
    chip : Chip
        Its phases are overwritten; it is left with those returned. Light is sent at unit power.
    unitary : array_like of complex, shape (modes, modes)
        The matrix U. The chip comes to perform e^{iα} U: no power depends on α, nor on a phase between blocks when
        U falls into blocks.
    tolerance : float
        Largest element of |U U† − 1| to accept, and the amplitude below which a port counts as dark in the target.

    Returns
    -------
    SelfConfiguration

    Raises
    ------
    ValueError
        When the chip's topology does not equal ``rectangular(n)`` or ``triangular(n)``, or `unitary` has the wrong
        shape, is not finite or is not unitary.
    RuntimeError
        When the powers do not depend on a θ at all: no light arrives.
    """
    topology = chip.topology
    order = nulling_order(topology)
    target = checked_unitary(unitary, topology, tolerance)
    one_sided = all(nulling.from_input for nulling in order)

    theta, phi = np.zeros((2, topology.mzis))
    gamma = np.zeros(topology.modes)
    unreachable = np.zeros(topology.mzis, dtype=np.bool_)
    shots = 0
    # The chip is left · (MZIs still to be set) · inputs†, and so is the target, up to phases between the factors.
    inputs, left = np.eye(topology.modes, dtype=np.complex128), np.eye(topology.modes, dtype=np.complex128)
    from_output: list[Nulling] = []
    for nulling in order:
        k, ports = nulling.mzi, [nulling.upper, nulling.upper + 1]
        wanted = _at_ports(left.conj().T @ target @ inputs, nulling)
        strength = np.linalg.norm(wanted)
        # Any split serves where the target has no light; every MZI reaches one half.
        wanted = wanted / strength if strength > tolerance else np.full(2, np.sqrt(0.5))

        readings = []
        for setting in _SETTINGS:
            theta[k] = setting
            chip.write(theta, phi, gamma)
            if one_sided:
                readings.append(_coherence_at_detector(chip, inputs[:, ports], nulling.row))
                shots += 4
            else:
                light = _at_ports(left.conj().T @ measure_matrix(chip) @ inputs, nulling)
                readings.append(np.outer(light, light.conj()))
                shots += 2 * topology.modes**2
        theta[k], turn, unreachable[k] = _settle(np.stack(readings), wanted, k)

        a, b = wanted
        if nulling.from_input:
            phi[k] += turn
            inputs[:, ports] = inputs[:, ports] @ np.array([[b, a.conj()], [-a, b.conj()]])
        else:
            behind = np.zeros(topology.modes)
            behind[nulling.upper] = turn
            _carry_to_output(behind, reversed(from_output), phi, gamma)
            left[:, ports] = left[:, ports] @ np.array([[a, -b.conj()], [b, a.conj()]])
            from_output.append(nulling)

    chip.write(theta, phi, gamma)
    measured = np.diagonal(left.conj().T @ measure_matrix(chip) @ inputs)
    between = np.angle(np.diagonal(left.conj().T @ target @ inputs) * measured.conj())
    _carry_to_output(between, reversed(from_output), phi, gamma)
    theta, phi, gamma = (wrap(phase) for phase in (theta, phi, gamma))
    chip.write(theta, phi, gamma)
    return SelfConfiguration(theta, phi, gamma, unreachable, shots + 2 * topology.modes**2)


def _at_ports(matrix: NDArray[np.complex128], nulling: Nulling) -> NDArray[np.complex128]:
    """Return the two elements of a matrix at the upper and the lower port of an MZI, on the side it is nulled from."""
    ports = slice(nulling.upper, nulling.upper + 2)
    return matrix[nulling.row, ports] if nulling.from_input else matrix[ports, nulling.column]


def _coherence_at_detector(chip: Chip, lights: NDArray[np.complex128], detector: int) -> NDArray[np.complex128]:
    """Return z_i z_k* of the fields z at one output of two inputs, shape (2, 2), from powers.

    `lights` has shape (modes, 2). Each is sent alone, then both in phase and with a quarter turn between.
    """
    first, second = lights.T
    sent = np.stack([first, second, (first + second) / np.sqrt(2), (first + 1j * second) / np.sqrt(2)])
    one, two, in_phase, quarter = np.abs(chip.forward(sent).output[:, detector].astype(np.complex128)) ** 2
    product = in_phase + 1j * quarter - (1 + 1j) / 2 * (one + two)
    return np.array([[one, product], [product.conjugate(), two]])


def _settle(
    readings: NDArray[np.complex128], wanted: NDArray[np.complex128], mzi: int
) -> tuple[float, float, np.bool_]:
    """Return the θ at which two ports have the wanted powers, and the phase that the upper one then lacks.

    `readings` are z_i z_k* of the fields at the ports for each of the three settings, shape (3, 2, 2). The third
    value is true when no θ has the wanted powers.
    """
    constant = readings.mean(axis=0)
    harmonic = np.tensordot(np.exp(-1j * _SETTINGS), readings, axes=1) / 3
    share_a, share_b = np.abs(wanted) ** 2
    # share_b |z_a|² − share_a |z_b|² = offset + 2 Re(slope e^{iθ})
    offset = (share_b * constant[0, 0] - share_a * constant[1, 1]).real
    slope = share_b * harmonic[0, 0] - share_a * harmonic[1, 1]
    if slope == 0:
        raise RuntimeError(f"the powers must depend on theta of MZI {mzi}, got no light at any of three settings")
    cosine = -offset / (2 * np.abs(slope))
    theta = np.arccos(np.clip(cosine, -1, 1)) - np.angle(slope)
    # z_a z_b* = constant + harmonic e^{iθ} + (its Hermitian partner) e^{−iθ}
    turn = np.exp(1j * theta)
    product = constant[0, 1] + harmonic[0, 1] * turn + harmonic[1, 0].conj() * turn.conj()
    lacks = np.angle(wanted[0] * wanted[1].conj() * product.conj())
    return theta, lacks, np.abs(cosine) > 1 + _ROUNDING


def _carry_to_output(
    phase: NDArray[np.float64], nullings: Iterable[Nulling], phi: NDArray[np.float64], gamma: NDArray[np.float64]
) -> None:
    """Add a phase per mode in front of MZIs of the output side, the nearest first, by means of φ and γ behind it.

    An MZI commutes with a common phase of its ports: that of the lower port passes, and φ takes the difference.
    """
    for nulling in nullings:
        upper, lower = nulling.upper, nulling.upper + 1
        phi[nulling.mzi] += phase[upper] - phase[lower]
        phase[upper] = phase[lower]
    gamma += phase
