"""The optimizer of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from retrolux.study.config import TrainConfig
    from retrolux.study.network import Network

__all__ = ["optimizer_for"]


def optimizer_for(config: TrainConfig, network: Network) -> torch.optim.Optimizer:
    """Return a new optimizer of the phases of a network that are trained."""
    phases = [phase for phase in network.parameters() if phase.requires_grad]
    if config.optimizer == "adam":
        return torch.optim.Adam(phases, lr=config.lr)
    return torch.optim.SGD(phases, lr=config.lr, momentum=0.9)
