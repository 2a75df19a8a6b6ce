"""The base of the layers whose weight is a grid of blocks, and the options that they share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

import torch
from torch import Tensor, nn

from retrolux.nn.blocks import Blocks
from retrolux.nn.dtypes import as_light, keeping_kind, stay_real
from retrolux.nn.reparametrized import compute_anew, reset_settings
from retrolux.nn.state_dict import Described

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from retrolux.gradient import Method
    from retrolux.hardware import Imperfections
    from retrolux.mesh import Topology
    from retrolux.nn.experiment import OutputPhase

__all__ = ["BlockLayer", "BlockOptions"]

_Digital = TypeVar("_Digital", nn.Linear, nn.Conv1d, nn.Conv2d)


class BlockOptions(TypedDict, total=False):
    """How a matrix is built from meshes; keyword arguments of every layer that has one.

    Attributes
    ----------
    block : int or Topology
        The most modes a mesh may have, at least 2; default 64. Meshes are rectangular, as large as cuts the shorter
        side of the matrix into the fewest equal parts. Or the mesh itself, for example ``mesh.butterfly(16)``.
    train : {"all", "sigma"}
        Whether everything is trained, or the meshes stay as they are and the singular values alone are: sigma and gain
        (subspace learning; Gu et al., "L2ight", NeurIPS 2021).
    seed : int, optional
        Of the initial values; None draws it from torch's generator, which ``torch.manual_seed`` sets.
    imperfections : Imperfections, optional
        What is wrong with the chips, one for each mesh: light then goes through `SimulatedChip`, block by block, and
        ``backward`` measures gradients.
    gradient : str or Method
        How gradients are got from a chip, see `retrolux.nn.Mesh`; without chips they are exact.
    output_phase : {"measured", "known"}
        Of a chip, see `retrolux.nn.Mesh`.
    chip_seed : int
        At least 0: which of all chips with these imperfections they are.
    """

    block: int | Topology
    train: Literal["all", "sigma"]
    seed: int | None
    imperfections: Imperfections | None
    gradient: str | Method
    output_phase: OutputPhase
    chip_seed: int


class BlockLayer(Described):
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
        self.blocks = Blocks(outputs // groups, math.prod(inputs), groups, dtype, **options, device=device)
        self.bias = nn.Parameter(torch.empty(outputs, dtype=dtype, device=device)) if bias else None
        self._shape, self._seed = shape, options.get("seed")
        self._reset_bias()

    def reset_parameters(self) -> None:
        """Set all parameters as they were at first; without a seed they are drawn anew.

        Chips stay the chips they are. Without memory, on the meta device, nothing is set.
        """
        self.blocks.reset_parameters()
        self._reset_bias()

    def description(self) -> dict[str, tuple[str, str]]:
        """Return the shape of the weight: a state must have the same."""
        return {"weight": (str(self._shape), f"a weight of shape {self._shape}")}

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """Add a parameter to the layer.

        Raises
        ------
        TypeError
            When torch.nn.utils.prune asks for ``weight_orig``: the weight is no parameter.
        """
        if name == "weight_orig":
            raise TypeError(
                "the weight is computed from meshes and cannot be pruned; prune the digital layer and convert it "
                "after torch.nn.utils.prune.remove, or prune the attenuators: 'sigma' of blocks"
            )
        super().register_parameter(name, param)

    @property
    def weight(self) -> Tensor:
        """The weight that a digital layer would need, differentiable in the parameters; writing to it changes nothing.

        On chips as they measure it, by light that is sent into every input.
        """
        blocks = self.blocks
        if blocks.chips is None:
            return self._dense().clone()
        light = torch.eye(blocks.columns, dtype=blocks.gain.dtype, device=blocks.gain.device)
        measured: Tensor = (
            blocks(light.unsqueeze(1).expand(-1, blocks.groups, -1)).permute(1, 2, 0).reshape(self._shape)
        )
        return measured

    def _dense(self) -> Tensor:
        """Return the weight of ideal meshes; not to be written to."""
        return self.blocks.matrix().reshape(self._shape)

    def _light(self, x: Tensor) -> Tensor:
        """Return the input in a dtype that the weight can multiply."""
        if self.blocks.is_complex:
            return as_light(x, self.blocks.dtype)
        if x.is_complex():
            raise TypeError(f"x must be real for a layer in {self.blocks.dtype}, got {x.dtype}")
        return x

    def _reset_bias(self) -> None:
        if self.bias is None or self.bias.is_meta:
            return
        generator = None if self._seed is None else torch.Generator().manual_seed(self._seed)
        bound = 1 / math.sqrt(self.blocks.columns)
        room = torch.empty(self.bias.shape, dtype=self.bias.dtype, device="cpu")
        reset_settings(self, {"bias": room.uniform_(-bound, bound, generator=generator)})

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        if not self.blocks.is_complex:
            stay_real(fn, self.blocks.dtype)
        return super()._apply(keeping_kind(fn), recurse)  # type: ignore[no-any-return, no-untyped-call]

    def _load(self, digital: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
        """Take over the weight, the bias, whether they are trained, and the mode of a digital layer."""
        groups, outputs = self.blocks.groups, len(digital.weight)
        self.blocks.load_matrix(digital.weight.reshape(groups, outputs // groups, -1))
        if not digital.weight.requires_grad:
            self.blocks.requires_grad_(False)
        if self.bias is not None and digital.bias is not None:
            self.bias.data.copy_(digital.bias.data)
            self.bias.requires_grad_(digital.bias.requires_grad)
        self.train(digital.training)

    def _store(self, digital: _Digital) -> _Digital:
        """Give a digital layer of the same shape the weight of ideal meshes; return it."""
        compute_anew(self, "bias")
        digital.weight.data.copy_(self._dense().detach())
        digital.weight.requires_grad_(any(setting.requires_grad for setting in self.blocks.parameters()))
        if self.bias is not None and digital.bias is not None:
            digital.bias.data.copy_(self.bias.data)
            digital.bias.requires_grad_(self.bias.requires_grad)
        return digital.train(self.training)
