"""What the layers have in common whose weight is a grid of blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from retrolux.nn.blocks import Blocks

if TYPE_CHECKING:
    from retrolux.nn.block_options import BlockOptions

__all__ = ["BlockLayer"]

_Digital = TypeVar("_Digital", nn.Linear, nn.Conv1d, nn.Conv2d)


class BlockLayer(nn.Module):
    """A weight of meshes and a bias of electronics.

    Parameters
    ----------
    shape : tuple of int
        Of the weight: outputs, inputs per group, and the size of the kernel where there is one.
    groups : int
        Number of separate matrices into which the weight falls.
    bias : bool
        Whether there is one.
    device : torch.device or str, optional
        Of the parameters.
    dtype : torch.dtype, optional
        Of the weight; None takes torch's default.
    options : BlockOptions
        How the weight is built from meshes.

    Attributes
    ----------
    blocks : Blocks
        The meshes and their attenuators.
    bias : Parameter or None, shape (outputs,)
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        groups: int,
        bias: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        options: BlockOptions,
    ) -> None:
        super().__init__()
        outputs, *inputs = shape
        dtype = torch.get_default_dtype() if dtype is None else dtype
        self.blocks = Blocks(outputs // groups, math.prod(inputs), groups, dtype, **options)
        self.bias: nn.Parameter | None = None
        if bias:
            seed, bound = options.get("seed"), 1 / math.sqrt(math.prod(inputs))
            generator = None if seed is None else torch.Generator().manual_seed(seed)
            self.bias = nn.Parameter(torch.empty(outputs, dtype=dtype).uniform_(-bound, bound, generator=generator))
        self._shape = shape
        self.to(device)

    @property
    def weight(self) -> Tensor:
        """The weight that a digital layer would need, differentiable in the parameters; writing to it changes nothing.

        On chips as they measure it, by light that is sent into every input.
        """
        blocks = self.blocks
        if blocks.chips is None:
            return self._dense().clone()
        light = torch.eye(blocks.columns, dtype=blocks.gain.dtype).unsqueeze(1).expand(-1, blocks.groups, -1)
        measured: Tensor = blocks(light).permute(1, 2, 0).reshape(self._shape)
        return measured

    def _dense(self) -> Tensor:
        """Return the weight of ideal meshes; not to be written to."""
        return self.blocks.matrix().reshape(self._shape)

    def _light(self, x: Tensor) -> Tensor:
        """Return the input in a dtype that the weight can multiply."""
        if self.blocks.is_complex:
            return x.to(self.blocks.dtype)
        if x.is_complex():
            raise TypeError(f"x must be real for a layer in {self.blocks.dtype}, got {x.dtype}")
        return x

    def _load(self, digital: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
        """Take over what a digital layer does, whether it is trained, and its mode."""
        groups, outputs = self.blocks.groups, len(digital.weight)
        self.blocks.load_matrix(digital.weight.reshape(groups, outputs // groups, -1))
        if not digital.weight.requires_grad:
            self.blocks.requires_grad_(False)
        if self.bias is not None and digital.bias is not None:
            self.bias.data.copy_(digital.bias.data)
            self.bias.requires_grad_(digital.bias.requires_grad)
        self.train(digital.training)

    def _store(self, digital: _Digital) -> _Digital:
        """Make a digital layer of the same shape do what ideal meshes would; return it."""
        digital.weight.data.copy_(self._dense().detach())
        digital.weight.requires_grad_(any(setting.requires_grad for setting in self.blocks.parameters()))
        if self.bias is not None and digital.bias is not None:
            digital.bias.data.copy_(self.bias.data)
            digital.bias.requires_grad_(self.bias.requires_grad)
        return digital.train(self.training)
