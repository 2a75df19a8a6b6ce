"""From unitary matrices to the phases of the meshes that perform them, coupler errors known or none.

MZIs are stripped from a unitary one by one, each by nulling an element of what is left, the residual, until a diagonal
of phases remains. One matrix and a stack of them take the same way: with the functions of numbers or of arrays.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrolux.mesh.nulling import checked_unitary, nulling_order
from retrolux.mesh.phases import wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.nulling import Nulling
    from retrolux.mesh.topology import Topology

__all__ = ["Decomposition", "decompose", "decompose_many", "decompose_on"]

# Matrices that are worked on side by side take about this much memory: a second-level cache.
_BYTES = 2**21


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


def decompose(
    unitary: ArrayLike, topology: Topology, *, tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases with which an ideal mesh performs a unitary, y = U x.

    For ``triangular(n)`` MZIs are stripped from the input side (Reck et al., Phys. Rev. Lett. 73, 58 (1994)), for
    ``rectangular(n)`` from both sides in turn, after which the diagonal is moved to the output (Clements et al., Optica
    3, 1460 (2016)). An MZI that finds no light to null is stripped in the bar state with φ = 0.
    For a mesh with known coupler errors use `decompose_on`.

    Parameters
    ----------
    unitary : array_like of complex, shape (modes, modes)
        The matrix U.
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.
    tolerance : float
        Largest element of |U U† − 1| to accept. The mesh reproduces U as closely as U is unitary.

    Returns
    -------
    theta : ndarray of float64, shape (mzis,)
        Internal phases (rad), in [0, π].
    phi : ndarray of float64, shape (mzis,)
        External phases (rad), in [0, 2π).
    gamma : ndarray of float64, shape (modes,)
        Output phases (rad), in [0, 2π).

    Raises
    ------
    ValueError
        When the topology is another, or `unitary` has the wrong shape, is not finite or is not unitary.
    """
    ideal = decompose_on(unitary, topology, np.zeros((topology.mzis, 2)), tolerance=tolerance)
    return ideal.theta, ideal.phi, ideal.gamma


