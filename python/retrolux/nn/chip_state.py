"""The chip of a layer, and how it is saved."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from retrolux.functional import require_last
from retrolux.gradient import method_named
from retrolux.hardware import Fabrication, Imperfections, SimulatedChip
from retrolux.nn.chip_state_check import checked_chip_state
from retrolux.nn.dtypes import as_light
from retrolux.nn.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from typing_extensions import Self

    from retrolux.gradient import Method
    from retrolux.hardware import Chip
    from retrolux.mesh import Topology
    from retrolux.nn.experiment import OutputPhase

__all__ = ["ChipState", "chip_for"]

_DTYPES = {torch.float32: (np.complex64, np.float32), torch.float64: (np.complex128, np.float64)}


class ChipState(nn.Module):
    """Holds the experiment of a layer and saves its chip: what was fabricated, and its history, so that runs resume.

    Attributes
    ----------
    experiment : Experiment
    required : bool
        Whether a state to load must have the chip; without it, as after training without chips, the chip stays.
    """

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self.experiment = experiment
        self.required = True

    def get_extra_state(self) -> Tensor:
        """Return the chip; of a chip of your own, the shots alone.

        A file of `torch.save`, of plain numbers, strings and tensors, as a tensor of its bytes: tensors are what
        ``clone`` and other file formats take.
        """
        file = io.BytesIO()
        torch.save(self._state(), file)
        return torch.from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy())

    def set_extra_state(self, state: Tensor | dict[str, Any]) -> None:
        """Become the saved chip.

        Raises
        ------
        ValueError
            When the state is none of a chip, or of one that does not fit.
        """
        chip = self.experiment.chip
        if isinstance(state, Tensor):  # bytes, of any dtype: who casts or averages a state casts them too
            state = state.to("cpu", torch.uint8)
        try:
            checked = checked_chip_state(state, chip.topology if isinstance(chip, SimulatedChip) else None)
            replacement = self._replacement(checked)
        except (TypeError, ValueError) as error:
            raise ValueError(f"this is not the state of a chip: {str(error).partition(chr(10))[0]}") from error
        self.experiment.shots = checked["shots"]
        if replacement is not None:
            self.experiment.replace_chip(*replacement)

    def follow(self, dtype: torch.dtype) -> None:
        """Compute in the precision of settings in `dtype`, float32 or float64; the chip stays the same."""
        chip, written = self.experiment.chip, self.experiment.written
        if dtype not in _DTYPES or not isinstance(chip, SimulatedChip):
            return
        light, real = _DTYPES[dtype]
        if chip.dtype != light:
            chip.set_dtype(light)
        if written is not None and written[0].dtype != real:  # rounded as the settings are, so that none is rewritten
            self.experiment.written = tuple(phases.astype(real) for phases in written)

    def _state(self) -> dict[str, Any]:
        chip = self.experiment.chip
        if not isinstance(chip, SimulatedChip):
            return {"shots": self.experiment.shots}
        history = chip.state()
        return {
            "shots": self.experiment.shots,
            "imperfections": chip.imperfections.to_json(),
            "seed": chip.seed,
            "fabrication": {name: torch.from_numpy(array.copy()) for name, array in vars(chip.fabrication).items()},
            "history": {
                name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
                for name, value in history.items()
            },
            "written": None
            if self.experiment.written is None
            else [torch.from_numpy(p) for p in self.experiment.written],
        }

    def _replacement(self, state: dict[str, Any]) -> tuple[SimulatedChip, tuple[NDArray[Any], ...] | None] | None:
        """Return the saved chip and the phases that it holds; None for a chip of your own."""
        old = self.experiment.chip
        if not isinstance(old, SimulatedChip):
            return None
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
        return chip, None if written is None else tuple(phases.numpy().copy() for phases in written)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        chip = self.experiment.chip
        if isinstance(chip, SimulatedChip):
            real = torch.float32 if chip.dtype == np.complex64 else torch.float64
            self.follow(fn(torch.empty(0, dtype=real, device="cpu")).dtype)
        return self

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        try:
            super()._load_from_state_dict(
                state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
            )
        except ValueError as error:
            error_msgs.append(f"{prefix}_extra_state: {error}")
        key = f"{prefix}_extra_state"
        if key in missing_keys and not self.required:
            missing_keys.remove(key)

    def forward(self, x: Tensor, theta: Tensor, phi: Tensor, gamma: Tensor, trainable: Tensor | None) -> Tensor:
        """Send light of shape (…, modes) through the chip."""
        if x.device.type != "cpu":
            raise ValueError(f"light for a chip must be on the CPU, got a tensor on {x.device}")
        require_last(x, "modes", self.experiment.chip.topology.modes)
        light = as_light(x, gamma.dtype.to_complex())
        self.follow(gamma.dtype)
        mask = None if trainable is None else trainable.numpy()
        return self.experiment.propagate(light, theta, phi, gamma, mask).to(light.dtype)


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
        chip = SimulatedChip(topology, imperfections, seed, _DTYPES[dtype.to_real()][0])
    elif imperfections is not None:
        raise ValueError(f"give imperfections or a chip, not both, got {imperfections} and {chip}")
    elif chip.topology != topology:
        raise ValueError(f"the chip must be a {topology}, got a {chip.topology}")
    state = ChipState(Experiment(chip, method, output_phase))
    state.follow(dtype.to_real())
    return state
