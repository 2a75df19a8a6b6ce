"""A mesh to be timed: its case, and the check that it does what the case expects.

All phases are those of a rectangular mesh in the convention of `retrolux.mesh.convention`. A peer with another one maps
them to its own by a function that is affine in (theta, phi, gamma), so that its gradients can be compared too: along
any direction d, g_peer · (map(p + d) − map(p)) has to be g · d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Case", "Mesh", "behind", "columns", "in_order", "load", "on_grid"]

_DIRECTIONS = 4


@dataclass(frozen=True)
class Case:
    """What to compute, and the expected results, in double precision."""

    theta: NDArray[np.float64]
    phi: NDArray[np.float64]
    gamma: NDArray[np.float64]
    x: NDArray[np.complex128]
    """Light, shape (batch, modes)."""
    grad_y: NDArray[np.complex128]
    matrix: NDArray[np.complex128]
    """U of y = x @ U.T."""
    grad_x: NDArray[np.complex128]
    grad_theta: NDArray[np.float64]
    grad_phi: NDArray[np.float64]
    grad_gamma: NDArray[np.float64]

    @property
    def modes(self) -> int:
        """N."""
        return len(self.gamma)


def load(path: Path) -> Case:
    """Read a case."""
    with np.load(path) as arrays:
        return Case(**arrays)


def columns(modes: int) -> list[tuple[slice, NDArray[np.intp]]]:
    """Return of every column its slice of the phases and the upper modes of its MZIs."""
    found, start = [], 0
    for column in range(modes):
        upper = np.arange(column % 2, modes - 1, 2)
        found.append((slice(start, start + len(upper)), upper))
        start += len(upper)
    return found


def in_order(theta: NDArray[np.float64], phi: NDArray[np.float64], gamma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phases of a peer with our convention: theta, phi, gamma."""
    return np.concatenate([theta, phi, gamma])


def behind(
    theta: NDArray[np.float64], phi: NDArray[np.float64], gamma: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases of a mesh that does the same with external phases behind its MZIs and gamma at its input.

    A phase common to both outputs of an MZI is one common to both inputs: from the output to the input, each MZI keeps
    the difference of what it finds behind it and hands on the rest.
    """
    external, pending = np.empty_like(phi), gamma.copy()
    for mzis, upper in reversed(columns(len(gamma))):
        a, b = pending[upper], pending[upper + 1]
        external[mzis] = a - b
        pending[upper], pending[upper + 1] = b + phi[mzis], b
    return theta, external, pending


def on_grid(theta: NDArray[np.float64], phi: NDArray[np.float64], gamma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phases of neurophox: as `behind`, theta and phi with a row per column of the mesh, filled with 0."""
    theta, external, at_input = behind(theta, phi, gamma)
    grids = np.zeros((2, len(gamma), len(gamma) // 2))
    for row, (mzis, upper) in enumerate(columns(len(gamma))):
        grids[:, row, : len(upper)] = theta[mzis], external[mzis]
    return np.concatenate([grids.ravel(), at_input])


@dataclass(frozen=True)
class Mesh:
    """A peer's mesh with the light of a case, ready to run."""

    case: Case
    forward: Callable[[], Any]
    step: Callable[[], Any] | None
    output: Callable[[Any], Any]
    """Takes what `forward` returned; gives y of shape (batch, modes)."""
    gradients: Callable[[Any], tuple[Any, Any]]
    """Takes what `step` returned; gives those in x, shape (batch, modes), and in the peer's own phases, flat."""
    settings: Callable[..., NDArray[np.float64]] | None = in_order
    """Takes theta, phi, gamma; gives the peer's own phases, flat. None where it has none (a matrix)."""

    def check(self, what: str) -> dict[str, float]:
        """Return the greatest relative differences of the output ("forward") or of the gradients ("step")."""
        case = self.case
        if what == "forward":
            return {"output": _difference(self.output(self.forward()), case.x @ case.matrix.T)}
        assert self.step is not None
        grad_x, grad_phases = self.gradients(self.step())
        found = {"gradient in x": _difference(grad_x, case.grad_x)}
        if self.settings is not None:
            found["gradient in phases"] = self._along_directions(np.asarray(grad_phases, dtype=np.float64))
        return found

    def _along_directions(self, gradient: NDArray[np.float64]) -> float:
        case, settings = self.case, self.settings
        assert settings is not None
        phases = case.theta, case.phi, case.gamma
        expected = case.grad_theta, case.grad_phi, case.grad_gamma
        norm = np.sqrt(sum(float(part @ part) for part in expected))
        generator = np.random.default_rng(0)
        differences = []
        for _ in range(_DIRECTIONS):
            direction = [generator.standard_normal(len(phase)) for phase in phases]
            moved = settings(*(phase + d for phase, d in zip(phases, direction, strict=True))) - settings(*phases)
            slope = sum(float(part @ d) for part, d in zip(expected, direction, strict=True))
            differences.append(abs(float(gradient @ moved) - slope) / norm)
        return max(differences)


def _difference(found: Any, expected: NDArray[np.complex128]) -> float:
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())
