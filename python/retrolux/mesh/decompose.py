"""From a unitary matrix to the phases of a mesh that performs it."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import numpy as np

from retrolux.mesh.builders import rectangular, triangular

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.mesh.topology import Topology

__all__ = ["decompose"]


def decompose(
    unitary: ArrayLike, topology: Topology, *, tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases with which a mesh performs a unitary, y = U x.

    MZIs are stripped from U by nulling one element each, until a diagonal of phases is left: for
    ``triangular(n)`` from the input side (Reck et al., Phys. Rev. Lett. 73, 58 (1994)), for
    ``rectangular(n)`` from both sides in turn, after which the diagonal is moved to the output (Clements et
    al., Optica 3, 1460 (2016)). An MZI that finds no light to null is stripped in the bar state with φ = 0.

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
    n = topology.modes
    strip = {rectangular(n): _strip_rectangular, triangular(n): _strip_triangular}.get(topology)
    if strip is None:
        raise ValueError(f"topology must equal rectangular({n}) or triangular({n}), got {topology!r}")
    residual = np.array(unitary, dtype=np.complex128)
    if residual.shape != (n, n):
        raise ValueError(f"unitary must have shape (modes, modes) = {(n, n)}, got {residual.shape}")
    if not np.isfinite(residual).all():
        row, column = np.argwhere(~np.isfinite(residual))[0]
        raise ValueError(f"unitary must be finite, got {residual[row, column]} in row {row}, column {column}")
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.abs(residual @ residual.conj().T - np.eye(n)).max()
    if not deviation <= tolerance:
        raise ValueError(f"unitary must satisfy |U U† − 1| ≤ {tolerance:.3g}, got {deviation:.3g}")

    theta, phi, gamma = strip(residual, topology)
    return theta, _within_a_turn(phi), _within_a_turn(gamma)


def _strip_triangular(
    residual: NDArray[np.complex128], topology: Topology
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Null rows from the last up, left to right, by MZIs stripped from the input side."""
    n = topology.modes
    theta, phi = np.empty((2, topology.mzis))
    for path in range(n - 1):
        # The MZIs with column − upper mode = 2 path carry light down to mode n − 1 − path, and no further.
        for upper in range(n - 1 - path):
            k = _number(topology, upper + 2 * path, upper)
            theta[k], phi[k] = _strip_from_input(residual, n - 1 - path, upper)
    return theta, phi, np.angle(np.diagonal(residual))


def _strip_rectangular(
    residual: NDArray[np.complex128], topology: Topology
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Null diagonals from the lower left corner up, by MZIs stripped from the two sides in turn."""
    n = topology.modes
    theta, phi = np.empty((2, topology.mzis))
    from_output = []
    for diagonal in range(n - 1):
        for step in range(diagonal + 1):
            if diagonal % 2 == 0:
                upper = diagonal - step
                k = _number(topology, step, upper)
                theta[k], phi[k] = _strip_from_input(residual, n - 1 - step, upper)
            else:
                upper = n - 2 - diagonal + step
                k = _number(topology, n - 1 - step, upper)
                theta[k], chi = _strip_from_output(residual, upper, step)
                from_output.append((k, upper, chi))

    # Between the two sides stands D = diag(e^{iδ}). With T(θ, φ) = Θ diag(e^{iφ}, 1), D passes to the left of
    # the innermost MZI of the output side by
    # diag(e^{iχ}, 1) Θ diag(e^{iδ_a}, e^{iδ_b}) = diag(e^{i(χ + δ_b)}, e^{iδ_b}) T(θ, δ_a − δ_b),
    # because Θ commutes with the common phase δ_b.
    delta = np.angle(np.diagonal(residual))
    for k, upper, chi in reversed(from_output):
        phi[k] = delta[upper] - delta[upper + 1]
        delta[upper] = math.remainder(chi + delta[upper + 1], 2 * math.pi)
    return theta, phi, delta


def _strip_from_input(residual: NDArray[np.complex128], row: int, upper: int) -> tuple[float, float]:
    """Null ``residual[row, upper]`` by residual ← residual T†(θ, φ); return θ, φ."""
    a, b = complex(residual[row, upper]), complex(residual[row, upper + 1])
    sine, cosine = _half_angle(abs(b), abs(a))
    phi = cmath.phase(-a) - cmath.phase(b) if a != 0 and b != 0 else 0.0
    columns = residual[: row + 1, upper : upper + 2]  # below, both columns are nulled already
    columns[:] = columns @ _ideal_mzi(sine, cosine, phi).conj().T
    return 2 * math.atan2(sine, cosine), phi


def _strip_from_output(residual: NDArray[np.complex128], upper: int, column: int) -> tuple[float, float]:
    """Null ``residual[upper + 1, column]`` by residual ← (diag(e^{iχ}, 1) Θ)† residual; return θ, χ."""
    a, b = complex(residual[upper, column]), complex(residual[upper + 1, column])
    sine, cosine = _half_angle(abs(a), abs(b))
    chi = cmath.phase(a) - cmath.phase(b) if a != 0 and b != 0 else 0.0
    rows = residual[upper : upper + 2, column:]  # further left, both rows are nulled already
    # Θ is symmetric, so diag(e^{iχ}, 1) Θ is the transpose of an MZI with φ = χ.
    rows[:] = _ideal_mzi(sine, cosine, chi).conj() @ rows
    return 2 * math.atan2(sine, cosine), chi


def _half_angle(straight: float, crossed: float) -> tuple[float, float]:
    """Return sin θ/2 and cos θ/2 in the ratio straight : crossed; those of bar when there is no light at all.

    The sine of a rounded θ would let 1e-16 leak through a bar MZI, and there would always be light to null.
    """
    largest = max(straight, crossed)
    if largest == 0:
        return 1.0, 0.0
    straight, crossed = straight / largest, crossed / largest  # the norm of subnormals would be coarse
    norm = math.hypot(straight, crossed)
    return straight / norm, crossed / norm


def _ideal_mzi(sine: float, cosine: float, phi: float) -> NDArray[np.complex128]:
    """Return T(θ, φ) of an ideal MZI from sin θ/2 and cos θ/2, by the closed form in `convention`."""
    common = 1j * complex(cosine, sine)  # i e^{iθ/2}
    shift = cmath.rect(1.0, phi)
    return common * np.array([[shift * sine, cosine], [shift * cosine, -sine]])


def _number(topology: Topology, column: int, upper: int) -> int:
    """Return the number of the MZI with this upper mode, in a column of neighbours that starts at 0 or 1."""
    return int(topology.starts[column]) + upper // 2


def _within_a_turn(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phases in [0, 2π)."""
    turned = np.mod(phase, 2 * np.pi)
    # A negative phase too small to matter rounds up to a whole turn.
    return np.where(turned < 2 * np.pi, turned, 0.0)
