"""What every chip can do, simulated or in a laboratory: the interface between gradients and hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.mesh import Topology

__all__ = ["Chip", "Reading", "TapMode"]

TapMode: TypeAlias = Literal["none", "each", "sum"]


class Reading(NamedTuple):
    """What the detectors of a chip read in one pass.

    Attributes
    ----------
    output : ndarray of complex, shape (batch, modes)
        Amplitudes where the light comes out; of shape (0, modes) for detect=False.
    taps : ndarray of float or None
        Powers right behind the (theta, phi) shifters: shape (batch, mzis, 2) for taps="each", (mzis, 2) for "sum".
    """

    output: NDArray[Any]
    taps: NDArray[Any] | None


class Chip(Protocol):
    """A programmable mesh with light sources, detectors and tap detectors on both sides.

    Implement this to train a chip of your own; ``examples/my_chip.py`` is a skeleton. Light is sent at the power of
    the lasers: the gradient methods scale every sample to unit power before it enters, so that tap and detector
    noise mean the same for all.
    """

    @property
    def topology(self) -> Topology:
        """Where the MZIs sit."""
        ...

    @property
    def clock(self) -> float:
        """Time the chip has spent, in seconds; drift goes by it."""
        ...

    def write(self, theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> None:
        """Set the phases [rad], shapes (mzis,), (mzis,), (modes,)."""
        ...

    def forward(
        self, x: NDArray[Any], *, taps: TapMode = "none", weights: NDArray[Any] | None = None, detect: bool = True
    ) -> Reading:
        """Send light of shape (batch, modes) in from the left; it comes out as U x.

        With taps="sum" the tap powers are summed over the batch, sample b counting ``weights[b]`` ≥ 0 times. With
        detect=False only the taps are read.
        """
        ...

    def backward(
        self, x: NDArray[Any], *, taps: TapMode = "none", weights: NDArray[Any] | None = None, detect: bool = True
    ) -> Reading:
        """Send light in from the right; by reciprocity it comes out on the left as Uᵀ x."""
        ...
