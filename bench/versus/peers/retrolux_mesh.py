"""This product: `retrolux.functional.propagate`, on the route that it chooses."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from _in_torch import phases, torch_mesh
from _mesh import load
from _worker import serve

from retrolux.functional import propagate
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh


def about() -> dict[str, Any]:
    return {"version": version("retrolux"), "precision": "complex64", "patches": []}


def build(path: Path) -> Mesh:
    case = load(path)
    topology, weights = rectangular(case.modes), phases(case)
    return torch_mesh(case, lambda x: propagate(x, *weights, topology), weights)


if __name__ == "__main__":
    serve(about, build)
