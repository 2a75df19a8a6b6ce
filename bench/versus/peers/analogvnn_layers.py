"""AnalogVNN's noise and precision layers: Shah and Youngblood, APL Machine Learning 1 (2023)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from _layer import load
from _worker import release, serve

if TYPE_CHECKING:
    from pathlib import Path

    from _layer import Layer
    from torch import nn


def about() -> dict[str, Any]:
    return {"version": release("analogvnn"), "precision": "float32", "patches": []}


def make(name: str, **options: float) -> nn.Module:
    family = "precision" if name.endswith("Precision") else "noise"
    layer = getattr(import_module(f"analogvnn.nn.{family}.{name}"), name)(**options)
    layer.use_autograd_graph = True
    return layer


def build(path: Path) -> Layer:
    return load(path, make)


if __name__ == "__main__":
    serve(about, build)
