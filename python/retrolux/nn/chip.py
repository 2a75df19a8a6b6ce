"""The chip behind a layer: which one it is, and how it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from retrolux.gradient import method_named
from retrolux.gradient.measured import Bench
from retrolux.hardware import Fabrication, Imperfections, SimulatedChip
from retrolux.nn.chip_record import checked_chip_state

if TYPE_CHECKING:
    from retrolux.gradient import Method
    from retrolux.gradient.measured import OutputPhase
    from retrolux.hardware import Chip
    from retrolux.mesh import Topology

__all__ = ["ChipState", "chip_for"]


class ChipState(nn.Module):
    """Holds the bench of a layer and saves its chip: what was fabricated, and its history, so that runs resume."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench

    def get_extra_state(self) -> dict[str, Any]:
        """Return the chip as plain numbers, strings and tensors; of a chip of your own, the shots alone."""
        chip = self.bench.chip
        if not isinstance(chip, SimulatedChip):
            return {"shots": self.bench.shots}
        history = chip.state()
        return {
            "shots": self.bench.shots,
            "imperfections": chip.imperfections.to_json(),
            "seed": chip.seed,
            "fabrication": {name: torch.from_numpy(array.copy()) for name, array in vars(chip.fabrication).items()},
            "history": {
                name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
                for name, value in history.items()
            },
            "written": None if self.bench.written is None else [torch.from_numpy(p) for p in self.bench.written],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Become the saved chip.

        Raises
        ------
        ValueError
            When a field of the state is missing or bad.
        """
        old = self.bench.chip
        state = checked_chip_state(state, old.topology if isinstance(old, SimulatedChip) else None)
        self.bench.shots = state["shots"]
        if not isinstance(old, SimulatedChip):
            return
        chip = SimulatedChip(
            old.topology,
            Imperfections.from_json(state["imperfections"]),
            int(state["seed"]),
            old.dtype,
            fabrication=Fabrication(**{name: tensor.numpy() for name, tensor in state["fabrication"].items()}),
            sample_s=old.sample_s,
        )
        chip.load_state(
            {name: value.numpy() if isinstance(value, Tensor) else value for name, value in state["history"].items()}
        )
        written = state["written"]
        self.bench.replace_chip(chip, None if written is None else tuple(phases.numpy().copy() for phases in written))

    def forward(self, x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, trainable: Tensor | None) -> Tensor:
        """Send light of shape (…, modes) through the chip."""
        if x.device.type != "cpu":
            raise ValueError(f"light for a chip must be on the CPU, got a tensor on {x.device}")
        if x.shape[-1:] != gamma.shape:
            raise ValueError(f"x must have shape (…, modes) = (…, {len(gamma)}), got {tuple(x.shape)}")
        if x.dtype.to_complex() != gamma.dtype.to_complex() and x.dtype not in (torch.float16, torch.bfloat16):
            raise TypeError(f"x must be {gamma.dtype.to_complex()} or {gamma.dtype}, got {x.dtype}")
        mask = None if trainable is None else trainable.numpy()
        return self.bench.propagate(x.to(gamma.dtype.to_complex()), theta, phi, gamma, mask)


def chip_for(
    topology: Topology,
    dtype: torch.dtype,
    imperfections: Imperfections | None,
    chip: Chip | None,
    gradient: str | Method,
    output_phase: OutputPhase,
    seed: int,
) -> ChipState | None:
    """Return the chip that a layer's options ask for; None where they ask for an exact mesh.

    Raises
    ------
    ValueError
        When both imperfections and a chip are given, the chip has another topology, or the gradient is unknown.
    """
    method = method_named(gradient) if isinstance(gradient, str) else gradient
    if chip is None:
        if imperfections is None:
            return None
        light = np.complex64 if dtype == torch.complex64 else np.complex128
        chip = SimulatedChip(topology, imperfections, seed, light)
    elif imperfections is not None:
        raise ValueError(f"give imperfections or a chip, not both, got {imperfections} and {chip}")
    elif chip.topology != topology:
        raise ValueError(f"the chip must be a {topology}, got a {chip.topology}")
    return ChipState(Bench(chip, method, output_phase))
