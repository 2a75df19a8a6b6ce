"""Standard output and standard error that do not end a command before its work is done."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

__all__ = ["lasting_streams", "readable_width"]

_NAMES = {"stdout": 1, "stderr": 2}
_NARROWEST, _WIDEST = 40, 400  # tyro's help never ends below 8 columns, and fills every line with blanks


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Make the standard streams of the process bear what their other ends do.

    A stream that is closed leads nowhere. So does standard output whose reader has gone, as after ``| head -1``, and
    standard error that cannot be written to for any reason. Characters that an encoding does not have are escaped.
    Streams that somebody has replaced stay as they are.

    Raises
    ------
    OSError
        When standard output is written to or flushed, its reader is there, and it takes nothing.
    """
    _open_closed()
    originals = {name: getattr(sys, name) for name in _NAMES}
    own = [name for name, stream in originals.items() if stream is getattr(sys, f"__{name}__")]
    for name in own:
        setattr(sys, name, _lasting(name, originals[name]))
    try:
        yield
    finally:
        for name in own:
            setattr(sys, name, originals[name])


def _open_closed() -> None:
    """Have closed streams lead nowhere; else the next file that is opened would be what others take for one."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:  # the lowest number that is free
        os.set_inheritable(number, True)
    os.close(number)


def _lasting(name: str, original: io.TextIOWrapper | None) -> io.TextIOWrapper:
    if original is not None:
        original.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(name)),
        encoding="utf-8" if original is None else original.encoding,
        errors="backslashreplace",
        line_buffering=name == "stderr" or (original is not None and original.line_buffering),
    )


class _Lasting(io.FileIO):
    """A standard stream that takes everything once its other end has gone."""

    def __init__(self, name: str) -> None:
        super().__init__(_NAMES[name], "w", closefd=False)
        self._borne = BrokenPipeError if name == "stdout" else OSError
        self._gone = False

    def write(self, content: Buffer, /) -> int:
        if not self._gone:
            try:
                return super().write(content)
            except OSError as error:
                self._gone = True  # what is written when the stream is closed does not fail again
                if not isinstance(error, self._borne):
                    raise OSError(error.errno, error.strerror, "standard output") from None
        return memoryview(content).nbytes


@contextlib.contextmanager
def readable_width() -> Iterator[None]:
    """Have help drawn as if the terminal were neither too narrow nor too wide for it."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST))
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
