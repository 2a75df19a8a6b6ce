"""A mesh in plain torch, one column after the other, as the convention writes it.

Slow, and differentiable any number of times, forwards and backwards, by torch itself. Second derivatives and
forward-mode derivatives come from here; values and first derivatives come from the kernels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from retrolux.mesh import Topology
    from retrolux.mesh.settings import Settings

__all__ = ["matrices"]


def matrices(topology: Topology, settings: Settings) -> Tensor:
    """Return the transposed matrices of meshes, shape (…, modes, modes), on their device.

    Parameters
    ----------
    topology : Topology
        Where the MZIs of every mesh sit.
    settings : Settings of Tensor
        Of all meshes, as `retrolux.functional.matrices` takes them.
    """
    (t_aa, t_ab), (t_ba, t_bb) = _mzis(settings)
    device = settings.theta.device
    # Row k is what light in mode k has become.
    light = torch.eye(topology.modes, dtype=t_aa.dtype, device=device)
    light = light.expand(*settings.theta.shape[:-1], topology.modes, topology.modes)
    start = 0
    for pairs in topology.columns:
        column = slice(start, start + len(pairs))
        start += len(pairs)
        a, b = torch.as_tensor(pairs.T.astype(int), device=device)
        straight = torch.ones(topology.modes, dtype=torch.bool, device=device)
        straight[a], straight[b] = False, False
        rest = straight.nonzero()[:, 0]
        at_a, at_b = light[..., a], light[..., b]
        into_a = t_aa[..., None, column] * at_a + t_ab[..., None, column] * at_b
        into_b = t_ba[..., None, column] * at_a + t_bb[..., None, column] * at_b
        light = torch.cat([into_a, into_b, light[..., rest]], dim=-1)[..., torch.cat([a, b, rest]).argsort()]
    return light * _turn(settings.gamma)[..., None, :]


def _mzis(settings: Settings) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the elements of T = B(π/4 + ε₂) · diag(e^{iθ} t₂, t₃) · B(π/4 + ε₁) · diag(e^{iφ} t₀, t₁)."""
    theta, phi, _, coupler_error, loss_db = settings
    angles = theta.new_full((*theta.shape, 2), math.pi / 4) + (0 if coupler_error is None else coupler_error)
    (c1, c2), (s1, s2) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    losses = theta.new_zeros((*theta.shape, 4)) if loss_db is None else loss_db
    t0, t1, t2, t3 = (10 ** (-losses / 20)).unbind(-1)
    outer, inner = _turn(phi) * t0, _turn(theta) * t2
    return (
        (outer * (c2 * c1 * inner - s2 * s1 * t3), 1j * t1 * (c2 * s1 * inner + s2 * c1 * t3)),
        (1j * outer * (s2 * c1 * inner + c2 * s1 * t3), t1 * (c2 * c1 * t3 - s2 * s1 * inner)),
    )


def _turn(phase: Tensor) -> Tensor:
    return (1j * phase).exp()
