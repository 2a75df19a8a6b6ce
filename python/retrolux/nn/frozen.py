"""Phases that optimisers leave alone: the entries of a parameter outside the mask of what is trained.

Their gradient is zero, but weight decay, momentum and noise move a parameter without a gradient. Hooks on every step of
every `torch.optim.Optimizer` restore them bit by bit. The parameter is an ordinary one: what is written to it by hand
stays.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor
    from torch.optim import Optimizer
    from torch.utils.hooks import RemovableHandle

__all__ = ["PartlyTrained", "keep_frozen"]


class PartlyTrained(Protocol):
    """A module of which parts of parameters are trained."""

    def masked(self) -> Iterable[tuple[Tensor, Tensor]]:
        """Return parameters, each with a mask of its shape: True where it is trained."""
        ...


_modules: weakref.WeakSet[Any] = weakref.WeakSet()
_hooks: list[RemovableHandle] = []
# The values before each running step. Steps nest where an optimiser calls the step of its parent.
_before: weakref.WeakKeyDictionary[Optimizer, list[list[tuple[Tensor, Tensor, Tensor]]]] = weakref.WeakKeyDictionary()


def keep_frozen(module: PartlyTrained) -> None:
    """Keep the frozen entries of a module through every step of an optimiser, as long as the module lives."""
    if not _hooks:
        _hooks.extend((register_optimizer_step_pre_hook(_remember), register_optimizer_step_post_hook(_put_back)))
    _modules.add(module)


def _remember(optimizer: Optimizer, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    stepped = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    kept = [
        (parameter, mask, parameter.detach().clone())
        for module in list(_modules)
        for parameter, mask in module.masked()
        if id(parameter) in stepped
    ]
    _before.setdefault(optimizer, []).append(kept)


@torch.no_grad()
def _put_back(optimizer: Optimizer, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    for parameter, mask, before in _before[optimizer].pop():
        parameter.copy_(torch.where(mask, parameter, before))
