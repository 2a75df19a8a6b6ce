"""A linear layer made of meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from retrolux.functional import require_last
from retrolux.nn.block_layer import BlockLayer

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from retrolux.nn.block_layer import BlockOptions

__all__ = ["Linear"]


class Linear(BlockLayer):
    """``y = x @ W.T + b`` with W a grid of blocks ``gain · U Σ V†``; takes the place of `torch.nn.Linear`.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of input and output.
    bias : bool
        Whether b is learnt; it is added electronically.
    device : torch.device or str, optional
        Of the parameters; chips are simulated on the CPU.
    dtype : torch.dtype, optional
        float32, float64, complex64 or complex128; None takes torch's default. A real W is the real part of the blocks.
    **options : BlockOptions
        ``block=64``, ``train``, ``seed``, ``imperfections``, ``gradient``, ``output_phase`` and ``chip_seed``; see
        `BlockOptions`.

    Attributes
    ----------
    blocks : Blocks
        The meshes and their attenuators.
    bias : Parameter or None, shape (out_features,)
    weight : Tensor, shape (out_features, in_features)
        W, computed or, on chips, measured when it is asked for.

    Raises
    ------
    TypeError, ValueError
        When a size is below 1, or an option is unknown or out of range.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__((out_features, in_features), 1, bias, device, dtype, options)
        self.in_features, self.out_features = in_features, out_features

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, shape (…, out_features), for `x` of shape (…, in_features).

        Raises
        ------
        TypeError
            When `x` is complex and the layer is real.
        ValueError
            When the last dimension is not the inputs.
        """
        require_last(x, "in_features", self.in_features)
        x = self._light(x)
        if self.blocks.chips is None:
            return F.linear(x, self._dense(), self.bias)
        y: Tensor = self.blocks(x.unsqueeze(-2)).squeeze(-2)
        return y if self.bias is None else y + self.bias

    @classmethod
    def from_linear(cls, linear: nn.Linear, **options: Unpack[BlockOptions]) -> Linear:
        """Return a layer of ideal meshes with the function of a digital one; what was frozen stays frozen.

        Raises
        ------
        TypeError, ValueError
            When the dtype or an option does not fit, or the mesh is not universal (rectangular or triangular).
        """
        weight = linear.weight
        options.setdefault("seed", 0)
        layer = cls(
            linear.in_features,
            linear.out_features,
            linear.bias is not None,
            device=weight.device,
            dtype=weight.dtype,
            **options,
        )
        layer._load(linear)
        return layer

    def to_linear(self) -> nn.Linear:
        """Return the digital layer of the same function; imperfections of chips are left out."""
        linear: nn.Linear = nn.utils.skip_init(
            nn.Linear,
            self.in_features,
            self.out_features,
            self.bias is not None,
            device=self.blocks.gain.device,
            dtype=self.blocks.dtype,
        )
        return self._store(linear)

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
