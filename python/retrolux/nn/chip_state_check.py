"""Checks the saved state of a chip before a chip is made of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from retrolux.hardware import Fabrication
from retrolux.nn.torch_file import load_tensors
from retrolux.reading import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrolux.mesh import Topology

__all__ = ["checked_chip_state"]

_FIELDS = ("shots", "imperfections", "seed", "fabrication", "history", "written")
_COUNTS = ("writes", "shots", "ticks")
_TIMES = ("clock", "ticked")


def checked_chip_state(state: object, topology: Topology | None) -> dict[str, Any]:
    """Return the saved state of a chip, all of its fields there, of their kinds, shapes and ranges.

    What a fabrication or a history leaves out is that of an ideal chip, or of a new one: an older version has saved it.

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
        When a field is missing, bad, or of a newer version; names it.
    """
    if isinstance(state, Tensor):
        if state.dtype != torch.uint8 or state.ndim != 1:
            raise ValueError(f"the state of a chip must be bytes, got {state.dtype} of shape {tuple(state.shape)}")
        state = load_tensors(state.cpu().numpy().tobytes())
    if topology is None:
        table = _table("the state of a chip", state)
        _check_there("the state of a chip", table, ("shots",))
        _whole("shots", table["shots"], 2**63)
        return {"shots": table["shots"]}
    table = _table("the state of a chip", state, _FIELDS)
    _check_there("the state of a chip", table, _FIELDS)
    _whole("shots", table["shots"], 2**63)
    mzis, modes = topology.mzis, topology.modes
    if not isinstance(table["imperfections"], str):
        raise ValueError(f"imperfections must be JSON, got a {type(table['imperfections']).__name__}")
    _whole("seed", table["seed"], 2**64)
    ideal = {name: torch.zeros(s, dtype=torch.float64) for name, s in Fabrication.shapes(mzis, modes).items()}
    fabrication = ideal | _table("fabrication", table["fabrication"], ideal)
    for name, array in ideal.items():
        _tensor(f"fabrication.{name}", fabrication[name], tuple(array.shape), (torch.float64,))
    drift = torch.zeros(2 * mzis + modes, dtype=torch.float64)
    new = {**dict.fromkeys(_TIMES, 0.0), **dict.fromkeys(_COUNTS, 0), "programmed": None, "drift": drift}
    history = new | _table("history", table["history"], new)
    for name in _COUNTS:
        _whole(f"history.{name}", history[name], 2**63)
    for name in _TIMES:
        if type(history[name]) is not float or not 0 <= history[name] < math.inf:
            raise ValueError(f"history.{name} must be a finite number of at least 0, got {_told(history[name])}")
    if history["programmed"] is not None:
        _tensor("history.programmed", history["programmed"], tuple(drift.shape), (torch.float64,))
    _tensor("history.drift", history["drift"], tuple(drift.shape), (torch.float64,))
    written = table["written"]
    if written is not None:
        if not isinstance(written, list) or len(written) != 3:
            raise ValueError("written must be None or a list of theta, phi and gamma")
        for name, phases, shape in zip(("theta", "phi", "gamma"), written, ((mzis,), (mzis,), (modes,)), strict=True):
            _tensor(f"written {name}", phases, shape, (torch.float32, torch.float64))
    return table | {"fabrication": fabrication, "history": history}


def _table(where: str, value: object, known: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a table that holds nothing but what is known."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, got a {type(value).__name__}")
    for name in value:
        if known is not None and name not in known:
            raise ValueError(f"{where} has an unknown {shown(name)}: a newer version of retrolux may have saved it")
    return value


def _check_there(where: str, table: dict[str, Any], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"{where} must have {', '.join(names)}, got no {missing[0]}")


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
