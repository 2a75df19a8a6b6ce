"""Phases up to whole turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["few_turns", "wrap"]

_TURN = 2 * np.pi
_FAR = 4 * _TURN  # a rounded turn is off by 2.4e-16 rad


def few_turns(phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return finite phases [rad], those of many turns brought into [−π, π] by whole turns, not by a rounded 2π."""
    far = np.abs(phases) > _FAR
    if not far.any():
        return phases
    reduced = phases.copy()
    reduced[far] = np.arctan2(np.sin(phases[far]), np.cos(phases[far]))  # NumPy's are exact for any phase
    return reduced


def wrap(phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return finite phases [rad] in [0, 2π), the same up to whole turns."""
    wrapped = np.mod(few_turns(phases), _TURN)
    # The remainder of a tiny negative phase rounds to a whole turn.
    return np.where(wrapped < _TURN, wrapped, 0.0)
