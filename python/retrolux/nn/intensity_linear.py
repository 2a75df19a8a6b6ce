"""One mesh with photodetectors, as a layer of real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from retrolux.functional import require_last
from retrolux.mesh import rectangular
from retrolux.nn.detectors import Intensity
from retrolux.nn.dtypes import keeping_kind
from retrolux.nn.mesh import Mesh
from retrolux.nn.reparametrized import reset_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

__all__ = ["IntensityLinear"]


class IntensityLinear(nn.Module):
    """``y = gain · |U x|² + b``: a mesh with powers detected at its first ports; in the place of a `torch.nn.Linear`.

    Quadratic in the light, so another function than a linear layer, but with one mesh and no coherent detector.

    Parameters
    ----------
    in_features : int
        Modes that carry light; the others stay dark.
    out_features : int
        Ports with a detector.
    bias : bool
        Whether b is learnt; it is added electronically.
    mesh : Mesh, optional
        U, of at least so many modes as there are inputs and outputs, on a chip or exact; rectangular with just so many,
        Haar-random and complex64 when left out.

    Attributes
    ----------
    mesh : Mesh
    gain : Parameter, shape ()
        Of the amplifiers behind the detectors, at first 1.
    bias : Parameter or None, shape (out_features,)

    Raises
    ------
    ValueError
        When a size is below 1, or the mesh has too few modes.

    References
    ----------
    Pai et al., Science 380, 398 (2023).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, mesh: Mesh | None = None) -> None:
        super().__init__()
        if min(in_features, out_features) < 1:
            raise ValueError(f"in_features and out_features must be at least 1, got {in_features} and {out_features}")
        least = max(in_features, out_features, 2)
        self.mesh = Mesh(rectangular(least)) if mesh is None else mesh
        if self.mesh.topology.modes < least:
            raise ValueError(f"mesh must have at least {least} modes, got {self.mesh.topology.modes}")
        self.in_features, self.out_features = in_features, out_features
        self.detectors = Intensity(range(out_features))
        theta = self.mesh.theta
        self.gain = nn.Parameter(torch.empty((), dtype=theta.dtype, device=theta.device))
        room = torch.empty(out_features, dtype=theta.dtype, device=theta.device)
        self.bias = nn.Parameter(room) if bias else None
        self._reset_electronics()

    def reset_parameters(self) -> None:
        """Set all parameters as they were at first; see `Mesh.reset_parameters`."""
        self.mesh.reset_parameters()
        self._reset_electronics()

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, real of shape (…, out_features), for `x` of shape (…, in_features), real or complex.

        Raises
        ------
        ValueError
            When the last dimension is not the inputs.
        """
        require_last(x, "in_features", self.in_features)
        light = nn.functional.pad(x, (0, self.mesh.topology.modes - self.in_features))
        y: Tensor = self.gain * self.detectors(self.mesh(light))
        return y if self.bias is None else y + self.bias

    def _reset_electronics(self) -> None:
        reset_settings(self, {"gain": torch.ones_like(self.gain)})
        if self.bias is not None:
            reset_settings(self, {"bias": torch.zeros_like(self.bias)})

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return super()._apply(keeping_kind(fn), recurse)  # type: ignore[no-any-return, no-untyped-call]

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
