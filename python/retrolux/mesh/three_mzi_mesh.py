"""The mesh of three-splitter MZIs, which can cross and bar in spite of their coupler errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrolux.mesh.builders import rectangular
from retrolux.mesh.topology import Topology, from_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ThreeMziCouplers", "three_mzi", "three_mzi_couplers"]


class ThreeMziCouplers(NamedTuple):
    """What the entries of ``three_mzi(n)`` are: lone couplers, or MZIs.

    Attributes
    ----------
    coupler_error : ndarray of float64, shape (mzis, 2)
        Nominal errors of the coupling angles (rad): 0 where a coupler sits, −π/4 where a lone coupler has no
        second one beside it. Errors of fabrication add to the zeros.
    trainable : ndarray of bool, shape (mzis,)
        True for the MZIs. A lone coupler has no phase shifters: its θ and φ stay 0.
    """

    coupler_error: NDArray[np.float64]
    trainable: NDArray[np.bool_]


def three_mzi(n: int) -> Topology:
    """Build the rectangular mesh of three-splitter MZIs (Hamerly et al., Nat. Commun. 13, 6831 (2022)).

    Every column of ``rectangular(n)`` stands twice: first a lone coupler on each pair, then an MZI, so that light
    meets B(π/4 + ε₃), φ, B(π/4 + ε₁), θ, B(π/4 + ε₂). The trainable phases are as many as in the rectangular mesh.
    An MZI with coupler errors misses the bar and the cross state; behind a coupler that halves the light both states
    are made by an MZI at half transmission, far from its bounds. What is out of reach instead are splits near one
    half with a phase near ±π/2, which a Haar-random unitary seldom needs.

    The kernels know MZIs only; a lone coupler is an entry with the errors of `three_mzi_couplers` and θ = φ = 0.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Returns
    -------
    Topology
        With n(n − 1) entries in 2n columns.

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    single = rectangular(n)
    return from_columns(single.modes, [column for column in single.columns for _ in range(2)], "three_mzi")


def three_mzi_couplers(n: int) -> ThreeMziCouplers:
    """Return the nominal coupler errors of ``three_mzi(n)`` and which of its entries have phase shifters.

    Parameters
    ----------
    n : int
        Number of modes N ≥ 2.

    Returns
    -------
    ThreeMziCouplers

    Raises
    ------
    TypeError
        When `n` is not an integer.
    ValueError
        When `n` is below 2.
    """
    counts = np.diff(three_mzi(n).starts)
    trainable = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    coupler_error = np.zeros((len(trainable), 2))
    coupler_error[~trainable, 0] = -np.pi / 4  # B(0) = 1
    return ThreeMziCouplers(coupler_error, trainable)
