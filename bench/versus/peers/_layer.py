"""An analog layer to be timed: its case, and the check that it disturbs values as much as its law says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Layer", "load"]

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@dataclass(frozen=True)
class Layer:
    """A layer with the values of a case, ready to run; gradients go straight through."""

    layer: nn.Module
    x: Tensor
    grad_y: Tensor
    spread: float
    """Expected root of the mean square of y − x."""

    def forward(self) -> Tensor:
        """Return the disturbed values, without a graph."""
        with torch.no_grad():
            return self.layer(self.x)

    def step(self) -> Tensor:
        """Return the gradient in the values."""
        return torch.autograd.grad(self.layer(self.x), self.x, self.grad_y)[0]

    def check(self, what: str) -> dict[str, float]:
        """Return the relative difference of the spread ("forward") or the gradient ("step") from the expected one."""
        if what == "forward":
            spread = float((self.forward() - self.x).detach().square().mean().sqrt())
            return {"spread": abs(spread / self.spread - 1)}
        return {"gradient in x": float((self.step() - self.grad_y).abs().max() / self.grad_y.abs().max())}


def load(path: Path, make: Callable[..., nn.Module]) -> Layer:
    """Read a case; `make` takes the name of the layer and its options."""
    with np.load(path) as arrays:
        options: dict[str, Any] = json.loads(str(arrays["options"]))
        x, grad_y = (torch.tensor(arrays[name], dtype=torch.float32) for name in ("x", "grad_y"))
        layer = make(str(arrays["layer"]), **options)
        return Layer(layer.train(), x.requires_grad_(), grad_y, float(arrays["spread"]))
