"""Checkpoints: plain tensors and values in a file that is always complete."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from retrolux.atomic import write_atomically
from retrolux.nn.torch_file import load_tensors
from retrolux.reading import read_bytes
from retrolux.study.checkpoint_check import check_run, checked_network

if TYPE_CHECKING:
    import os

    from retrolux.study.network import Network

__all__ = ["load", "read_checkpoint", "write_checkpoint"]

_FORMAT = "retrolux train 3"
_LARGEST = 16 * 2**30


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
    """Read the state of a run that `write_checkpoint` wrote. Code hidden in the file is not run.

    Returns
    -------
    dict
        ``config``, a dict that makes a `TrainConfig`; ``network`` and ``optimizer``, state dicts that load into its
        network and optimizer; ``history``, a list of dicts that make its epochs.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no checkpoint of retrolux, holds anything but tensors and plain values, or a field is missing,
        bad, or does not fit the others; says which.
    """
    contents = _contents(path)
    try:
        check_run(contents)
    except ValueError as error:
        raise ValueError(f"{path} is not a checkpoint of retrolux train: {error}") from None
    return contents


def _contents(path: Path) -> dict[str, Any]:
    if not path.is_file():
        hint = f"; did you mean {path / 'best.pt'}?" if (path / "best.pt").is_file() else ""
        raise FileNotFoundError(f"there is no checkpoint {path}{hint}")
    content = read_bytes(path, _LARGEST)
    try:
        contents = load_tensors(content)
    except ValueError as error:
        raise ValueError(f"{path} is not a checkpoint of tensors and plain values: {error}") from error
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
        When the file is no checkpoint of retrolux, holds anything but tensors and plain values, or its network does
        not fit its configuration.

    Examples
    --------
    >>> from retrolux.study import load  # doctest: +SKIP
    >>> network = load("runs/digits/best.pt")  # doctest: +SKIP
    """
    contents = _contents(Path(path))
    try:
        _, network = checked_network(contents)
    except ValueError as error:
        raise ValueError(f"{path} is not a checkpoint of retrolux train: {error}") from None
    return network.eval()
