"""Pickles that may hold NumPy arrays of bytes and plain values, read without running anything they name.

A pickle is a program: it names functions and calls them. Allowing NumPy's own functions is not enough,
because `numpy.dtype` rebuilt from a forged state can make an array that takes raw bytes for object pointers.
So no named object is ever looked up; the three names an array needs stand for inert records of this file, and
the array is made here, from bytes whose number is checked.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_array_pickle"]

# What a damaged pickle raises, besides UnpicklingError: its instructions fail like any other program's.
_DAMAGED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
)


def read_array_pickle(path: Path) -> dict[str, Any]:
    """Read a pickled dictionary of arrays and plain values, as written by Python 2 or 3.

    Parameters
    ----------
    path : Path
        A pickle of protocol 4 or older, or of Python 2; its arrays are uint8.

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
    try:
        content = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except _DAMAGED as error:
        raise ValueError(f"{path} is not a pickle of arrays: {error or type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a dictionary, got {type(content).__name__}")
    values: dict[str, Any] = {}
    for key, value in content.items():
        if not isinstance(key, str | bytes):
            raise ValueError(f"{path} must hold a dictionary with text keys, got the key {key!r}")
        name = key if isinstance(key, str) else key.decode("latin-1")
        if isinstance(value, _ArrayRecord) and value.array is None:
            raise ValueError(f"{path} must hold complete arrays, got one without data as {name!r}")
        values[name] = value.array if isinstance(value, _ArrayRecord) else value
    return values


class _TypeRecord:
    """What a pickle says of a dtype: ``dtype("u1", align, copy)``, then a state."""

    def __init__(self, code: object, _align: object, _copy: object) -> None:
        if code not in {"u1", b"u1"}:
            raise pickle.UnpicklingError(f"its arrays must be 'u1', bytes, got {code!r}")

    def __setstate__(self, _state: object) -> None:
        """Take no state: byte order, fields and flags say nothing about single bytes."""


class _ArrayRecord:
    """What a pickle says of an array: ``_reconstruct(ndarray, (0,), "b")``, then shape, dtype and bytes."""

    array: NDArray[np.uint8] | None = None

    def __init__(self, _kind: object, _shape: object, _code: object) -> None:
        """Take nothing: the array has no shape and no bytes before its state comes."""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _TypeRecord, bool, bytes]) -> None:
        _version, shape, dtype, fortran, content = state
        if not isinstance(dtype, _TypeRecord) or not isinstance(content, bytes):
            raise pickle.UnpicklingError(
                f"an array must come as bytes of dtype 'u1', got {type(content).__name__} of {dtype!r}"
            )
        if min(shape, default=0) < 0 or math.prod(shape) != len(content):
            raise pickle.UnpicklingError(f"an array of shape {shape} comes with {len(content)} bytes")
        self.array = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


_ALLOWED: dict[tuple[str, str], Any] = {
    # The name moved with NumPy 2. A string cannot be called and has no attributes to set.
    ("numpy.core.multiarray", "_reconstruct"): _ArrayRecord,
    ("numpy._core.multiarray", "_reconstruct"): _ArrayRecord,
    ("numpy", "dtype"): _TypeRecord,
    ("numpy", "ndarray"): "numpy.ndarray",
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only NumPy arrays are allowed")
        return _ALLOWED[module, name]
