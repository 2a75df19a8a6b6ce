"""Every loss by its name. torch is imported when one is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["LOSSES"]


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    from torch.nn import functional as F  # noqa: PLC0415 - names of losses are known without torch

    return F.cross_entropy(logits, labels)


def _batch_axis(logits: Tensor, labels: Tensor) -> Tensor:
    """Softmax over the samples, averaged over samples × classes: what explains the published loss values."""
    chosen = logits.log_softmax(dim=0).gather(1, labels[:, None])
    return -chosen.mean() / logits.shape[1]


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "batch_axis": _batch_axis,
}
"""Losses of logits, shape (batch, classes), and labels, int64 of shape (batch,), by their names."""
