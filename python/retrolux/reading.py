"""What others wrote, read within bounded time and memory: files, and texts in TOML and JSON.

The parsers of the standard library take time in the square of the parts of a dotted key, recurse with every level of
nesting, and convert numbers of any length. So brackets, dots and digits are counted before they see a text.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_json", "parse_toml", "read_bytes", "read_text", "shown"]

_MEBIBYTE = 2**20
_PART = 2**24
_DEPTH = 32
_KEY_PARTS = 32
_KEYS = 10_000
_DIGITS = 64
_WHOLE = 2**64
_SHOWN = 500

# What cannot nest: strings and comments. A string that does not end is taken as well, so that none is tried twice.
_OPAQUE_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_OPAQUE_TOML = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*(?:""")?'
    r"|'''(?:[^']|'(?!''))*(?:''')?"
    r'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_BRACKETS = re.compile(r"[\[\]{}]")
_DIGIT_RUNS = re.compile(r"[0-9_]+")
_KEY_RUNS = re.compile(r'[\w\-" \t.]+')


def read_bytes(path: Path, most: int = _MEBIBYTE) -> bytes:
    """Return what a file holds.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may hold. No more are read, also of what never ends, such as a device.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it holds more.
    """
    parts, length = [], 0
    try:
        with path.open("rb") as file:
            # In parts, for a reader of all at once reserves what it is asked for.
            while part := file.read(_PART):
                parts.append(part)
                length += len(part)
                if length > most:
                    raise ValueError(f"{path} is too large: expected at most {most} bytes")
    except OSError as error:
        error.filename = str(path)  # what fails while it is read names no file
        raise
    return b"".join(parts)


def read_text(path: Path, most: int = _MEBIBYTE) -> str:
    """Return the text of a file in UTF-8; see `read_bytes`.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it holds more than `most` bytes or is not UTF-8.
    """
    content = read_bytes(path, most)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: byte {error.start} is {content[error.start]:#04x}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return what a TOML document holds.

    Raises
    ------
    ValueError
        When the text is not TOML, or is more than settings ever are: 1 MiB, 32 levels or parts of a key, 10 000 keys,
        64 digits of a number.
    """
    _check_size(text, _MEBIBYTE)
    skeleton = _OPAQUE_TOML.sub('""', text)
    _check_nesting(skeleton)
    if (keys := skeleton.count("=")) > _KEYS:
        raise ValueError(f"the text must name at most {_KEYS} values, got {keys}")
    parts = 1 + max((run.count(".") for run in _KEY_RUNS.findall(skeleton)), default=0)
    if parts > _KEY_PARTS:
        raise ValueError(f"a key must have at most {_KEY_PARTS} parts with dots between them, got {parts}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(shown(str(error), quote=False)) from None
    _check_whole(values)
    return values


def parse_json(text: str, most: int = _MEBIBYTE) -> Any:
    """Return what a JSON document holds.

    Parameters
    ----------
    text : str
    most : int
        Characters that it may have.

    Raises
    ------
    ValueError
        When the text is not JSON, longer than `most`, deeper than 32 levels, or holds longer numbers than settings
        ever do.
    """
    _check_size(text, most)
    skeleton = _OPAQUE_JSON.sub('""', text)
    _check_nesting(skeleton)
    values = json.loads(text)
    _check_whole(values)
    return values


def shown(value: object, *, quote: bool = True) -> str:
    """Return a value as a message has it: its repr, or the text itself, cut where it is long."""
    huge = isinstance(value, int) and abs(value) >= 2**4096  # Python does not write much longer ones as decimals
    text = f"{value:#x}" if huge else repr(value) if quote else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _check_size(text: str, most: int) -> None:
    if len(text) > most:
        raise ValueError(f"the text must have at most {most} characters, got {len(text)}")


def _check_nesting(skeleton: str) -> None:
    """Check brackets and digits of a text without strings."""
    depth = 0
    for bracket in _BRACKETS.findall(skeleton):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEPTH:
            raise ValueError(f"brackets must be nested at most {_DEPTH} deep, got more")
    digits = max(map(len, _DIGIT_RUNS.findall(skeleton)), default=0)
    if digits > _DIGITS:
        raise ValueError(f"a number must have at most {_DIGITS} digits, got {digits}")


def _check_whole(values: Any) -> None:
    """Check that whole numbers are of 64 bits, as TOML has them."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int) and abs(value) >= _WHOLE:
            raise ValueError(f"whole numbers must have at most 64 bits, got {shown(value)}")
