"""Training runs, one or many: their configuration, their network, and the folders that hold them.

Only configurations are imported at once; the rest loads torch, and more, when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrolux._lazy import loader
from retrolux.study.config import TrainConfig, from_toml, to_toml
from retrolux.study.sweep_grid import Sweep

if TYPE_CHECKING:
    from retrolux.study.checkpoint import load
    from retrolux.study.epoch import Epoch
    from retrolux.study.network import Network
    from retrolux.study.presets import STUDIES, Study
    from retrolux.study.results import confidence, last_epochs, read_results
    from retrolux.study.run import Run
    from retrolux.study.scalability import run_study
    from retrolux.study.sweep_driver import run_sweep
    from retrolux.study.train import resume_run, start_run

__all__ = [
    "STUDIES",
    "Epoch",
    "Network",
    "Run",
    "Study",
    "Sweep",
    "TrainConfig",
    "confidence",
    "from_toml",
    "last_epochs",
    "load",
    "read_results",
    "resume_run",
    "run_study",
    "run_sweep",
    "start_run",
    "to_toml",
]

__getattr__ = loader(
    "retrolux.study",
    {
        "STUDIES": "presets",
        "Epoch": "epoch",
        "Network": "network",
        "Run": "run",
        "Study": "presets",
        "confidence": "results",
        "last_epochs": "results",
        "load": "checkpoint",
        "read_results": "results",
        "resume_run": "train",
        "run_study": "scalability",
        "run_sweep": "sweep_driver",
        "start_run": "train",
    },
)
