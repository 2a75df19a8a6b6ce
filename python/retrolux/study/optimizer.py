"""Every optimizer by its name. torch is imported when one is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

__all__ = ["OPTIMIZERS", "NamedOptimizer"]


@dataclass(frozen=True)
class NamedOptimizer:
    """An optimizer of the phases.

    Attributes
    ----------
    kind : str
        Class in `torch.optim`.
    options : mapping of str to value
        What it is made with besides the learning rate.
    first_factor : float
        By what the learning rate is multiplied in the first step, in single precision.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    first_factor: float = 1.0

    def make(self, model: torch.nn.Module, lr: float) -> torch.optim.Optimizer:
        """Return a new one, of the parameters of a model that are trained."""
        import torch  # noqa: PLC0415 - names of optimizers are known without it

        phases = [phase for phase in model.parameters() if phase.requires_grad]
        made: torch.optim.Optimizer = getattr(torch.optim, self.kind)(phases, lr=lr, **self.options)
        return made


OPTIMIZERS: dict[str, NamedOptimizer] = {
    "adam": NamedOptimizer("Adam", first_factor=10.0),  # 1 over 1 − 0.9
    "sgd": NamedOptimizer("SGD", {"momentum": 0.9}),
}
"""The optimizers by their names."""
