"""Pruned settings where a module is not called but asked for its matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.utils.prune import BasePruningMethod

if TYPE_CHECKING:
    from torch import nn

__all__ = ["prune_anew"]


def prune_anew(module: nn.Module) -> None:
    """Compute what `torch.nn.utils.prune` has pruned, as the call of a module does, from its parameters of now."""
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, BasePruningMethod):
            hook(module, ())
