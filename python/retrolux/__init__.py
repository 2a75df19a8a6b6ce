"""Photonic neural networks on meshes of Mach-Zehnder interferometers, trained the way a chip is trained.

The parts load when they are first used: ``retrolux.mesh`` needs NumPy alone, ``retrolux.nn`` needs torch.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from retrolux import data, functional, gradient, hardware, mesh, nn, plot, study

__version__ = version("retrolux")
__all__ = ["__version__", "data", "functional", "gradient", "hardware", "mesh", "nn", "plot", "study"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"retrolux.{name}")
    raise AttributeError(f"module 'retrolux' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
