"""Photonic neural networks on meshes of Mach-Zehnder interferometers, trained the way a chip is trained.

The parts load when they are first used: ``retrolux.mesh`` needs NumPy alone, ``retrolux.nn`` needs torch.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrolux import analog, data, energy, functional, gradient, hardware, mesh, nn, plot, study
    from retrolux.model_summary import summary
    from retrolux.nn import convert, convert_back

__version__ = version("retrolux")
__all__ = [
    "__version__",
    "analog",
    "convert",
    "convert_back",
    "data",
    "energy",
    "functional",
    "gradient",
    "hardware",
    "mesh",
    "nn",
    "plot",
    "study",
    "summary",
]

# Where the functions stand; everything else is a part of its own.
_HOMES = {"convert": "nn", "convert_back": "nn", "summary": "model_summary"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"retrolux.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"retrolux.{name}")
    raise AttributeError(f"module 'retrolux' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
