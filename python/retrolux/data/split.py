"""Training and test samples with the same share of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["stratified_split"]


def stratified_split(
    labels: NDArray[np.integer], test_fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw which samples train and which test, class by class.

    Parameters
    ----------
    labels : ndarray of integer, shape (samples,)
        Class of each sample.
    test_fraction : float
        Share of every class that tests, above 0 and below 1; rounded to whole samples.
    seed : int
        The same seed draws the same split.

    Returns
    -------
    train, test : ndarray of intp, shape (train samples,) and (test samples,)
        Disjoint positions in `labels`, in random order; together they are all of them.

    Raises
    ------
    ValueError
        When `test_fraction` is not between 0 and 1, or a class would be left without training or without
        test samples.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must be above 0 and below 1, got {test_fraction}")
    rng = np.random.default_rng(seed)
    train: list[NDArray[np.intp]] = []
    test: list[NDArray[np.intp]] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held_out = round(test_fraction * len(members))
        if not 0 < held_out < len(members):
            raise ValueError(
                f"test_fraction {test_fraction} leaves class {label} with {len(members) - held_out} training "
                f"and {held_out} test samples of {len(members)}, expected at least one of each"
            )
        test.append(members[:held_out])
        train.append(members[held_out:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))
