"""IDX, the file format of MNIST: a typed array of any number of dimensions, plain or compressed by gzip.

Two zero bytes, a byte for the type, a byte for the number of dimensions, one big-endian uint32 per dimension,
then the values in row-major order, big-endian (LeCun, Cortes and Burges, The MNIST database, "file formats").
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.atomic import write_atomically

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["read_idx", "write_idx"]

_GZIP_MAGIC = b"\x1f\x8b"
_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file; whether it is compressed is seen from its first bytes, not from its name.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    ndarray
        Of the shape and type the file declares (uint8, int8, int16, int32, float32 or float64), writable,
        in the byte order of this machine.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no IDX file, is damaged, or is shorter or longer than its header says.
    """
    path = Path(path)
    content = path.read_bytes()
    if content.startswith(_GZIP_MAGIC):
        content = _decompressed(path, content)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(
            f"{path} is not an IDX file: expected two zero bytes, a type and a number of dimensions, "
            f"got {content[:4].hex(' ') or 'an empty file'}"
        )
    code, dimensions = content[2], content[3]
    if code not in _TYPES:
        known = ", ".join(f"0x{known:02x}" for known in _TYPES)
        raise ValueError(f"{path} is not an IDX file: expected a type of {known}, got 0x{code:02x}")
    if dimensions == 0:
        raise ValueError(f"{path} is not an IDX file: expected at least one dimension, got 0")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(
            f"{path} is truncated: expected a header of {start} bytes for {dimensions} dimensions, "
            f"got {len(content)} bytes"
        )
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    dtype = _TYPES[code]
    expected = math.prod(shape) * dtype.itemsize
    if len(content) - start != expected:
        state = "truncated" if len(content) - start < expected else "too long"
        raise ValueError(
            f"{path} is {state}: expected {expected} bytes of data for shape {shape} of {dtype}, "
            f"got {len(content) - start}"
        )
    values: NDArray[Any] = np.frombuffer(content, dtype.newbyteorder(">"), offset=start)
    return values.astype(dtype).reshape(shape)


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write an array as an IDX file, whole or not at all; a name that ends in ``.gz`` is compressed.

    Parameters
    ----------
    path : path-like
        The file; its folder is made when needed, an older file is replaced.
    array : ndarray of uint8, int8, int16, int32, float32 or float64, at least one dimension

    Raises
    ------
    ValueError
        When IDX cannot hold the array's type or number of dimensions.
    """
    path = Path(path)
    dtype = array.dtype.newbyteorder("=")
    if dtype not in _CODES:
        known = ", ".join(map(str, _CODES))
        raise ValueError(f"an IDX file holds {known}, got {array.dtype}")
    if array.ndim == 0:
        raise ValueError("an IDX file holds at least one dimension, got a scalar")
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    values = array.astype(dtype.newbyteorder(">")).tobytes()
    content = bytes([0, 0, _CODES[dtype], array.ndim]) + sizes + values
    # mtime = 0: the same array gives the same file.
    write_atomically(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _decompressed(path: Path, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise ValueError(f"{path} is truncated: its gzip stream stops after {len(content)} bytes") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is corrupt: its gzip stream cannot be decompressed ({error})") from error
