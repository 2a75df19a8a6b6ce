"""Deep copies of models, those included whose hooks compute weights anew in every pass."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import Tensor, nn

__all__ = ["copied"]

_Model = TypeVar("_Model", bound=nn.Module)


def copied(model: _Model) -> _Model:
    """Return a deep copy of a model.

    Attributes that torch does not copy, because they were computed from parameters, come along as plain values:
    pruning, weight normalisation and the like compute them again before each pass.
    """
    computed = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    return copy.deepcopy(model, computed)
