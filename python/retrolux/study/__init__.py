"""Training runs: their configuration, their network, and the folder that holds them.

Only the configuration is imported at once; the rest loads torch when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from retrolux.study.config import TrainConfig, from_toml, to_toml

if TYPE_CHECKING:
    from retrolux.study.checkpoint import load
    from retrolux.study.network import Network
    from retrolux.study.train import Epoch, Run, resume_run, start_run

__all__ = [
    "Epoch",
    "Network",
    "Run",
    "TrainConfig",
    "from_toml",
    "load",
    "resume_run",
    "start_run",
    "to_toml",
]

_HOMES = {
    "Epoch": "train",
    "Network": "network",
    "Run": "train",
    "load": "checkpoint",
    "resume_run": "train",
    "start_run": "train",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"retrolux.study.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'retrolux.study' has no attribute {name!r}")
