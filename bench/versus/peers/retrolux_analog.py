"""This product's analog layers: `retrolux.analog`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from _layer import load
from _worker import serve

from retrolux import analog

if TYPE_CHECKING:
    from pathlib import Path

    from _layer import Layer
    from torch import nn


def about() -> dict[str, Any]:
    return {"version": version("retrolux"), "precision": "float32", "patches": []}


def make(name: str, **options: float) -> nn.Module:
    return getattr(analog, name)(**options)


def build(path: Path) -> Layer:
    return load(path, make)


if __name__ == "__main__":
    serve(about, build)
