"""The mesh in plain torch as bench/pure_torch.py writes it; with the argument "compiled" through torch.compile."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pure_torch
import torch
from _in_torch import phases, torch_mesh
from _mesh import load
from _worker import serve

from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh


def about() -> dict[str, Any]:
    return {"version": torch.__version__, "precision": "complex64", "patches": []}


def build(path: Path) -> Mesh:
    case = load(path)
    columns, weights = pure_torch.Columns.of(rectangular(case.modes)), phases(case)
    if sys.argv[1:] == ["compiled"]:
        torch.compiler.reset()
        run = torch.compile(pure_torch.batched)
    else:
        run = pure_torch.batched
    return torch_mesh(case, lambda x: run(x, *weights, columns), weights)


if __name__ == "__main__":
    serve(about, build)
