"""Checks the saved state of a chip before a chip is made of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux.nn.torch_file import load_tensors
from retrolux.reading import shown

if TYPE_CHECKING:
    from retrolux.mesh import Topology

__all__ = ["checked_chip_state"]

_FIELDS = ("shots", "imperfections", "seed", "fabrication", "history", "written")
_COUNTS = ("writes", "shots", "ticks")
_TIMES = ("clock", "ticked")


def checked_chip_state(state: object, topology: Topology | None) -> dict[str, Any]:
    """Return the saved state of a chip, all of its fields there, of their kinds, shapes and ranges.

    Parameters
    ----------
    state : dict, or Tensor of uint8
        What a layer has saved; a tensor holds the bytes of a file of `torch.save`.
    topology : Topology or None
        Of the simulated chip that is to become the saved one; None for a chip of another kind, which keeps its shots
        alone.

    Raises
    ------
    ValueError
        When a field is missing or bad; names it.
    """
    if isinstance(state, Tensor):
        if state.dtype != torch.uint8 or state.ndim != 1:
            raise ValueError(f"the state of a chip must be bytes, got {state.dtype} of shape {tuple(state.shape)}")
        state = load_tensors(state.cpu().numpy().tobytes())
    table = _table("the state of a chip", state, ("shots",) if topology is None else _FIELDS)
    _whole("shots", table["shots"], 2**63)
    if topology is None:
        return table
    mzis, modes = topology.mzis, topology.modes
    if not isinstance(table["imperfections"], str):
        raise ValueError(f"imperfections must be JSON, got a {type(table['imperfections']).__name__}")
    _whole("seed", table["seed"], 2**64)
    shapes = {
        "coupler_error": (mzis, 2),
        "loss_db": (mzis, 4),
        "output_loss_db": (modes,),
        "theta_offset": (mzis,),
        "phi_offset": (mzis,),
        "gamma_offset": (modes,),
    }
    fabrication = _table("fabrication", table["fabrication"], tuple(shapes))
    for name, shape in shapes.items():
        _tensor(f"fabrication.{name}", fabrication[name], shape, (torch.float64,))
    history = _table("history", table["history"], (*_TIMES, *_COUNTS, "programmed", "drift"))
    for name in _COUNTS:
        _whole(f"history.{name}", history[name], 2**63)
    for name in _TIMES:
        if type(history[name]) is not float or not 0 <= history[name] < math.inf:
            raise ValueError(f"history.{name} must be a finite number of at least 0, got {_told(history[name])}")
    shifters = (2 * mzis + modes,)
    if history["programmed"] is not None:
        _tensor("history.programmed", history["programmed"], shifters, (torch.float64,))
    _tensor("history.drift", history["drift"], shifters, (torch.float64,))
    written = table["written"]
    if written is not None:
        if not isinstance(written, list) or len(written) != 3:
            raise ValueError("written must be None or a list of theta, phi and gamma")
        for name, phases, shape in zip(("theta", "phi", "gamma"), written, ((mzis,), (mzis,), (modes,)), strict=True):
            _tensor(f"written {name}", phases, shape, (torch.float32, torch.float64))
    return table | {"fabrication": fabrication, "history": history}


def _table(where: str, value: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Return those fields of a table, which must all be there."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, got a {type(value).__name__}")
    missing = [name for name in names if name not in value]
    if missing:
        raise ValueError(f"{where} must have {', '.join(names)}, got no {missing[0]}")
    return {name: value[name] for name in names}


def _whole(where: str, value: object, end: int) -> None:
    if type(value) is not int or not 0 <= value < end:
        raise ValueError(f"{where} must be a whole number from 0 to {end - 1}, got {_told(value)}")


def _told(value: object) -> str:
    """Return a value as a message has it; what is no number or text may take for ever to write down."""
    return shown(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"


def _tensor(where: str, value: object, shape: tuple[int, ...], dtypes: tuple[torch.dtype, ...]) -> None:
    if not isinstance(value, Tensor) or value.dtype not in dtypes or value.shape != shape:
        told = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{where} must be {dtypes[0]} of shape {shape}, got {told}")
    if not value.isfinite().all():
        raise ValueError(f"{where} must be finite, got a value that is not")
