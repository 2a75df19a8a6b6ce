"""Device descriptions as TOML files."""

from __future__ import annotations

import dataclasses
import difflib
import json
from typing import Any, get_args, get_origin, get_type_hints

from retrolux.energy.device import Component, Device, Part
from retrolux.energy.quantity import Quantity
from retrolux.reading import parse_toml, shown

__all__ = ["from_toml", "to_toml"]


def to_toml(device: Device) -> str:
    """Return the text of a TOML file: one line per number with its unit and source, a table per part."""
    return _table(device, "")


def from_toml(text: str) -> Device:
    """Read a device from the text of a TOML file, as `to_toml` writes it.

    Every part has to be there but for ``link``, since not every source tells the light from the rest.

    Raises
    ------
    ValueError
        When the text is not TOML, a name is unknown or missing, or a value is bad; says where.
    """
    try:
        values = parse_toml(text)
    except ValueError as error:
        raise ValueError(f"a device must be written in TOML: {error}") from None
    if "light" in values and "link" not in values:  # what earlier states of 0.1.0 have called it
        values = {"link" if name == "light" else name: entry for name, entry in values.items()}
    device: Device = _make(Device, values, "")
    return device


def _table(part: Part, path: str) -> str:
    """Return the lines of a part, its numbers first and then the tables inside it."""
    lines, tables = [], []
    for field in dataclasses.fields(part):  # type: ignore[arg-type]  # every part is a dataclass
        name, value = field.name, getattr(part, field.name)
        inside = f"{path}.{name}" if path else name
        if isinstance(value, Quantity):
            inline = ", ".join(f"{key} = {_toml(entry)}" for key, entry in vars(value).items())
            lines.append(f"{name} = {{ {inline} }}\n")
        elif isinstance(value, dict):
            for key, component in value.items():
                bare = key if key.isascii() and key.isidentifier() else _toml(key)
                tables.append(f"\n[{inside}.{bare}]\n{_table(component, inside)}")
        elif isinstance(value, Part):
            tables.append(f"\n[{inside}]\n{_table(value, inside)}")
        elif value is not None:
            lines.append(f"{name} = {_toml(value)}\n")
    return "".join(lines + tables)


def _toml(value: str | float) -> str:
    """Return a value as TOML writes it: a JSON string or number is one of TOML."""
    return json.dumps(value, ensure_ascii=False)


def _read(hint: Any, value: Any, path: str) -> Any:
    """Return what the hint of a field asks for, made from a value of a TOML file."""
    if get_origin(hint) is dict:
        entries = _dict(value, path)
        return {name: _make(Component, entry, f"{path}.{name}") for name, entry in entries.items()}
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, (Part, Quantity)):
            return _make(kind, value, path)
    return value


def _make(kind: type[Part | Quantity], value: Any, path: str) -> Any:
    """Return a part or a quantity, made from a table of a TOML file."""
    hints, entries = get_type_hints(kind, include_extras=True), _dict(value, path)
    where = path or "the device"
    for name in entries:
        if name not in hints:
            close = difflib.get_close_matches(name, hints, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"{where} has no {shown(name)}{meant}; it has {', '.join(hints)}")
    missing = [name for name in hints if name not in entries and not hasattr(kind, name)]  # kind has the defaults
    if missing:
        raise ValueError(f"{where} must have {', '.join(hints)}, got no {missing[0]!r}")
    inside = {name: _read(hints[name], entry, f"{path}.{name}".lstrip(".")) for name, entry in entries.items()}
    try:
        return kind(**inside)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _dict(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{path} must be a table of names and values, got {shown(value)}")
    return value