def decompose_many(
    unitaries: ArrayLike, topology: Topology, *, tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases with which ideal meshes of one topology perform unitaries, each as `decompose` does.

    Parameters
    ----------
    unitaries : array_like of complex, shape (…, modes, modes)
        The matrices U, y = U x. There may be none.
    topology : Topology
        A mesh equal to ``rectangular(n)`` or ``triangular(n)``.
    tolerance : float
        Largest element of |U U† − 1| to accept.

    Returns
    -------
    theta, phi : ndarray of float64, shape (…, mzis)
        Internal phases in [0, π] and external phases in [0, 2π) (rad).
    gamma : ndarray of float64, shape (…, modes)
        Output phases in [0, 2π) (rad).

    Raises
    ------
    ValueError
        When the topology is another, or a matrix has the wrong shape, is not finite or is not unitary.
    """
    order = nulling_order(topology)
    wanted = np.asarray(unitaries, dtype=np.complex128)
    n = topology.modes
    if wanted.shape[-2:] != (n, n):
        raise ValueError(f"unitaries must have shape (…, modes, modes) = (…, {n}, {n}), got {wanted.shape}")
    stack = wanted.shape[:-2]
    theta, phi = np.empty((2, *stack, topology.mzis))
    gamma = np.empty((*stack, n))
    rows = [phase.reshape(math.prod(stack), phase.shape[-1]) for phase in (theta, phi, gamma)]
    checked = [checked_unitary(unitary, topology, tolerance) for unitary in wanted.reshape(-1, n, n)]
    side_by_side = max(1, _BYTES // (16 * n * n))
    ideal = [(0.0, 0.0)] * topology.mzis
    for first in range(0, len(checked), side_by_side):
        some = slice(first, first + side_by_side)
        *phases, _ = _strip(np.stack(checked[some], axis=-1), order, ideal, _ARRAYS)
        for row, found in zip(rows, phases, strict=True):
            row[some] = found.T
    return theta, phi, gamma


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
    errors = _checked_errors(coupler_error, topology).tolist()
    theta, phi, gamma, left = _strip(residual, order, errors, _NUMBERS)
    left_over = residual - np.diag(np.exp(1j * np.angle(np.diagonal(residual))))
    return Decomposition(
        theta=theta,
        phi=phi,
        gamma=gamma,
        unreachable=np.abs(left) > tolerance,
        error=float(np.linalg.norm(left_over)) / math.sqrt(topology.modes),
    )


class _Functions(NamedTuple):
    """Elementary functions of numbers, or of arrays."""

    value: Callable[[Any], Any]
    maximum: Callable[[Any, Any], Any]
    hypot: Callable[[Any, Any], Any]
    sqrt: Callable[[Any], Any]
    arctan2: Callable[[Any, Any], Any]
    phase: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]


# NumPy has these too, but takes longer for one number.
_NUMBERS = _Functions(
    complex, max, math.hypot, math.sqrt, math.atan2, cmath.phase, lambda condition, yes, no: yes if condition else no
)
_ARRAYS = _Functions(np.asarray, np.maximum, np.hypot, np.sqrt, np.arctan2, np.angle, np.where)


def _strip(
    residual: NDArray[np.complex128], order: list[Nulling], errors: Sequence[Sequence[float]], of: _Functions
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128]]:
    """Strip the MZIs from a residual matrix, shape (modes, modes), or from a stack, (modes, modes, stack), in place.

    Returns
    -------
    theta, phi : ndarray of float64, shape (mzis, …)
    gamma : ndarray of float64, shape (modes, …)
    left : ndarray of complex128, shape (mzis, …)
        What each MZI could not null.
    """
    stack = residual.shape[2:]
    theta, phi = np.empty((2, len(order), *stack))
    left = np.empty((len(order), *stack), dtype=np.complex128)
    for k, from_input, row, column in order:
        if from_input:  # residual ← residual T†(θ, φ)
            upper, lower = residual[:, column], residual[:, column + 1]
            a, b = of.value(upper[row]), of.value(lower[row])
            sine, cosine, through, across = _nearest_mzi(abs(b), abs(a), errors[k], of)
            angle = _phase_between(-a * through.conjugate(), b * across, of)  # where a conj(T_aa) + b conj(T_ab) = 0
            to_upper, to_lower = across, across.conjugate()
        else:  # residual ← (diag(e^{iχ}, 1) Θ)† residual
            upper, lower = residual[row - 1], residual[row]
            a, b = of.value(upper[column]), of.value(lower[column])
            sine, cosine, through, across = _nearest_mzi(abs(a), abs(b), errors[k], of)
            angle = _phase_between(a * across, b * through, of)  # where a conj(e^{iχ} Θ_ab) + b conj(Θ_bb) = 0
            to_upper, to_lower = across.conjugate(), across
        theta[k], phi[k] = 2 * of.arctan2(sine, cosine), angle
        common = -1j * (cosine - 1j * sine)
        shifted = upper * (common * np.exp(-1j * angle))
        lower_before = common * lower
        upper[:] = through.conjugate() * shifted + to_upper * lower_before
        lower[:] = to_lower * shifted - through * lower_before
        left[k] = residual[row, column]

    # Between the two sides stands D = diag(e^{iδ}). An MZI of the output side was stripped with its external
    # phase χ behind it, T(θ, φ) = Θ diag(e^{iφ}, 1), and D passes to its left by
    # diag(e^{iχ}, 1) Θ diag(e^{iδ_a}, e^{iδ_b}) = diag(e^{i(χ + δ_b)}, e^{iδ_b}) T(θ, δ_a − δ_b),
    # because Θ commutes with the common phase δ_b, whatever its coupler errors.
    modes = np.arange(len(residual))
    delta = np.angle(residual[modes, modes])
    for k, from_input, row, _ in reversed(order):
        if not from_input:
            chi = phi[k].copy()
            phi[k] = delta[row - 1] - delta[row]
            delta[row - 1] = np.remainder(chi + delta[row], 2 * np.pi)
    return theta, wrap(phi), wrap(delta), left


def _nearest_mzi(straight: Any, crossed: Any, errors: Sequence[float], of: _Functions) -> tuple[Any, Any, Any, Any]:
    """Return the MZI with |T_aa| : |T_ab| as near to straight : crossed as its errors allow.

    Without light, straight = crossed = 0, it is as near to the bar state as they allow. Returned are sin θ/2 and
    cos θ/2, and t and x of T(θ, φ) = i e^{iθ/2} [[t e^{iφ}, x*], [x e^{iφ}, −t*]].
    """
    largest = of.maximum(straight, crossed)
    dark = largest == 0
    # Scaled first: the norm of subnormals would be coarse.
    scale = of.where(dark, 1.0, largest)
    sine, cosine = of.where(dark, 1.0, straight / scale), crossed / scale
    first_error, second_error = errors
    ideal = first_error == 0 and second_error == 0
    if not ideal:
        # With s, c = sin θ/2, cos θ/2 and ε± = ε₂ ± ε₁ the matrices of `convention` multiply out to
        # t = s cos ε₋ + i c sin ε₊,   x = c cos ε₊ + i s sin ε₋,   so s² ∝ |t|² − sin² ε₊ and c² ∝ |x|² − sin² ε₋.
        # Both come before θ: the sine of a rounded θ would let 1e-16 leak through a bar MZI, and there would always be
        # light to null.
        plus, minus = second_error + first_error, second_error - first_error
        sine, cosine = (
            _leg(sine * math.cos(plus), cosine * abs(math.sin(plus)), of),
            _leg(cosine * math.cos(minus), sine * abs(math.sin(minus)), of),
        )
    norm = of.hypot(sine, cosine)
    sine, cosine = sine / norm, cosine / norm
    if ideal:
        return sine, cosine, sine, cosine
    through = sine * math.cos(minus) + 1j * (cosine * math.sin(plus))
    across = cosine * math.cos(plus) + 1j * (sine * math.sin(minus))
    return sine, cosine, through, across


def _leg(hypotenuse: Any, other: Any, of: _Functions) -> Any:
    """Return √(hypotenuse² − other²), or 0 when that is negative; exactly the hypotenuse where the other leg is 0."""
    rest = of.sqrt(of.maximum(hypotenuse - other, 0.0)) * of.sqrt(hypotenuse + other)
    return of.where(other == 0, hypotenuse, rest)


def _phase_between(first: Any, second: Any, of: _Functions) -> Any:
    """Return arg first − arg second, 0 where one of them is 0 and has no phase."""
    return of.where((first != 0) & (second != 0), of.phase(first) - of.phase(second), 0.0)


def _checked_errors(coupler_error: ArrayLike, topology: Topology) -> NDArray[np.float64]:
    """Return the coupler errors in float64, checked."""
    errors = np.asarray(coupler_error, dtype=np.float64)
    if errors.shape != (topology.mzis, 2):
        raise ValueError(f"coupler_error must have shape (mzis, 2) = {(topology.mzis, 2)}, got {errors.shape}")
    outside = errors[~(np.abs(errors) < np.pi / 4)]
    if outside.size:
        raise ValueError(f"coupler_error must be between −π/4 and π/4 rad, got {outside[0]}")
    return errors
