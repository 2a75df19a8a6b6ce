"""TorchONN (pytorch-onn), columns of its phase shifters and couplers: Gu et al., DAC 2022, arXiv:2112.08703."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
import torch
from _in_torch import torch_mesh
from _mesh import columns, load
from _worker import enter, serve
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh
    from numpy.typing import NDArray

for package in ("torchonn", "torchonn.layers", "torchonn.op"):
    enter(package)
for unused in ("", ".compute", ".general", ".quant", ".quant.lsq", ".quantize", ".torch_train"):
    sys.modules[f"pyutils{unused}"] = MagicMock()
_PATCHES = [
    "only its modules of phase shifters and couplers are imported",
    "an empty stand-in for pyutils: quantisers, noise and logs, which are off",
]

from torchonn.layers.super_mesh import SuperBatchedPSLayer, SuperDCFrontShareLayer  # noqa: E402 - after the patches

_DEVICE = torch.device("cpu")


def about() -> dict[str, Any]:
    return {"version": "checkout", "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    modes = case.modes
    mesh = nn.Sequential()
    for column in range(modes):
        for _ in ("external phase", "internal phase"):
            mesh.append(_shifters(modes))
            mesh.append(_couplers(modes, column % 2))
    mesh.append(_shifters(modes))
    weights = [layer.weight for layer in mesh if isinstance(layer, SuperBatchedPSLayer)]
    with torch.no_grad():
        for weight, values in zip(weights, settings(case.theta, case.phi, case.gamma).reshape(-1, modes), strict=True):
            weight.copy_(torch.from_numpy(values).reshape(weight.shape))
    identity = torch.eye(modes, dtype=torch.complex64)

    def run(x: torch.Tensor) -> torch.Tensor:
        # As its layers do where the batch is larger: the matrix first.
        return x @ _through(mesh, identity) if len(x) > modes else _through(mesh, x)

    return torch_mesh(case, run, weights, settings=settings)


def settings(theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> NDArray[np.float64]:
    """Return the phases of its full columns of shifters: external and internal in turn, then those at the output."""
    modes = len(gamma)
    rows = np.zeros((2 * modes + 1, modes))
    for column, (mzis, upper) in enumerate(columns(modes)):
        rows[2 * column, upper], rows[2 * column + 1, upper] = phi[mzis], theta[mzis]
    rows[-1] = gamma
    return rows.ravel()


def _through(mesh: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Send light through the one mesh of its grid of meshes."""
    return mesh(x[:, None, None])[:, 0, 0]


def _shifters(modes: int) -> nn.Module:
    return SuperBatchedPSLayer(1, 1, (), modes, device=_DEVICE)


def _couplers(modes: int, offset: int) -> nn.Module:
    layer = SuperDCFrontShareLayer(modes, offset, device=_DEVICE)
    layer.set_sample_arch(layer.max_arch)
    layer.fix_arch_solution()
    return layer


if __name__ == "__main__":
    serve(about, build)
