"""Neurophox, its torch half: Pai et al., Phys. Rev. Applied 11, 064044 (2019)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
import torch
from _in_torch import torch_mesh
from _mesh import load, on_grid
from _worker import release, serve

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh

sys.modules["tensorflow"] = MagicMock()
np.complex = complex  # type: ignore[attr-defined]  # noqa: NPY001 - what it needs
_PATCHES = [
    "an empty stand-in for TensorFlow, which its torch half imports and does not use",
    "numpy.complex, which NumPy 1.24 removed, is complex",
    "phases in single precision, as its light",
]

from neurophox.torch import RMTorch, generic  # noqa: E402 - after the patches


def about() -> dict[str, Any]:
    return {"version": release("neurophox"), "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    mesh = RMTorch(case.modes, basis="sm").float()
    weights = mesh.theta, mesh.phi, mesh.gamma
    own = np.split(on_grid(case.theta, case.phi, case.gamma), [mesh.theta.numel(), 2 * mesh.theta.numel()])
    with torch.no_grad():
        for weight, values in zip(weights, own, strict=True):
            weight.copy_(torch.from_numpy(values).reshape(weight.shape))
    if hasattr(generic, "cc_mul"):  # releases older than torch's complex numbers: real and imaginary parts in front
        return torch_mesh(
            case,
            mesh,
            weights,
            light=lambda field: torch.view_as_real(field).movedim(-1, 0),
            field=lambda light: torch.complex(light[0], light[1]),
            settings=on_grid,
        )
    return torch_mesh(case, mesh, weights, settings=on_grid)


if __name__ == "__main__":
    serve(about, build)
