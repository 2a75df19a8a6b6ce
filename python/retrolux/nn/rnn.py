"""Recurrent networks whose state is light that a mesh mixes without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from retrolux._plain import is_traced
from retrolux.functional import require_last
from retrolux.mesh import rectangular
from retrolux.nn.activations import ModReLU
from retrolux.nn.dtypes import as_light, keeping_kind
from retrolux.nn.mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

__all__ = ["UnitaryRNN", "UnitaryRNNCell"]


class UnitaryRNNCell(nn.Module):
    """One step of a recurrence: h' = f(U h + V x), with U a mesh and V a dense complex matrix that injects the input.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h.
    mesh : Mesh, optional
        U, of `hidden_size` modes, on a chip or exact; rectangular, Haar-random and complex64 when left out.
    activation : Module, optional
        f, from complex (…, hidden_size) to complex; `ModReLU` with a bias for each mode when left out.

    Attributes
    ----------
    mesh : Mesh
    inject : torch.nn.Linear
        V, without bias.
    activation : Module

    Raises
    ------
    ValueError
        When the mesh has not `hidden_size` modes.

    References
    ----------
    Arjovsky et al., ICML (2016), for the recurrence; Jing et al., ICML (2017), for a U made of rotations of pairs;
    Aoyama and Sawada, ICCAD (2021), for MZIs and the pixel-by-pixel task.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        mesh: Mesh | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.mesh = Mesh(rectangular(hidden_size)) if mesh is None else mesh
        if self.mesh.topology.modes != hidden_size:
            raise ValueError(f"mesh must have hidden_size = {hidden_size} modes, got {self.mesh.topology.modes}")
        place = self.mesh.theta.device
        self.inject = nn.Linear(input_size, hidden_size, bias=False, dtype=self.mesh.dtype, device=place)
        self.activation = ModReLU(modes=hidden_size).to(place) if activation is None else activation
        self.input_size, self.hidden_size = input_size, hidden_size

    def reset_parameters(self) -> None:
        """Reset mesh and activation, where they can be reset, and draw V anew; see `Mesh`."""
        self.mesh.reset_parameters()
        self.inject.reset_parameters()
        if hasattr(self.activation, "reset_parameters"):
            cast("Callable[[], None]", self.activation.reset_parameters)()

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """Return the next state, complex of shape (…, hidden_size).

        Parameters
        ----------
        x : Tensor, shape (…, input_size), real or complex
            Input.
        h : Tensor, shape (…, hidden_size), complex, optional
            State; no light when left out.

        Raises
        ------
        TypeError
            When `x` or `h` has another precision than the mesh.
        ValueError
            When `x` has another last dimension.
        """
        light = self.injected(x)
        mixed = self.mesh(torch.zeros_like(light) if h is None else as_light(h, light.dtype, "h"))
        return self.activation(light + mixed)  # type: ignore[no-any-return]

    def injected(self, x: Tensor) -> Tensor:
        """Return V x, shape (…, hidden_size), for input of shape (…, input_size)."""
        require_last(x, "input_size", self.input_size)
        return self.inject(as_light(x, self.inject.weight.dtype))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Return what the repr shows."""
        return f"{self.input_size}, {self.hidden_size}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return super()._apply(keeping_kind(fn), recurse)  # type: ignore[no-any-return, no-untyped-call]


class UnitaryRNN(nn.Module):
    """A `UnitaryRNNCell` over a sequence; called as `torch.nn.RNN` with one layer.

    An exact mesh is multiplied out once per sequence; a chip is sent every step.

    Parameters
    ----------
    input_size, hidden_size, mesh, activation
        As for `UnitaryRNNCell`.
    batch_first : bool
        Whether sequences have shape (batch, length, …) instead of (length, batch, …).

    Attributes
    ----------
    cell : UnitaryRNNCell
    passes_per_sample : int
        Length of the last sequence, 1 before the first: how often light passes the mesh.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        mesh: Mesh | None = None,
        activation: nn.Module | None = None,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.cell = UnitaryRNNCell(input_size, hidden_size, mesh, activation)
        self.batch_first = batch_first
        self.passes_per_sample = 1

    def reset_parameters(self) -> None:
        """Reset the cell; see `UnitaryRNNCell.reset_parameters`."""
        self.cell.reset_parameters()

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the states of all steps, and the last one.

        Parameters
        ----------
        x : Tensor, shape (length, batch, input_size) or, with `batch_first`, (batch, length, input_size)
            Real or complex.
        h : Tensor, shape (batch, hidden_size), complex, optional
            First state; no light when left out.

        Returns
        -------
        states : Tensor, shape (length, batch, hidden_size) or, with `batch_first`, (batch, length, hidden_size)
            Complex.
        h : Tensor, shape (batch, hidden_size)

        Raises
        ------
        TypeError
            When `x` or `h` has another precision than the mesh.
        ValueError
            When `x` has another shape or no steps.
        """
        if x.ndim != 3 or (not is_traced() and x.shape[int(self.batch_first)] == 0):
            axes = "(batch, length, input_size)" if self.batch_first else "(length, batch, input_size)"
            raise ValueError(f"x must have shape {axes} with length ≥ 1, got {tuple(x.shape)}")
        steps = self.cell.injected(x).unbind(int(self.batch_first))
        self.passes_per_sample = len(steps)
        mix = self._mix()
        h = torch.zeros_like(steps[0]) if h is None else as_light(h, steps[0].dtype, "h")
        states = []
        for light in steps:
            h = self.cell.activation(light + mix(h))
            states.append(h)
        return torch.stack(states, dim=int(self.batch_first)), states[-1]

    def _mix(self) -> Callable[[Tensor], Tensor]:
        """Return the function that mixes the state from step to step."""
        if self.cell.mesh.experiment is not None:
            return self.cell.mesh
        transfer = self.cell.mesh.matrix().mT
        return lambda h: h @ transfer
