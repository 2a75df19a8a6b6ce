"""NAME=VALUE, as the command line gives options of a run."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrolux.study.option_values import Value

__all__ = ["parse_list", "parse_pairs", "parse_value"]


def parse_pairs(option: str, wanted: str, texts: Iterable[str]) -> dict[str, str]:
    """Return what stands right of each name.

    Raises
    ------
    ValueError
        When a text is no pair, or names what another has named.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(f"{option} must be {wanted}, got {text!r}")
        if name in pairs:
            raise ValueError(f"{option} must name each option once, got {name!r} twice")
        pairs[name] = value
    return pairs


def parse_value(text: str) -> Value:
    """Return an integer, else a real number, else the text."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return text


def parse_list(text: str) -> list[Value]:
    """Return the values between commas."""
    return [parse_value(value.strip()) for value in text.split(",")]
