"""A training run: its settings, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from retrolux.data import Dataset
    from retrolux.study.config import TrainConfig
    from retrolux.study.epoch import Epoch
    from retrolux.study.network import Network

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A training run and its folder, which holds config.toml, metrics.csv, last.pt and best.pt.

    Attributes
    ----------
    folder : Path
        Where the run lives.
    config : TrainConfig
        What it computes.
    dataset : Dataset
        What it learns.
    network : Network
        As the last epoch left it.
    optimizer : Optimizer
        As the last epoch left it.
    history : tuple of Epoch
        The epochs that are done.
    """

    folder: Path
    config: TrainConfig
    dataset: Dataset
    network: Network
    optimizer: torch.optim.Optimizer
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch of the smallest test error, the first of several; best.pt holds its phases."""
        return min(self.history, key=lambda epoch: epoch.test_error)
