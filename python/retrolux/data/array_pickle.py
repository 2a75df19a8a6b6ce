"""Pickles that may hold NumPy arrays of bytes and plain values, read without running anything they name.

Allowing NumPy's own functions is not enough, because `numpy.dtype` rebuilt from a forged state can make an array that
takes raw bytes for object pointers. So the three names an array needs stand for inert records of this file, and the
array is made here, from bytes whose number is checked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.plain_pickle import Record, read_pickle
from retrolux.reading import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_array_pickle"]

# Five times a batch of CIFAR-10.
_LARGEST = 160 * 2**20


def read_array_pickle(path: Path) -> dict[str, Any]:
    """Read a pickled dictionary of arrays and plain values, as written by Python 2 or 3.

    Parameters
    ----------
    path : Path
        A pickle of protocol 3 or 4, or 1 or 2 of Python 2, of at most 160 MiB; its arrays are uint8.

    Returns
    -------
    dict
        Keys as str. Arrays are ndarrays of uint8, read-only; strings of Python 2 are bytes.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the pickle is damaged, names anything but NumPy's arrays, or holds no dictionary with text keys.
    """
    content = read_bytes(path, _LARGEST)
    try:
        values = read_pickle(content, _ALLOWED, "NumPy arrays")
    except ValueError as error:
        raise ValueError(f"{path} is not a pickle of arrays: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a dictionary, got {type(values).__name__}")
    read: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(key, str | bytes):
            raise ValueError(f"{path} must hold a dictionary with text keys, got the key {key!r}")
        name = key if isinstance(key, str) else key.decode("latin-1")
        if isinstance(value, _ArrayRecord) and value.array is None:
            raise ValueError(f"{path} must hold complete arrays, got one without data as {name!r}")
        read[name] = value.array if isinstance(value, _ArrayRecord) else value
    return read


class _TypeRecord(Record):
    """What a pickle says of a dtype: ``dtype("u1", align, copy)``, then a state."""

    def __init__(self, code: object = None, *_rest: object) -> None:
        if code not in ("u1", b"u1"):
            told = repr(code) if isinstance(code, str | bytes) else type(code).__name__
            raise ValueError(f"its arrays must be 'u1', bytes, got {told[:60]}")

    def set_state(self, _state: object) -> None:
        """Take no state: byte order, fields and flags say nothing about single bytes."""


class _ArrayRecord(Record):
    """What a pickle says of an array: ``_reconstruct(ndarray, (0,), "b")``, then shape, dtype and bytes."""

    array: NDArray[np.uint8] | None = None

    def __init__(self, *_arguments: object) -> None:
        """Take nothing: the array has no shape and no bytes before its state comes."""

    def set_state(self, state: object) -> None:
        """Become the array of a state: version, shape, dtype, whether in Fortran order, bytes."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("an array must come with version, shape, dtype, order and bytes")
        _version, shape, dtype, fortran, content = state
        if not isinstance(dtype, _TypeRecord) or not isinstance(content, bytes):
            raise ValueError(
                f"an array must come as bytes of dtype 'u1', got {type(content).__name__} of {type(dtype).__name__}"
            )
        if not isinstance(shape, tuple) or len(shape) > 32 or any(type(size) is not int for size in shape):
            raise ValueError("the shape of an array must be at most 32 whole numbers")
        if min(shape, default=0) < 0 or math.prod(shape) != len(content):
            raise ValueError(f"an array of shape {shape} comes with {len(content)} bytes")
        try:
            self.array = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")
        except (ValueError, OverflowError) as error:  # (0, 2^64) has no element and is too large all the same
            raise ValueError(f"an array of shape {shape} cannot be made: {error}") from None


_ALLOWED: dict[tuple[str, str], Any] = {
    # The name moved with NumPy 2. A string cannot be called and takes no state.
    ("numpy.core.multiarray", "_reconstruct"): _ArrayRecord,
    ("numpy._core.multiarray", "_reconstruct"): _ArrayRecord,
    ("numpy", "dtype"): _TypeRecord,
    ("numpy", "ndarray"): "numpy.ndarray",
}
