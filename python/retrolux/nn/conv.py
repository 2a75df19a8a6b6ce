"""Convolutions whose kernels are made of meshes."""

from __future__ import annotations

import math
from operator import index
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, TypeVar, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from retrolux.nn.block_layer import BlockLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from typing_extensions import Self, Unpack

    from retrolux.nn.block_layer import BlockOptions

__all__ = ["Conv1d", "Conv2d"]

_Sizes: TypeAlias = "int | tuple[int, ...]"
_PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
_Digital = TypeVar("_Digital", nn.Conv1d, nn.Conv2d)


class _Conv(BlockLayer):
    """What convolutions of one and two dimensions share."""

    _axes: ClassVar[tuple[str, ...]]
    _convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sizes,
        stride: _Sizes = 1,
        padding: _Sizes | Literal["same", "valid"] = 0,
        dilation: _Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: _PaddingMode = "zeros",
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[BlockOptions],
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups must divide in_channels = {in_channels} and out_channels = {out_channels}, got {groups}"
            )
        if padding_mode not in get_args(_PaddingMode):
            raise ValueError(f"padding_mode must be one of {', '.join(get_args(_PaddingMode))}, got {padding_mode!r}")
        kernel = self._numbers("kernel_size", kernel_size, 1)
        strides, gaps = self._numbers("stride", stride, 1), self._numbers("dilation", dilation, 1)
        if padding == "same" and max(strides) > 1:
            raise ValueError(f"stride must be 1 for padding='same', got {stride}")
        if not isinstance(padding, str):
            padding = self._numbers("padding", padding, 0)
        elif padding not in ("same", "valid"):
            raise ValueError(f"padding must be 'same', 'valid' or numbers of at least 0, got {padding!r}")
        super().__init__((out_channels, in_channels // groups, *kernel), groups, bias, device, dtype, options)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = kernel, strides, gaps
        self.padding, self.padding_mode = padding, padding_mode
        self.passes_per_sample = 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of `x`, shape (batch, in_channels, …) or (in_channels, …).

        Raises
        ------
        TypeError
            When `x` is complex and the layer is real.
        ValueError
            When the shape does not fit, or `x` is smaller than the kernel.
        """
        axes = len(self._axes)
        if x.ndim not in (axes + 1, axes + 2) or x.shape[-axes - 1] != self.in_channels:
            wanted = ", ".join(["batch", f"in_channels = {self.in_channels}", *self._axes])
            raise ValueError(f"x must have shape ({wanted}), with batch or without, got {tuple(x.shape)}")
        spans = tuple(gap * (size - 1) + 1 for size, gap in zip(self.kernel_size, self.dilation, strict=True))
        pads = self._pads(spans)
        padded = tuple(size + sum(pad) for size, pad in zip(x.shape[-axes:], pads, strict=True))
        if any(size < span for size, span in zip(padded, spans, strict=True)):
            raise ValueError(f"x must be at least as large as the kernel, {spans}, got {padded} with its padding")
        places = [(size - span) // step + 1 for size, span, step in zip(padded, spans, self.stride, strict=True)]
        self.passes_per_sample = math.prod(places)
        x, padding = self._light(x), self.padding
        if self.padding_mode != "zeros" or self.blocks.chips is not None:
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x, padding = F.pad(x, [side for pad in reversed(pads) for side in pad], mode), "valid"
        if self.blocks.chips is None:
            return self._convolve(x, self._dense(), self.bias, self.stride, padding, self.dilation, self.groups)
        patches = self._patches(x if x.ndim == axes + 2 else x.unsqueeze(0), spans)
        y: Tensor = self.blocks(patches).flatten(-2)
        y = (y if self.bias is None else y + self.bias).movedim(-1, 1)
        return y if x.ndim == axes + 2 else y.squeeze(0)

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding!r}, dilation={self.dilation}, groups={self.groups}, bias={self.bias is not None}, "
            f"padding_mode={self.padding_mode!r}"
        )

    @classmethod
    def from_conv(cls, conv: nn.Conv1d | nn.Conv2d, **options: Unpack[BlockOptions]) -> Self:
        """Return a layer of ideal meshes with the function of a digital one; what was frozen stays frozen.

        Raises
        ------
        TypeError, ValueError
            When `conv` has other dimensions, the dtype or an option does not fit, or the mesh is not universal
            (rectangular or triangular).
        """
        if len(conv.kernel_size) != len(cls._axes):
            raise TypeError(f"conv must be a torch.nn.{cls.__name__}, got a {type(conv).__name__}")
        options.setdefault("seed", 0)
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            conv.padding,  # type: ignore[arg-type]  # torch has checked the string
            conv.dilation,
            conv.groups,
            conv.bias is not None,
            conv.padding_mode,
            device=conv.weight.device,
            dtype=conv.weight.dtype,
            **options,
        )
        layer._load(conv)
        return layer

    def _to(self, digital: type[_Digital]) -> _Digital:
        """Return the digital layer of the same function."""
        conv: _Digital = nn.utils.skip_init(
            digital,
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.bias is not None,
            self.padding_mode,
            device=self.blocks.gain.device,
            dtype=self.blocks.dtype,
        )
        return self._store(conv)

    def _pads(self, spans: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return by how much each axis is padded before and behind, for a kernel of these spans."""
        if self.padding == "same":
            return [((span - 1) // 2, span // 2) for span in spans]
        if self.padding == "valid":
            return [(0, 0)] * len(spans)
        return [(side, side) for side in self.padding]

    def _patches(self, x: Tensor, spans: tuple[int, ...]) -> Tensor:
        """Return what the kernel covers at each place, shape (batch, …, groups, in_channels / groups · kernel)."""
        axes = len(spans)
        for axis, (span, step, gap) in enumerate(zip(spans, self.stride, self.dilation, strict=True), start=2):
            x = x.unfold(axis, span, step)[..., ::gap]
        patches: Tensor = x.movedim(1, axes + 1).unflatten(axes + 1, (self.groups, -1)).flatten(axes + 2)
        return patches

    @classmethod
    def _numbers(cls, name: str, value: _Sizes, least: int) -> tuple[int, ...]:
        """Return one number for each axis, checked."""
        axes = len(cls._axes)
        numbers = (value,) * axes if isinstance(value, int) else tuple(index(number) for number in value)
        if len(numbers) != axes or min(numbers) < least:
            plural = f" or {axes} of them" if axes > 1 else ""
            raise ValueError(f"{name} must be a whole number of at least {least}{plural}, got {value!r}")
        return numbers


class Conv1d(_Conv):
    """A convolution along one axis with a kernel of blocks ``gain · U Σ V†``; takes the place of `torch.nn.Conv1d`.

    As `Conv2d`, with input and output of shape (batch, channels, length).
    """

    _axes = ("length",)
    _convolve = staticmethod(F.conv1d)

    def to_conv(self) -> nn.Conv1d:
        """Return the digital layer of the same function; imperfections of chips are left out."""
        return self._to(nn.Conv1d)


class Conv2d(_Conv):
    """A convolution of images with a kernel of blocks ``gain · U Σ V†``; takes the place of `torch.nn.Conv2d`.

    Exact meshes make up the kernel, and torch convolves. On chips each patch that the kernel covers is a sample of
    light.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        As for `torch.nn.Conv2d`. The matrix that the blocks make up has, for each group, out_channels / groups rows and
        in_channels / groups · kernel height · kernel width columns. The bias is added electronically.
    device : torch.device or str, optional
        Of the parameters; chips are simulated on the CPU.
    dtype : torch.dtype, optional
        float32, float64, complex64 or complex128; None takes torch's default. A real kernel is the real part of the
        blocks.
    **options : BlockOptions
        ``block=64``, ``train``, ``seed``, ``imperfections``, ``gradient``, ``output_phase`` and ``chip_seed``; see
        `BlockOptions`.

    Attributes
    ----------
    blocks : Blocks
        The meshes and their attenuators.
    bias : Parameter or None, shape (out_channels,)
    weight : Tensor, shape (out_channels, in_channels / groups, kernel height, kernel width)
        The kernel, computed or, on chips, measured when it is asked for.
    passes_per_sample : int
        How often light passes the meshes for an image as large as the last one; 1 before the first.

    Raises
    ------
    TypeError, ValueError
        When a size is out of range, groups do not divide the channels, or an option is unknown or out of range.
    """

    _axes = ("height", "width")
    _convolve = staticmethod(F.conv2d)

    def to_conv(self) -> nn.Conv2d:
        """Return the digital layer of the same function; imperfections of chips are left out."""
        return self._to(nn.Conv2d)
