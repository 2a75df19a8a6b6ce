"""Random numbers by counter (Philox): each depends on its seed, stream and step, not on what was drawn before."""

from __future__ import annotations

from enum import IntEnum
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux._kernels import kernels, max_threads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["Stream", "normals", "with_noise"]


class Stream(IntEnum):
    """What a draw is for. Streams of one seed are independent: one imperfection leaves the draws of others."""

    COUPLER = 0
    LOSS = 1
    THETA_OFFSET = 2
    PHI_OFFSET = 3
    GAMMA_OFFSET = 4
    PHASE_WRITE = 5
    DRIFT = 6
    INPUT = 7
    OUTPUT = 8
    TAP = 9
    DETECTOR = 10
    DIRECTION = 11


def normals(seed: int, stream: int, step: int, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Draw standard normal numbers.

    Element i of a (seed, stream, step) is always the same number, whatever the shape, for any number of threads;
    float64 holds the float32 numbers.

    Parameters
    ----------
    seed : int
        0 to 2⁶⁴ − 1.
    stream : Stream or int
        0 to 2³² − 1; what the numbers are for.
    step : int
        0 to 2⁶⁴ − 1; when they are drawn: the number of the shot or of the write.
    shape : tuple of int
        Of the result.
    dtype : float32 or float64
        Of the result.

    Raises
    ------
    ValueError
        When seed, stream or step is out of range, or `shape` has more than 2³⁴ elements: there are no more different
        numbers.

    References
    ----------
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (Philox 4×32-10); Box and Muller, Ann. Math.
    Stat. 29, 610 (1958).
    """
    _check_key(seed, stream, step)
    values = np.empty(prod(shape), dtype=np.float32)
    kernels.normals(values, seed, int(stream), step, 0, max_threads())
    return values.astype(dtype, copy=False).reshape(shape)


def with_noise(
    values: NDArray[Any], std: float, seed: int, stream: int, step: int, variance: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return values + std · √variance · n, with the numbers n that `normals` draws.

    Parameters
    ----------
    values : ndarray of float32 or float64, any shape
        In C order.
    std : float
        Standard deviation, in units of √variance.
    seed, stream, step : int
        As for `normals`.
    variance : ndarray of the same shape and dtype, optional
        At least 0; 1 when left out.

    Raises
    ------
    ValueError
        When seed, stream or step is out of range, or there are more than 2³⁴ values.
    """
    _check_key(seed, stream, step)
    noisy = np.empty_like(values)
    kernels.add_noise(values, variance, std, seed, int(stream), step, noisy, max_threads())
    return noisy


def _check_key(seed: int, stream: int, step: int) -> None:
    for name, value, bits in (("seed", seed, 64), ("stream", stream, 32), ("step", step, 64)):
        if not 0 <= value < 2**bits:
            raise ValueError(f"{name} must be between 0 and 2**{bits} - 1, got {value}")
