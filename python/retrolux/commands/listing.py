"""Tables of what can be chosen, as lines of a help text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["listed"]


def listed(about: Mapping[str, str]) -> str:
    """Return a line for each name, with what it is."""
    width = max(map(len, about))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in about.items())
