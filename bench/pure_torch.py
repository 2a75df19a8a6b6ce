"""The mesh as a torch user would write it, with autograd and no kernel of ours: column by column, all MZIs at once.

Two writings of the same loop: ``elementwise`` spells out the 2×2 products, ``batched`` hands them to torch.matmul.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from retrolux.mesh import Topology

__all__ = ["Columns", "batched", "elementwise"]


@dataclass(frozen=True)
class Columns:
    """Where the MZIs of each column are: its slice of the phases and its modes, upper and lower."""

    slices: list[slice]
    upper: list[Tensor]
    lower: list[Tensor]

    @staticmethod
    def of(topology: Topology) -> Columns:
        """Take the columns of a topology."""
        starts = topology.starts.tolist()
        pairs = [torch.tensor(column, dtype=torch.int64) for column in topology.columns]
        return Columns(
            [slice(first, last) for first, last in pairwise(starts)],
            [pair[:, 0].contiguous() for pair in pairs],
            [pair[:, 1].contiguous() for pair in pairs],
        )


def elementwise(x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, columns: Columns) -> Tensor:
    """Send light of shape (batch, modes) through the mesh."""
    aa, ab, ba, bb = _mzi(theta, phi)
    for column, upper, lower in zip(columns.slices, columns.upper, columns.lower, strict=True):
        a, b = x[:, upper], x[:, lower]
        crossed = torch.cat([aa[column] * a + ab[column] * b, ba[column] * a + bb[column] * b], dim=1)
        x = x.index_copy(1, torch.cat([upper, lower]), crossed)
    return x * torch.exp(1j * gamma)


def batched(x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, columns: Columns) -> Tensor:
    """Send light of shape (batch, modes) through the mesh, modes first inside, where gathering is contiguous."""
    matrices = torch.stack(_mzi(theta, phi), dim=-1).reshape(-1, 2, 2)
    x = x.T
    for column, upper, lower in zip(columns.slices, columns.upper, columns.lower, strict=True):
        modes = torch.stack([upper, lower], dim=1).flatten()
        pairs = x.index_select(0, modes).reshape(len(upper), 2, x.shape[1])
        x = x.index_copy(0, modes, (matrices[column] @ pairs).reshape(len(modes), x.shape[1]))
    return x.T * torch.exp(1j * gamma)


def _mzi(theta: Tensor, phi: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the entries of T, aa, ab, ba and bb, of ideal MZIs as `retrolux.mesh.convention` defines them."""
    sine, cosine = torch.sin(theta / 2), torch.cos(theta / 2)
    common, external = 1j * torch.exp(0.5j * theta), torch.exp(1j * phi)
    return common * external * sine, common * cosine, common * external * cosine, -common * sine
