"""The digital layer that a mesh replaces: y = x @ U.T with a complex matrix, in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from _in_torch import torch_mesh
from _mesh import load
from _worker import serve

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh


def about() -> dict[str, Any]:
    return {"version": torch.__version__, "precision": "complex64", "patches": []}


def build(path: Path) -> Mesh:
    case = load(path)
    matrix = torch.tensor(case.matrix, dtype=torch.complex64, requires_grad=True)
    return torch_mesh(case, lambda x: x @ matrix.T, [matrix], settings=None)


if __name__ == "__main__":
    serve(about, build)
