"""A checksum behind the last byte of an HDF5 file, where every reader of HDF5 passes over it.

libhdf5 protects what is in a data set, not what says where it lies; damage there makes it return other numbers, or go
round in circles. So a file is compared with its checksum before libhdf5 sees it, and one without a checksum, of another
program or an earlier version, is first read by a process that may be stopped.
"""

from __future__ import annotations

import hashlib

__all__ = ["has_checksum", "with_checksum"]

_MARK = b"\nretrolux sha256 "
_LENGTH = len(_MARK) + 64 + 1
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Where the end of the file stands in it, by the version of the first block, and how long the number is.
_ENDS = {0: 40, 1: 44, 2: 28, 3: 28}


def with_checksum(content: bytes) -> bytes:
    """Return an HDF5 file with a checksum at its end."""
    return content + _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def has_checksum(content: bytes) -> bool:
    """Return whether an HDF5 file has a checksum at its end, which is that of its contents.

    The file says itself how long it is without one, so that a damaged checksum is not taken for none.

    Raises
    ------
    ValueError
        When it is not HDF5, too short or too long, or not what its checksum says.
    """
    if not content.startswith(_SIGNATURE):
        raise ValueError("it does not begin as HDF5 does")
    start = _ENDS.get(content[8] if len(content) > 8 else 255)
    if start is None or len(content) < start + 8:
        raise ValueError("it is damaged at its beginning")
    end = int.from_bytes(content[start : start + 8], "little")
    if content[-_LENGTH:].startswith(_MARK):
        if with_checksum(content[:-_LENGTH]) != content:
            raise ValueError("it is damaged: its checksum is that of other contents")
        return True
    if end != len(content):
        raise ValueError(f"it is damaged: it must have {end} bytes and a checksum behind them, got {len(content)}")
    return False
