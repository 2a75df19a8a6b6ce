"""From a unitary matrix to the phases of a mesh whose coupler errors are known."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrolux.mesh.nulling import checked_unitary, nulling_order
from retrolux.mesh.phases import wrap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.nulling import Nulling
    from retrolux.mesh.topology import Topology

__all__ = ["Decomposition", "decompose_on"]


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The phases with which an imperfect mesh comes near a unitary, and how near.

    Attributes
    ----------
    theta : ndarray of float64, shape (mzis,)
        Internal phases (rad), in [0, π].
    phi : ndarray of float64, shape (mzis,)
        External phases (rad), in [0, 2π).
    gamma : ndarray of float64, shape (modes,)
        Output phases (rad), in [0, 2π).
    unreachable : ndarray of bool, shape (mzis,)
        The MZIs whose coupler errors keep them from the split they should have.
    error : float
        ‖U_mesh − U‖_F / √modes, what the unreachable MZIs leave.
    """

    theta: NDArray[np.float64]
    phi: NDArray[np.float64]
    gamma: NDArray[np.float64]
    unreachable: NDArray[np.bool_]
    error: float


def decompose_on(
    unitary: ArrayLike, topology: Topology, coupler_error: ArrayLike, *, tolerance: float = 1e-10
) -> Decomposition:
    """Return the phases with which a mesh of known coupler errors performs a unitary as nearly as it can.

    An MZI with coupler errors ε₁, ε₂ crosses no more power than cos²(ε₁ + ε₂) and no less than sin²(ε₁ − ε₂).
    Where all MZIs find their split in this range the mesh performs U exactly. An MZI that does not is set to
    the nearest split (θ = 0 or π); the light it leaves stays in the residual matrix, so that the MZIs stripped
    after it are set for the light that is there (Hamerly et al., Phys. Rev. Applied 18, 024019 (2022), on a
    model instead of the chip). Setting each MZI to the nearest of what it would be in an ideal mesh
    (Bandyopadhyay et al., Optica 8, 1247 (2021)) leaves the error √(2/3) N σ² on average over Haar unitaries,
    for coupler errors of standard deviation σ; uncorrected it is √(2N) σ.

    Parameters
    ----------
    unitary : array_like of complex, shape (modes, modes)
        The matrix U.
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.
    coupler_error : array_like of float, shape (mzis, 2)
        Errors ε₁, ε₂ of the coupling angles (rad), between −π/4 and π/4.
    tolerance : float
        Largest element of |U U† − 1| to accept, and largest element that an MZI may fail to null before it
        counts as unreachable.

    Returns
    -------
    Decomposition

    Raises
    ------
    ValueError
        When the topology is another, `unitary` has the wrong shape, is not finite or is not unitary, or
        `coupler_error` has the wrong shape or range.
    """
    order = nulling_order(topology)
    residual = checked_unitary(unitary, topology, tolerance)
    errors: list[list[float]] = _checked_errors(coupler_error, topology).tolist()

    theta, phi = np.empty((2, topology.mzis))
    unreachable = np.zeros(topology.mzis, dtype=np.bool_)
    from_output = []
    for nulling in order:
        k = nulling.mzi
        strip = _strip_from_input if nulling.from_input else _strip_from_output
        theta[k], phi[k] = strip(residual, nulling, *errors[k])
        unreachable[k] = abs(residual[nulling.row, nulling.column]) > tolerance
        if not nulling.from_input:
            from_output.append(nulling)

    # Between the two sides stands D = diag(e^{iδ}). An MZI of the output side was stripped with its external
    # phase χ behind it, T(θ, φ) = Θ diag(e^{iφ}, 1), and D passes to its left by
    # diag(e^{iχ}, 1) Θ diag(e^{iδ_a}, e^{iδ_b}) = diag(e^{i(χ + δ_b)}, e^{iδ_b}) T(θ, δ_a − δ_b),
    # because Θ commutes with the common phase δ_b, whatever its coupler errors.
    delta = np.angle(np.diagonal(residual))
    left_over = residual - np.diag(np.exp(1j * delta))
    for k, _, row, _ in reversed(from_output):
        chi = phi[k]
        phi[k] = delta[row - 1] - delta[row]
        delta[row - 1] = math.remainder(chi + delta[row], 2 * math.pi)
    return Decomposition(
        theta=theta,
        phi=wrap(phi),
        gamma=wrap(delta),
        unreachable=unreachable,
        error=float(np.linalg.norm(left_over)) / math.sqrt(topology.modes),
    )


