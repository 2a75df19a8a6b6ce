"""Laws of how errors grow with the size of a mesh: of measured gradients, and of the matrix of a chip.

ε = 1 − cosine between a measured and the exact gradient, for Haar-random phases and inputs of unit power; ‖ΔU‖/√N is
the Frobenius distance between two matrices over that of a unitary one. The setting is that of Pai et al., Science 380,
398 (2023). `retrolux.study.law_measurement` measures them on simulated chips.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh import Topology

__all__ = [
    "coupler_matrix_error",
    "loss_gradient_error",
    "loss_law",
    "matrix_law",
    "phase_matrix_error",
    "tap_gradient_error",
    "tap_law",
]

_NEPER_PER_DB = math.log(10) / 20  # of amplitude


def tap_law(method: str, modes: ArrayLike, tap_noise: ArrayLike) -> NDArray[np.float64]:
    """Return ε of tap noise s: N s² for ``"three_measurement"``, N s²/4 for ``"sum_difference"``, while it is small."""
    strength = np.asarray(modes) * np.square(tap_noise)
    return np.asarray(strength if method == "three_measurement" else strength / 4, dtype=np.float64)


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
    three, sum_difference = (tap_law(method, modes, tap_noise) for method in ("three_measurement", "sum_difference"))
    return -math.expm1(-math.log1p(2 * three) / 2), -math.expm1(-math.log1p(2 * sum_difference) / 2)


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


def loss_law(modes: ArrayLike, loss_db_std: ArrayLike) -> NDArray[np.float64]:
    """Return by what ε a random loss turns the exact gradient: 1.15 N δ², δ = (ln 10/20) σ, for σ in dB and N ≥ 16."""
    return np.asarray(1.15 * np.asarray(modes) * np.square(_NEPER_PER_DB * np.asarray(loss_db_std)), dtype=np.float64)


def matrix_law(cause: str, modes: ArrayLike, std: ArrayLike) -> NDArray[np.float64]:
    """Return ‖ΔU‖/√N for errors of size σ (rad): √(2N) σ for ``"couplers"``, √N σ for ``"phases"``.

    These are `coupler_matrix_error` and `phase_matrix_error` of large meshes with N(N − 1)/2 MZIs.
    """
    per_mode = 2 if cause == "couplers" else 1
    return np.asarray(np.sqrt(per_mode * np.asarray(modes)) * np.asarray(std), dtype=np.float64)


def coupler_matrix_error(topology: Topology, std: float) -> float:
    """Return ‖ΔU‖/√N for an error (rad) of each coupling angle: each moves two modes, and they add in square."""
    return math.sqrt(4 * topology.mzis / topology.modes) * std


def phase_matrix_error(topology: Topology, std: float) -> float:
    """Return ‖ΔU‖/√N for an error (rad) of each phase, γ too: each moves one mode, and they add in square."""
    return math.sqrt((2 * topology.mzis + topology.modes) / topology.modes) * std
