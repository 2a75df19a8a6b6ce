"""What one pass over the training set gave."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Epoch"]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set gave.

    Attributes
    ----------
    epoch : int
        1, 2, …
    train_loss, train_error : float
        Mean over the samples as they were trained on, while the phases moved; errors are fractions in [0, 1].
    test_loss, test_error : float
        Over the test set, after the epoch; through the chips and their noise, where there are any.
    gradient_cosine : float
        Cosine between the measured and the exact gradient of theta and phi for the last batch, the mean over the
        meshes; 1 without chips, NaN where there is no gradient left.
    gradient_cosine_small : float
        The same for a batch that never changes, the first ten training samples, after the epoch. It is measured on
        copies of the chips: training goes on as if it had not been.
    shots : int
        Samples of light sent through all chips since the run began, for training and testing; 0 without chips.
    seconds : float
        Wall time (s).
    """

    epoch: int
    train_loss: float
    train_error: float
    test_loss: float
    test_error: float
    gradient_cosine: float
    gradient_cosine_small: float
    shots: int
    seconds: float