def _strip_from_input(
    residual: NDArray[np.complex128], nulling: Nulling, first_error: float, second_error: float
) -> tuple[float, float]:
    """Null an element by residual ← residual T†(θ, φ), as far as the errors allow; return θ, φ."""
    columns = residual[:, nulling.upper : nulling.upper + 2]
    a, b = complex(columns[nulling.row, 0]), complex(columns[nulling.row, 1])
    sine, cosine, through, across = _nearest_mzi(abs(b), abs(a), first_error, second_error)
    phi = _phase_between(-a * through.conjugate(), b * across)  # where a conj(T_aa) + b conj(T_ab) = 0
    shift = cmath.rect(1.0, phi)
    transfer = np.array([[shift * through, across.conjugate()], [shift * across, -through.conjugate()]])
    columns[:] = columns @ (1j * complex(cosine, sine) * transfer).conj().T
    return 2 * math.atan2(sine, cosine), phi


def _strip_from_output(
    residual: NDArray[np.complex128], nulling: Nulling, first_error: float, second_error: float
) -> tuple[float, float]:
    """Null an element by residual ← (diag(e^{iχ}, 1) Θ)† residual, as far as the errors allow; return θ, χ."""
    rows = residual[nulling.upper : nulling.upper + 2]
    a, b = complex(rows[0, nulling.column]), complex(rows[1, nulling.column])
    sine, cosine, through, across = _nearest_mzi(abs(a), abs(b), first_error, second_error)
    chi = _phase_between(a * across, b * through)  # where a conj(e^{iχ} Θ_ab) + b conj(Θ_bb) = 0
    shift = cmath.rect(1.0, chi)
    transfer = np.array([[shift * through, shift * across.conjugate()], [across, -through.conjugate()]])
    rows[:] = (1j * complex(cosine, sine) * transfer).conj().T @ rows
    return 2 * math.atan2(sine, cosine), chi


def _nearest_mzi(
    straight: float, crossed: float, first_error: float, second_error: float
) -> tuple[float, float, complex, complex]:
    """Return the MZI with |T_aa| : |T_ab| as near to straight : crossed as its errors allow.

    Without light, straight = crossed = 0, it is as near to the bar state as they allow. Returned are sin θ/2 and
    cos θ/2, and t and x of T(θ, φ) = i e^{iθ/2} [[t e^{iφ}, x*], [x e^{iφ}, −t*]].
    """
    largest = max(straight, crossed)
    # Scaled first: the norm of subnormals would be coarse.
    straight, crossed = (straight / largest, crossed / largest) if largest > 0 else (1.0, 0.0)
    # With s, c = sin θ/2, cos θ/2 and ε± = ε₂ ± ε₁ the matrices of `convention` multiply out to
    # t = s cos ε₋ + i c sin ε₊,   x = c cos ε₊ + i s sin ε₋,   so s² ∝ |t|² − sin² ε₊ and c² ∝ |x|² − sin² ε₋.
    # Both come before θ: the sine of a rounded θ would let 1e-16 leak through a bar MZI, and there would always be
    # light to null.
    sum_sine, sum_cosine = math.sin(second_error + first_error), math.cos(second_error + first_error)
    difference_sine, difference_cosine = math.sin(second_error - first_error), math.cos(second_error - first_error)
    sine = _root_of_difference(straight * sum_cosine, crossed * abs(sum_sine))
    cosine = _root_of_difference(crossed * difference_cosine, straight * abs(difference_sine))
    norm = math.hypot(sine, cosine)
    sine, cosine = sine / norm, cosine / norm
    through = complex(sine * difference_cosine, cosine * sum_sine)
    across = complex(cosine * sum_cosine, sine * difference_sine)
    return sine, cosine, through, across


def _root_of_difference(larger: float, smaller: float) -> float:
    """Return √(larger² − smaller²), or 0 when that is negative; exactly `larger` where `smaller` is 0."""
    if smaller == 0:
        return larger
    return math.sqrt(max(larger - smaller, 0.0)) * math.sqrt(larger + smaller)


def _phase_between(first: complex, second: complex) -> float:
    """Return arg first − arg second, 0 when one of them is 0 and has no phase."""
    return cmath.phase(first) - cmath.phase(second) if first != 0 and second != 0 else 0.0


def _checked_errors(coupler_error: ArrayLike, topology: Topology) -> NDArray[np.float64]:
    """Return the coupler errors in float64, checked."""
    errors = np.asarray(coupler_error, dtype=np.float64)
    if errors.shape != (topology.mzis, 2):
        raise ValueError(f"coupler_error must have shape (mzis, 2) = {(topology.mzis, 2)}, got {errors.shape}")
    outside = errors[~(np.abs(errors) < np.pi / 4)]
    if outside.size:
        raise ValueError(f"coupler_error must be between −π/4 and π/4 rad, got {outside[0]}")
    return errors
