"""Photodetectors at the output ports of a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from retrolux._plain import is_traced
from retrolux.nn.activations import power

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

__all__ = ["Intensity"]


class Intensity(nn.Module):
    """Power |y|² at chosen ports, in the order given; the logits of a photonic classifier.

    Pai et al., Science 380, 398 (2023).

    Parameters
    ----------
    ports : sequence of int, optional
        Modes that carry a detector, each at least 0 and none twice; all modes when left out.

    Raises
    ------
    ValueError
        When `ports` is empty, holds a negative number, or holds a port twice.
    """

    index: Tensor | None

    def __init__(self, ports: Sequence[int] | None = None) -> None:
        super().__init__()
        self.ports = None if ports is None else tuple(int(port) for port in ports)
        if self.ports is not None:
            if not self.ports:
                raise ValueError("ports must name at least one mode, got none")
            if min(self.ports) < 0:
                raise ValueError(f"ports must be at least 0, got {min(self.ports)}")
            if len(set(self.ports)) < len(self.ports):
                raise ValueError(f"ports must name each mode once, got {list(self.ports)}")
        index = None if self.ports is None else torch.tensor(self.ports)
        self.register_buffer("index", index, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.index is not None and not self.index.is_meta:  # `to_empty` leaves it without its values
            self.index.copy_(torch.tensor(self.ports, device="cpu"))
        return self

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return "" if self.ports is None else f"ports={self.ports}"

    def forward(self, y: Tensor) -> Tensor:
        """Detect the light.

        Parameters
        ----------
        y : Tensor, shape (…, modes), real or complex
            Output field of a mesh.

        Returns
        -------
        Tensor, shape (…, ports), real
            Power at each port, in units of |y|².

        Raises
        ------
        ValueError
            When `y` has no mode for one of the ports.
        """
        if self.ports is None or self.index is None:
            return power(y)
        last = max(self.ports)
        if not is_traced() and (y.ndim == 0 or y.shape[-1] <= last):
            raise ValueError(f"y must have the mode of port {last} in its last axis, got shape {tuple(y.shape)}")
        index = self.index
        if index.device != y.device:  # made on the meta device and never moved: no state dict brings it
            index = torch.tensor(self.ports, device=y.device)
        return power(y.index_select(-1, index))
