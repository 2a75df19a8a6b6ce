"""Data sets fetched from openml.org, by way of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrolux.data.scikit_learn import scikit_learn_datasets

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fetch_images"]


def fetch_images(
    data_id: int, *, samples: int, pixels: int, test_counts: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Fetch images of one byte per pixel and check that they come in the order of the published split.

    Takes minutes: OpenML stores text. scikit-learn compares the download with OpenML's checksum.

    Parameters
    ----------
    data_id : int
        OpenML's number of the data set.
    samples, pixels : int
        Number of images, and of values per image, that the data set must have.
    test_counts : tuple of int
        How often each class occurs in the published test set, which must be the last samples.

    Returns
    -------
    images : ndarray of uint8, shape (samples, pixels)
    labels : ndarray of uint8, shape (samples,)

    Raises
    ------
    ConnectionError
        When openml.org cannot be reached.
    ValueError
        When what came is not the data set expected.
    ModuleNotFoundError
        When scikit-learn is not installed.
    """
    source = f"https://www.openml.org/d/{data_id}"
    fetch = scikit_learn_datasets().fetch_openml
    try:
        # The "liac-arff" parser is the one that needs no pandas; a cache would keep everything twice.
        bunch = fetch(data_id=data_id, as_frame=False, parser="liac-arff", cache=False)
    except OSError as error:
        raise ConnectionError(f"{source} could not be fetched: {error}") from error
    images, labels = np.asarray(bunch.data), np.asarray(bunch.target)
    if images.shape != (samples, pixels) or labels.shape != (samples,):
        raise ValueError(
            f"{source} must hold images of shape {(samples, pixels)} and labels of shape {(samples,)}, "
            f"got {images.shape} and {labels.shape}"
        )
    if not (images.min() >= 0 and images.max() <= 255 and np.array_equal(images, images.astype(np.uint8))):
        raise ValueError(
            f"{source} must hold whole pixel values from 0 to 255, got values from {images.min()} "
            f"to {images.max()} of {images.dtype}"
        )
    classes = labels.astype(np.uint8)
    found = np.bincount(classes[-sum(test_counts) :], minlength=len(test_counts))
    if tuple(found) != test_counts:
        raise ValueError(
            f"{source} must end with the published test set, which has {list(test_counts)} samples per "
            f"class, got {found.tolist()}"
        )
    return images.astype(np.uint8), classes
