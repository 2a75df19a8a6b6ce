"""What the contenders compute, and what they should get: files that every environment can read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from retrolux.functional import propagate
from retrolux.mesh import haar_phases, rectangular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ANALOG_LAYERS", "Case", "write"]

# Precision p: 4 bits, 2⁴ − 1 levels. Leakage ℓ: one value in five leaves its level. Poisson: 90 counts at 1.
_P, _LEAKAGE, _SCALE = 15, 0.2, 6.0

# Options of each layer, and how far it moves values x: the root of the mean square of y − x, from its law.
ANALOG_LAYERS: dict[str, tuple[dict[str, float], Callable[[NDArray[np.float64]], float]]] = {
    "ReducePrecision": ({"precision": _P}, lambda x: _rms(np.rint(_P * x) / _P - x)),
    "StochasticReducePrecision": ({"precision": _P}, lambda x: _rms(np.sqrt(_P * x % 1 * (1 - _P * x % 1)) / _P)),
    "GaussianNoise": (
        {"leakage": _LEAKAGE, "precision": _P},
        lambda x: -0.5 / (_P * NormalDist().inv_cdf(_LEAKAGE / 2)),
    ),
    "LaplacianNoise": ({"leakage": _LEAKAGE, "precision": _P}, lambda x: -(2**-0.5) / (_P * math.log(_LEAKAGE))),
    "UniformNoise": ({"leakage": _LEAKAGE, "precision": _P}, lambda x: 12**-0.5 / (_P * (1 - _LEAKAGE))),
    "PoissonNoise": ({"scale": _SCALE, "precision": _P}, lambda x: float(np.sqrt(np.abs(x).mean() / (_SCALE * _P)))),
}


@dataclass(frozen=True)
class Case:
    """One cell of the grid: a mesh, or an analog layer of a name."""

    kind: Literal["mesh", "analog"]
    modes: int
    batch: int
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.modes} × {self.batch}".strip()


def write(path: Path, case: Case) -> None:
    """Write inputs and expected results, drawn from a fixed seed."""
    generator = np.random.default_rng(1)
    np.savez(path, **(_mesh(case, generator) if case.kind == "mesh" else _analog(case, generator)))


def _mesh(case: Case, generator: np.random.Generator) -> dict[str, Any]:
    """Return phases and light, and what a rectangular mesh makes of them in double precision."""
    topology = rectangular(case.modes)
    # With uniform θ the far corners of a large matrix would be subnormal, and slow down every product with it.
    drawn = haar_phases(topology, generator)
    phases = {name: torch.from_numpy(phase) for name, phase in zip(("theta", "phi", "gamma"), drawn, strict=True)}
    shape = case.batch, case.modes
    x, grad_y = (
        torch.from_numpy(generator.standard_normal(shape) + 1j * generator.standard_normal(shape)) for _ in range(2)
    )
    inputs = {"x": x, **phases}
    for tensor in inputs.values():
        tensor.requires_grad_()
    gradients = torch.autograd.grad(propagate(*inputs.values(), topology, route="mesh"), list(inputs.values()), grad_y)
    identity = torch.eye(case.modes, dtype=torch.complex128)
    matrix = propagate(identity, *phases.values(), topology, route="mesh").mT
    arrays = {
        **inputs,
        "grad_y": grad_y,
        "matrix": matrix,
        **{f"grad_{name}": gradient for name, gradient in zip(inputs, gradients, strict=True)},
    }
    return {name: tensor.detach().numpy() for name, tensor in arrays.items()}


def _analog(case: Case, generator: np.random.Generator) -> dict[str, Any]:
    """Return values in [−1, 1], options of the layer and how far it should move the values, root mean square."""
    x, grad_y = (generator.uniform(-1, 1, (case.batch, case.modes)) for _ in range(2))
    options, spread = ANALOG_LAYERS[case.layer]
    return {"layer": case.layer, "options": json.dumps(options), "x": x, "grad_y": grad_y, "spread": spread(x)}


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))
