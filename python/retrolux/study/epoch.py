"""What one pass over the training set gave."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrolux.reading import shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Epoch", "epochs_from"]


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


def _count(value: int) -> bool:
    return 0 <= value < 2**63


def _fraction(value: float) -> bool:
    return 0 <= value <= 1


def _cosine(value: float) -> bool:
    return not abs(value) > 1 + 1e-6  # NaN where there is no gradient


# What a file may have: the type and the range of each field. A test loss may overflow.
_ALLOWED: dict[str, tuple[type, Callable[[Any], bool]]] = {
    "epoch": (int, _count),
    "train_loss": (float, math.isfinite),
    "train_error": (float, _fraction),
    "test_loss": (float, lambda _: True),
    "test_error": (float, _fraction),
    "gradient_cosine": (float, _cosine),
    "gradient_cosine_small": (float, _cosine),
    "shots": (int, _count),
    "seconds": (float, lambda value: 0 <= value < math.inf),
}


def epochs_from(history: object) -> tuple[Epoch, ...]:
    """Return the epochs of a run that a file has as a list of tables; what has a default may be missing.

    Raises
    ------
    ValueError
        When it is no list of the epochs 1, 2, …, or a value is missing, unknown, or out of range.
    """
    if not isinstance(history, list):
        raise ValueError(f"history must be a list of epochs, got a {type(history).__name__}")
    return tuple(_epoch(number, values) for number, values in enumerate(history, start=1))


def _epoch(number: int, values: object) -> Epoch:
    where = f"history: epoch {number}"
    names = [field.name for field in dataclasses.fields(Epoch)]
    required = {field.name for field in dataclasses.fields(Epoch) if field.default is dataclasses.MISSING}
    if not isinstance(values, dict) or not required <= values.keys() <= set(names):
        raise ValueError(f"{where} must have {', '.join(names)}")
    for name, value in values.items():
        kind, allowed = _ALLOWED[name]
        if type(value) is not kind or not allowed(value):
            told = shown(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"
            raise ValueError(f"{where}: {name} is no {kind.__name__} that it can be, got {told}")
    if values["epoch"] != number:
        raise ValueError(f"history must hold the epochs 1, 2, …, got {values['epoch']} as number {number}")
    return Epoch(**values)
