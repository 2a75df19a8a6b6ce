"""Checkpoints: plain tensors and values in a file that is always complete."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from retrolux.atomic import write_atomically
from retrolux.study.config import from_dict
from retrolux.study.network import Network

if TYPE_CHECKING:
    import os

__all__ = ["load", "read_checkpoint", "write_checkpoint"]

_FORMAT = "retrolux train 3"


def write_checkpoint(path: Path, contents: dict[str, Any]) -> None:
    """Write tensors, numbers, strings, and lists and dicts of them: whole, or not at all.

    Raises
    ------
    OSError
        When the folder cannot be written to.
    """
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **contents}, buffer)
    write_atomically(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote. Code hidden in the file is not run.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no checkpoint of retrolux, or holds anything but tensors and plain values.
    """
    if not path.is_file():
        hint = f"; did you mean {path / 'best.pt'}?" if (path / "best.pt").is_file() else ""
        raise FileNotFoundError(f"there is no checkpoint {path}{hint}")
    file = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
        file.seek(0)
        contents = torch.load(file, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is not a checkpoint of tensors and plain values: {reason}") from error
    if not isinstance(contents, dict) or contents.get("format") != _FORMAT:
        raise ValueError(f"{path} is not a checkpoint of retrolux train: it has no format {_FORMAT!r}")
    return contents


def load(path: str | os.PathLike[str]) -> Network:
    """Load a trained network, with the chips it was trained on.

    Parameters
    ----------
    path : path-like
        A checkpoint that ``retrolux train`` wrote, for example ``runs/digits/best.pt``.

    Returns
    -------
    Network
        In evaluation mode, on the CPU.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no checkpoint of retrolux, or holds anything but tensors and plain values.

    Examples
    --------
    >>> from retrolux.study import load  # doctest: +SKIP
    >>> network = load("runs/digits/best.pt")  # doctest: +SKIP
    """
    contents = read_checkpoint(Path(path))
    network = Network(from_dict(contents["config"]))
    network.load_state_dict(contents["network"])
    return network.eval()
