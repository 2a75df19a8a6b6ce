"""The known loss of a chip, which corrects gradients measured by interference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh import Topology

__all__ = ["LossCorrection"]


@dataclass(frozen=True)
class LossCorrection:
    """Known mean losses of a chip.

    In the sum pass the adjoint light retraces its way forward and loses again what it lost on the way back: at a tap
    with power transmission t from the input its field is t times too weak. The correction divides by t, which is
    exact where all paths to a tap lose the same (loss per column), and an approximation for loss per arm, which
    idle modes do not have.

    Attributes
    ----------
    column_loss_db : float
        Loss of every mode per column [dB], at least 0.
    arm_loss_db : float
        Loss of each of the two arm sections of an MZI [dB], at least 0.
    """

    column_loss_db: float = 0.0
    arm_loss_db: float = 0.0

    def __post_init__(self) -> None:
        for name in ("column_loss_db", "arm_loss_db"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be at least 0 dB and finite, got {value}")

    def transmission(self, topology: Topology) -> NDArray[np.float64]:
        """Return the power transmission from the input to the (theta, phi) taps, shape (mzis, 2)."""
        column = np.repeat(np.arange(topology.depth), np.diff(topology.starts))
        sections = 2 * column[:, None] + np.array([2, 1])  # the phi shifter sits in the first, theta in the second
        loss_db = (column[:, None] + 1) * self.column_loss_db + sections * self.arm_loss_db
        return np.asarray(10 ** (-loss_db / 10))
