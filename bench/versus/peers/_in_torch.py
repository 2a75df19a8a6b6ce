"""Meshes in torch: light, gradients and precision alike for all of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch
from _mesh import Case, Mesh, in_order
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["phases", "torch_mesh"]

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def phases(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """Return theta, phi and gamma, to be trained."""
    theta, phi, gamma = (torch.tensor(phase, dtype=torch.float32) for phase in (case.theta, case.phi, case.gamma))
    return theta.requires_grad_(), phi.requires_grad_(), gamma.requires_grad_()


def torch_mesh(
    case: Case,
    run: Callable[[Tensor], Tensor],
    weights: Sequence[Tensor],
    *,
    light: Callable[[Tensor], Tensor] = lambda field: field,
    field: Callable[[Tensor], Tensor] = lambda light: light,
    settings: Callable[..., NDArray[np.float64]] | None = in_order,
    differentiable: bool = True,
) -> Mesh:
    """Return a mesh of which `run` carries light; `weights` are what it is differentiated by, besides the light.

    `light` brings fields of shape (batch, modes), complex64, into the form that `run` takes and gives; `field` is its
    inverse.
    """
    x, grad_y = (light(torch.tensor(part, dtype=torch.complex64)).contiguous() for part in (case.x, case.grad_y))
    inputs = [x.requires_grad_(), *weights]

    def forward() -> Tensor:
        with torch.no_grad():
            return run(x)

    def step() -> tuple[Tensor, ...]:
        return torch.autograd.grad(run(x), inputs, grad_y)

    def gradients(found: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        grad_x, *others = found
        return field(grad_x).resolve_conj(), torch.cat([other.flatten() for other in others])

    return Mesh(
        case,
        forward,
        step if differentiable else None,
        lambda y: field(y).resolve_conj(),
        gradients,
        settings,
    )
