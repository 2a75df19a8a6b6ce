"""Photontorch, which solves the whole circuit at once: Laporte et al., Scientific Reports 9, 5918 (2019)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import photontorch
import torch
from _in_torch import torch_mesh
from _mesh import columns, load
from _worker import release, serve

if TYPE_CHECKING:
    from pathlib import Path

    from _mesh import Mesh
    from numpy.typing import NDArray


def _with_other_nodes(circuit: Any, light: torch.Tensor) -> torch.Tensor:
    """Return the light of the sources, shape (2, times, wavelengths, sources, batch), and none at the other nodes."""
    others = light.new_zeros(*light.shape[:3], circuit.num_mc - light.shape[3], light.shape[4])
    return torch.cat([light, others], dim=3)


torch.solve = lambda right, left: (torch.linalg.solve(left, right), None)
photontorch.Network._handle_source = _with_other_nodes
_PATCHES = [
    "torch.solve, which torch 1.13 removed, is torch.linalg.solve",
    "light is handed over without names of its dimensions, which torch has removed",
]


def about() -> dict[str, Any]:
    return {"version": release("photontorch"), "precision": "complex64", "patches": _PATCHES}


def build(path: Path) -> Mesh:
    case = load(path)
    circuit = photontorch.ClementsNxN(
        case.modes,
        wg_factory=lambda: photontorch.Waveguide(length=0, phase=0, trainable=True),
        mzi_factory=lambda: photontorch.Mzi(length=0, trainable=True),
    ).terminate()
    *pairs, shifters = circuit.base.components.values()
    mzis = [mzi for pair in pairs for mzi in (*_mzis(pair, 0), *_mzis(pair, 1))]
    for edge in {edge for pair in pairs for edge in pair.components.values()} - set(mzis):
        edge.phase.requires_grad_(False)
    outputs = [shifters.components[f"wg{mode}"] for mode in range(case.modes)]
    weights = [phase for mzi in mzis for phase in (mzi.theta, mzi.phi)] + [output.phase for output in outputs]
    with torch.no_grad():
        for weight, value in zip(weights, settings(case.theta, case.phi, case.gamma), strict=True):
            weight.fill_(value)

    def run(light: torch.Tensor) -> torch.Tensor:
        # One wavelength, one moment: the steady state. A new environment makes it solve again, as after a step.
        with photontorch.Environment(freqdomain=True, num_t=1, grad=torch.is_grad_enabled()):
            return circuit(light, power=False)

    return torch_mesh(
        case,
        run,
        weights,
        light=lambda field: torch.view_as_real(field.T).movedim(-1, 0)[:, None, None],
        field=lambda light: torch.complex(light[0, 0, 0], light[1, 0, 0]).T,
        settings=settings,
    )


def settings(theta: NDArray[Any], phi: NDArray[Any], gamma: NDArray[Any]) -> NDArray[np.float64]:
    """Return its phases: theta and phi of each MZI, then those of the outputs.

    Its MZI is [[e^{iφ} cos θ, −sin θ], [e^{iφ} sin θ, cos θ]]: ours with other phases, but for one common to both
    outputs, which is handed on to the next column.
    """
    external, pending = np.empty_like(phi), np.zeros_like(gamma)
    for mzis, upper in columns(len(gamma)):
        a, b = pending[upper], pending[upper + 1]
        external[mzis] = phi[mzis] + math.pi + a - b
        pending[upper] = pending[upper + 1] = b + (theta[mzis] - math.pi) / 2
    own = np.stack([(math.pi - theta) / 2, external], axis=1)
    return np.concatenate([own.ravel(), gamma + pending])


def _mzis(pair: Any, column: int) -> list[Any]:
    """Return the MZIs of the first or second of two columns."""
    named = pair.components
    return [named[f"mzi{index}"] for index in range(column, pair.num_free_ports // 2 - 1, 2)]


if __name__ == "__main__":
    serve(about, build)
