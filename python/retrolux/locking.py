"""Folders in which one process works at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from retrolux.atomic import remove_parts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["locked"]


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], *, wait: bool = False) -> Iterator[None]:
    """Keep other processes and threads out of a folder, and remove what killed ones have left of files in it.

    A thread that has the lock may take it again. A process that is killed gives it back; the file ``.lock`` stays.

    Parameters
    ----------
    folder : path-like
        Where to work; made when it does not exist.
    wait : bool
        Wait until another process has ended its work, instead of raising.

    Raises
    ------
    OSError
        When another process is at work in the folder, or it cannot be written to.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.resolve() / ".lock", is_singleton=True)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        raise OSError(f"another process is at work in {folder}: wait for its end or choose another folder") from None
    try:
        remove_parts(folder)
        yield
    finally:
        lock.release()
