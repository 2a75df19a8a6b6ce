"""IDX, the file format of MNIST: a typed array of any number of dimensions, plain or compressed by gzip.

Two zero bytes, a byte for the type, a byte for the number of dimensions, one big-endian uint32 per dimension,
then the values in row-major order, big-endian (LeCun, Cortes and Burges, The MNIST database, "file formats").
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrolux.atomic import write_atomically

if TYPE_CHECKING:
    from typing import BinaryIO

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
_DIMENSIONS = 32
# What a compressed file may unpack to: twenty times MNIST. A plain one is as large as it is.
_LARGEST = 2**30
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
        When the file is no IDX file, is damaged, is shorter or longer than its header says, or is compressed and
        unpacks to more than 1 GiB. No more is unpacked than the header says.
    """
    path = Path(path)
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _read(path, file, os.fstat(file.fileno()).st_size)
        try:
            return _read(path, gzip.GzipFile(fileobj=file), _LARGEST)
        except EOFError as error:
            raise ValueError(f"{path} is truncated: its gzip stream stops after {file.tell()} bytes") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is corrupt: its gzip stream cannot be decompressed ({error})") from error


def _read(path: Path, file: BinaryIO | gzip.GzipFile, most: int) -> NDArray[Any]:
    """Return the array of a file: no more of it is read, or unpacked, than the header says, nor than `most` bytes."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise ValueError(
            f"{path} is not an IDX file: expected two zero bytes, a type and a number of dimensions, "
            f"got {start.hex(' ') or 'an empty file'}"
        )
    code, dimensions = start[2], start[3]
    if code not in _TYPES:
        known = ", ".join(f"0x{known:02x}" for known in _TYPES)
        raise ValueError(f"{path} is not an IDX file: expected a type of {known}, got 0x{code:02x}")
    if not 0 < dimensions <= _DIMENSIONS:
        wanted = "at least one dimension" if dimensions == 0 else f"at most {_DIMENSIONS} dimensions"
        raise ValueError(f"{path} is not an IDX file: expected {wanted}, got {dimensions}")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ValueError(
            f"{path} is truncated: expected a header of {4 + 4 * dimensions} bytes for {dimensions} dimensions, "
            f"got {4 + len(sizes)} bytes"
        )
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    dtype = _TYPES[code]
    expected = math.prod(shape) * dtype.itemsize
    content = file.read(min(expected, most) + 1)
    if len(content) > most:
        raise ValueError(
            f"{path} is too large: its header says {expected} bytes, and a compressed file may unpack to {most}"
        )
    if len(content) != expected:
        state = "truncated" if len(content) < expected else "too long"
        found = f"{len(content)} or more" if state == "too long" else len(content)
        raise ValueError(
            f"{path} is {state}: expected {expected} bytes of data for shape {shape} of {dtype}, got {found}"
        )
    values: NDArray[Any] = np.frombuffer(content, dtype.newbyteorder(">"))
    try:
        return values.astype(dtype).reshape(shape)
    except ValueError as error:  # (0, 2^32 − 1, 2^32 − 1) has no element and is too large all the same
        raise ValueError(f"{path} is not an IDX file: no array has the shape {shape}: {error}") from None


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
