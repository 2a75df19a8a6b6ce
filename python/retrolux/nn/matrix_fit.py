"""Fits the phases of a mesh to a wanted matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from retrolux.nn.mesh import Mesh

__all__ = ["fit_matrix"]


def fit_matrix(
    mesh: Mesh,
    target: ArrayLike,
    *,
    steps: int = 200,
    lr: float = 0.02,
    progress: Callable[[int, float], None] | None = None,
) -> float:
    """Train the phases of a mesh until it performs `target`; on a chip by the gradients that it measures.

    Light enters one mode after the other. Adam lowers the squared distance of all outputs from the columns of the
    target, at a rate that falls to zero as a cosine. Start near the target, from ``mesh.load_matrix`` or
    `retrolux.hardware.self_configure`: from random phases the fit may end in a local minimum.

    Parameters
    ----------
    mesh : Mesh
        Exact or on a chip; its trainable phases change in place.
    target : array_like of complex, shape (modes, modes)
        The matrix U wanted, y = U x.
    steps : int
        Gradient steps, at least 1; each sends modes samples of light, and what the gradient method needs.
    lr : float
        First learning rate [rad].
    progress : callable, optional
        Called with (step, error) after every step.

    Returns
    -------
    float
        ‖U − target‖_F / √modes as it was measured last.

    Raises
    ------
    ValueError
        When the target has another shape, or `steps` is below 1.

    References
    ----------
    Hughes et al., Optica 5, 864 (2018); Kingma and Ba, ICLR 2015 (Adam).
    """
    wanted = torch.as_tensor(target, dtype=mesh.dtype, device=mesh.theta.device)
    modes = mesh.topology.modes
    if wanted.shape != (modes, modes):
        raise ValueError(f"target must have shape (modes, modes) = {(modes, modes)}, got {tuple(wanted.shape)}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    optimizer = torch.optim.Adam([p for p in mesh.parameters() if p.requires_grad], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        distance = _distance(mesh, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(distance)
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress(step, float(distance.detach().sqrt()))
    with torch.no_grad():
        return float(_distance(mesh, wanted).sqrt())


def _distance(mesh: Mesh, wanted: Tensor) -> Tensor:
    """Return ‖U − wanted‖²_F / modes."""
    squared: Tensor = (mesh.matrix() - wanted).abs().square().sum() / len(wanted)
    return squared
