"""Handwritten digits of 8 × 8 pixels, which come with scikit-learn and need no download."""

from __future__ import annotations

import math

import torch

from retrolux.data.dataset import Dataset
from retrolux.data.features import area_means, grid_shape, unit_power
from retrolux.data.scikit_learn import scikit_learn_datasets
from retrolux.data.split import stratified_split

__all__ = ["digits"]


def digits(*, modes: int = 64, power: float = 1.0, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """Load the 1797 digits of scikit-learn, one pixel per mode, every sample of the same power.

    Parameters
    ----------
    modes : int
        Number of modes. 64 takes the pixels as they are, row by row; any other number the means over the
        cells of a grid, 4 × 4 for 16 and 2 × 5 for 10 (see `features.area_means`).
    power : float
        Total power of every sample, > 0, in units in which a mode of amplitude 1 has power 1.
    seed : int
        Seed of the split, in which training and test samples have the same share of every digit.
    test_fraction : float
        Share of the samples that test, above 0 and below 1.

    Returns
    -------
    Dataset
        `train_x` and `test_x` are complex64 of shape (samples, modes), real and ≥ 0, with Σ|x|² = `power`.

    Raises
    ------
    ValueError
        When `modes` is less than 1, `power` is not positive, or `test_fraction` leaves a digit without
        training or test samples.
    ModuleNotFoundError
        When scikit-learn is not installed.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
    (1998), test part.
    """
    grid_shape(modes)
    if not (power > 0 and math.isfinite(power)):
        raise ValueError(f"power must be finite and positive, got {power}")
    bunch = scikit_learn_datasets().load_digits()
    train, test = stratified_split(bunch.target, test_fraction, seed)
    amplitudes = math.sqrt(power) * unit_power(area_means(torch.from_numpy(bunch.images), modes))
    fields = amplitudes.to(torch.complex64)
    labels = torch.from_numpy(bunch.target).to(torch.int64)
    return Dataset(
        name="digits",
        train_x=fields[train],
        train_y=labels[train],
        test_x=fields[test],
        test_y=labels[test],
        classes=tuple("0123456789"),
    )
