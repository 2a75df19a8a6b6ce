"""What is drawn once, when a chip is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.philox import Stream, normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrolux.hardware.imperfections import Imperfections
    from retrolux.mesh import Topology

__all__ = ["Fabrication", "arm_loss", "fabricate"]


@dataclass(frozen=True, eq=False, repr=False)
class Fabrication:
    """What one chip is like: drawn by `fabricate`, or measured in a laboratory.

    The arrays are copied and read-only; a change is a new one, by `dataclasses.replace`.

    Attributes
    ----------
    coupler_error : ndarray of float64, shape (mzis, 2)
        Errors ε₁, ε₂ of the two coupling angles (rad).
    loss_db : ndarray of float64, shape (mzis, 4)
        Loss of the arms (dB), at least 0, in the order of `retrolux.mesh.convention`.
    output_loss_db : ndarray of float64, shape (modes,)
        Loss of each mode behind its last MZI (dB), at least 0.
    theta_offset, phi_offset : ndarray of float64, shape (mzis,)
        Phases of the shifters when they are off (rad).
    gamma_offset : ndarray of float64, shape (modes,)
        Phases of the output shifters when they are off (rad).

    Raises
    ------
    ValueError
        When the shapes do not belong to one chip, a number is not finite or a loss is negative.
    """

    coupler_error: NDArray[np.float64] = field(metadata={"shape": "(mzis, 2)"})
    loss_db: NDArray[np.float64] = field(metadata={"shape": "(mzis, 4)"})
    output_loss_db: NDArray[np.float64] = field(metadata={"shape": "(modes,)"})
    theta_offset: NDArray[np.float64] = field(metadata={"shape": "(mzis,)"})
    phi_offset: NDArray[np.float64] = field(metadata={"shape": "(mzis,)"})
    gamma_offset: NDArray[np.float64] = field(metadata={"shape": "(modes,)"})

    @staticmethod
    def shapes(mzis: int, modes: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of a chip; zeros everywhere are an ideal one."""
        sizes = {"(mzis, 2)": (mzis, 2), "(mzis, 4)": (mzis, 4), "(mzis,)": (mzis,), "(modes,)": (modes,)}
        return {array.name: sizes[array.metadata["shape"]] for array in fields(Fabrication)}

    def __post_init__(self) -> None:
        meanings = {array.name: array.metadata["shape"] for array in fields(self)}
        for name, shape in self.shapes(len(self.theta_offset), len(self.gamma_offset)).items():
            # asarray first: tensors know no copy=True, at which NumPy warns.
            array = np.array(np.asarray(getattr(self, name)), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {meanings[name]} = {shape}, got {array.shape}")
            bad = array[~np.isfinite(array) | ((array < 0) & ("loss" in name))]
            if bad.size:
                wanted = "finite and at least 0" if "loss" in name else "finite"
                raise ValueError(f"{name} must be {wanted}, got {bad[0]}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        return f"Fabrication({len(self.theta_offset)} MZIs, {len(self.gamma_offset)} modes)"


def fabricate(topology: Topology, imperfections: Imperfections, seed: int) -> Fabrication:
    """Make a chip.

    Each quantity has a stream of its own, so that switching one imperfection on leaves the draws of the others, and
    its size scales the draws and does not change them.

    The loss per column belongs to no MZI. It is added to the arm by which a mode enters the next MZI it meets
    (t₀ from the upper, t₁ from the lower port), together with that of the columns in which the mode met none; what
    a mode loses behind its last MZI is its output loss. A field that has left a column has thus lost as much as in
    a chip where every waveguide loses in its place: without other losses, U becomes 10^(−column_loss_db·columns/20)
    U exactly.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit.
    imperfections : Imperfections
        How well the chip is made.
    seed : int, 0 to 2⁶⁴ − 1
        Which of all such chips it is.

    Returns
    -------
    Fabrication

    Raises
    ------
    ValueError
        When `seed` is out of range.
    """
    mzis, modes = topology.mzis, topology.modes

    def drawn(stream: Stream, std: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.asarray(std * normals(seed, stream, 0, shape, np.float64))

    offset = imperfections.phase_offset_std
    waited, left = _columns_between_mzis(topology)
    loss_db = np.abs(imperfections.loss_db + drawn(Stream.LOSS, imperfections.loss_db_std, (mzis, 4)))
    loss_db[:, :2] += imperfections.column_loss_db * waited
    return Fabrication(
        coupler_error=drawn(Stream.COUPLER, imperfections.coupler_std, (mzis, 2)),
        loss_db=loss_db,
        output_loss_db=imperfections.column_loss_db * left,
        theta_offset=drawn(Stream.THETA_OFFSET, offset, (mzis,)),
        phi_offset=drawn(Stream.PHI_OFFSET, offset, (mzis,)),
        gamma_offset=drawn(Stream.GAMMA_OFFSET, offset, (modes,)),
    )


def arm_loss(imperfections: Imperfections) -> tuple[float, float]:
    """Return the mean and the standard deviation of the loss of an arm.

    The loss is |μ + σ n| with μ = loss_db, σ = loss_db_std: a folded normal number (Leone et al., Technometrics 3,
    543 (1961)), of mean σ √(2/π) exp(−μ²/2σ²) + μ erf(μ/√2σ) and variance μ² + σ² − mean². So μ = 0 gives a mean of
    0.80 σ and a spread of 0.60 σ, and μ ≫ σ gives μ and σ.

    Parameters
    ----------
    imperfections : Imperfections
        Of which `loss_db` and `loss_db_std` count.

    Returns
    -------
    mean, std : float
        dB.
    """
    centre, spread = imperfections.loss_db, imperfections.loss_db_std
    if centre >= 40 * spread:
        # Nothing folds: what lies below zero is less than the smallest number.
        return centre, spread
    ratio = centre / spread
    # In units of the spread: the variance is 1 + (r + m)(r − m), which has no large terms to cancel.
    excess = math.sqrt(2 / math.pi) * math.exp(-(ratio**2) / 2) - ratio * math.erfc(ratio / math.sqrt(2))
    mean = ratio + excess
    return spread * mean, spread * math.sqrt(1 - excess * (ratio + mean))


def _columns_between_mzis(topology: Topology) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the columns from the last MZI of each mode to this one, shape (mzis, 2), and to the end, (modes,)."""
    waited = np.empty((topology.mzis, 2))
    last = np.full(topology.modes, -1)
    for column, (start, stop) in enumerate(zip(topology.starts[:-1], topology.starts[1:], strict=True)):
        pairs = topology.pairs[start:stop]
        waited[start:stop] = column - last[pairs]
        last[pairs] = column
    return waited, (topology.depth - 1 - last).astype(np.float64)
