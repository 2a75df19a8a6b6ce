"""Deep copies of models, also of those whose hooks compute weights anew in every pass."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer

__all__ = ["copied"]

_Model = TypeVar("_Model", bound=nn.Module)


def copied(model: _Model) -> _Model:
    """Return a deep copy of a model.

    The copy includes what torch does not copy: attributes that are computed from parameters (pruning and weight
    normalisation compute them again before each pass), and buffers of lazy layers without sizes.
    """
    made: dict[int, Tensor] = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    for buffer in model.buffers():
        if isinstance(buffer, UninitializedBuffer):
            empty = UninitializedBuffer(device=buffer.device, dtype=buffer.dtype)  # type: ignore[call-arg]
            made[id(buffer)] = empty
    return copy.deepcopy(model, made)
