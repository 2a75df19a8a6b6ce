"""Files that are either complete or not there."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_parts", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing what was there, and make the folders it needs.

    A reader, or a run after a crash, finds the old file or the new one, never a part.

    Raises
    ------
    OSError
        When the file cannot be written, which the error names; the old file is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:  # a full disk names no file, and nobody knows the name of the part
        if error.errno is None:
            raise OSError(f"{path}: {error}") from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed have left of files in a folder.

    Nobody else may write to the folder meanwhile: `retrolux.locking.locked` sees to it.
    """
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
