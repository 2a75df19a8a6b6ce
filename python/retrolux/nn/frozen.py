"""Phases that optimisers leave alone: the entries of a parameter outside the mask of what is trained.

Their gradient is zero, but an optimiser moves a parameter by more than its gradient: weight decay, momentum, noise.
Hooks on every step of every `torch.optim.Optimizer` put them back, bit by bit. Who writes to a parameter by hand is
heard: the parameter is an ordinary one, and what it holds is what light meets.
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
# What was there before each step that runs: steps lie one inside the other where an optimiser calls that of its parent.
_before: weakref.WeakKeyDictionary[Optimizer, list[list[tuple[Tensor, Tensor, Tensor]]]] = weakref.WeakKeyDictionary()


def keep_frozen(module: PartlyTrained) -> None:
    """Keep what is not trained of a module, as long as it lives, through every step of an optimiser."""
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
