"""Options of a run by their names, those of its chips among them: one value, or several to choose from."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrolux.hardware import presets
from retrolux.reading import shown
from retrolux.study.config import OPTIONS, TrainConfig, from_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Value", "check_varies", "config_of", "flat", "is_text", "is_whole", "listed", "toml_lines"]

Value: TypeAlias = "str | int | float | None"

_FIXED = {
    "epochs": "the metrics of every epoch are kept",
    "seed": "repeats have seeds of their own",
    **{name: "it does not change what is computed" for name, about in OPTIONS.items() if not about.decides},
}


def config_of(chosen: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration of a run that is one of many, from options by their names.

    What is not chosen is recommended for its data set and optimizer. A run has one thread where the number is left to
    torch. A run without a chip has neither chip_seed nor output_phase.

    Raises
    ------
    ValueError
        When a value is bad.
    """
    values: dict[str, Any] = {"imperfections": {}}
    of_chips = {}
    for name, value in chosen.items():
        if name in vars(presets.IDEAL):
            values["imperfections"][name] = value
        elif name in {"chip_seed", "output_phase"}:
            of_chips[name] = value
        else:
            values[name] = value
    config = from_dict(values)
    config = dataclasses.replace(config, threads=config.threads or 1)
    return config if config.method is None else dataclasses.replace(config, **of_chips)


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the names of their options, those of a table of imperfections among them.

    Raises
    ------
    ValueError
        When there is no such option.
    """
    inner = table.get("imperfections")
    entries = {**table, **inner} if isinstance(inner, dict) else dict(table)
    if isinstance(inner, dict):
        del entries["imperfections"]
    found = {}
    for entry, value in entries.items():
        name = entry.removeprefix("imperfections.")
        if name not in OPTIONS:
            close = difflib.get_close_matches(name, OPTIONS, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"there is no option {shown(name)}{meant}; there are {', '.join(OPTIONS)}")
        found[name] = None if value == "none" else value
    return found


def is_text(name: str) -> bool:
    """Return whether an option is a name or another text."""
    return OPTIONS[name].kind == "text"


def is_whole(name: str) -> bool:
    """Return whether an option is a whole number."""
    return OPTIONS[name].kind == "integer"


def check_varies(names: Iterable[str]) -> None:
    """Check that options make sense with several values.

    Raises
    ------
    ValueError
        When one does not.
    """
    for name in names:
        if name in _FIXED:
            raise ValueError(f"{name} cannot take several values: {_FIXED[name]}")


def listed(name: str, values: object) -> tuple[Any, ...]:
    """Return the values of a list: real numbers as such where the option is one, "none" as None.

    Raises
    ------
    ValueError
        When it is no list, empty, or holds a value twice.
    """
    if isinstance(values, (str, dict)) or not isinstance(values, Sequence) or not values:
        raise ValueError(f"{name} must be a list of at least one value, got {shown(values)}")
    real = OPTIONS[name].kind == "number"
    found = [float(value) if real and type(value) is int else None if value == "none" else value for value in values]
    seen = set()
    for value in found:
        if value is not None and not isinstance(value, (str, int, float)):
            raise ValueError(f"{name} must hold texts or numbers, got {shown(value)}")
        if value in seen:
            raise ValueError(f"{name} must hold each value once, got {shown(value)} twice")
        seen.add(value)
    return tuple(found)


def toml_lines(table: Mapping[str, Any]) -> str:
    """Return values, tuples of values and mappings as lines of a TOML file, None as "none"."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_toml(entry)}' for name, entry in value.items())}}}"
    return '"none"' if value is None else json.dumps(value, ensure_ascii=False)  # what is JSON is TOML
