"""State dicts that say which layer they are of, so that no layer loads the state of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from retrolux._ops import refuse_onnx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrolux.nn.chip_state import ChipState

__all__ = ["Described"]


class Described(nn.Module):
    """A module whose state dict describes it: a rectangular mesh has as many phases as a triangular one.

    Its state dict has an entry ``_extra_state``: JSON, as a tensor of character codes, because tensors are what
    ``clone``, averages of states and other file formats take. States without the entry load as far as their sizes fit.
    """

    def description(self) -> dict[str, tuple[str, str]]:
        """Return, by name, what a state must have in common with the layer, and its text in messages."""
        raise NotImplementedError

    def chip_states(self) -> Iterable[ChipState]:
        """Return the chips that the layer itself is on."""
        return ()

    def get_extra_state(self) -> Tensor:
        """Return the description, and whether the layer is on chips."""
        text = json.dumps({**self.description(), "chips": any(True for _ in self.chip_states())})
        return torch.tensor(list(text.encode("ascii")), dtype=torch.int32, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        """Do nothing: descriptions are compared before anything is loaded."""

    def _slow_forward(self, *arguments: Any, **keywords: Any) -> Any:  # in place of forward where torch.jit traces
        refuse_onnx()
        return super()._slow_forward(*arguments, **keywords)  # type: ignore[no-untyped-call]

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
        key = f"{prefix}_extra_state"
        where = f"{prefix[:-1] or 'the layer'} ({type(self).__name__})"
        try:
            saved = json.loads(_text(state_dict[key])) if key in state_dict else {}
            problems = [
                f"{where} has {_told(own, other)}, the state to load has {_told(other, own)}"
                for name, own in self.description().items()
                if (other := saved.get(name, own))[0] != own[0]
            ]
        except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError) as error:
            problems = [f"{where} finds no description of a layer in {key}: {error}"]
        if problems:
            error_msgs.extend(problems)
            return
        for chip in self.chip_states():
            chip.required = bool(saved.get("chips", False))
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if key in missing_keys:
            missing_keys.remove(key)


def _told(one: tuple[str, str], other: tuple[str, str]) -> str:
    """Return how `one` is shown to people; with what is compared where `other` looks the same."""
    return one[1] if one[1] != other[1] else f"{one[1]} ({one[0]})"


def _text(codes: Tensor) -> str:
    # Rounded: a state that was averaged with others has its codes in floating point.
    return bytes(codes.detach().to("cpu", torch.float64).round().to(torch.int64).tolist()).decode("ascii")
