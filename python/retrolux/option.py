"""What is to be known of an option, kept beside its field: its range, its unit, its names, and where it comes from."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from retrolux.reading import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Option", "check_options", "documented", "option", "options_of"]

_T = TypeVar("_T")

Kind: TypeAlias = Literal["text", "integer", "number"]

# Beyond any chip, and so small that what is calculated from it, squares too, stays finite in single precision.
_MOST = 1e15


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is to be known of an option.

    Attributes
    ----------
    kind : {"text", "integer", "number"}
        That of its default.
    or_none : bool
        Whether None is allowed, which sets no limit.
    about : str
        What it is: for the docstring of its class, and so for ``--help``.
    unit : str
        As files have it, ``"rad"`` or ``"pi rad"``; ``"1"`` for a pure number.
    least, most : float
        Range of a number, both ends included.
    above, below : bool
        Whether `least`, or `most`, is left out instead.
    label, short : str
        What figures and tables call it; its name with spaces where nothing is given.
    published : str
        Its name in the published results (Pai et al., Science 380, 398 (2023)), if that is another one.
    lifetime : {"", "fabrication", "programming", "drift", "shot"}
        When an imperfection is drawn.
    source : str
        Who has described it.
    costs : bool
        Whether energy, time or area of a network depend on it.
    decides : bool
        Whether it decides what a run computes; else it says where and how fast.
    since : str
        The version of retrolux that has brought it.
    """

    kind: Kind = "text"
    or_none: bool = False
    about: str = ""
    unit: str = "1"
    least: float = 0.0
    most: float = _MOST
    above: bool = False
    below: bool = False
    label: str = ""
    short: str = ""
    published: str = ""
    lifetime: Literal["", "fabrication", "programming", "drift", "shot"] = ""
    source: str = ""
    costs: bool = False
    decides: bool = True
    since: str = "0.1.0"

    @property
    def unit_text(self) -> str:
        """The unit as a reader likes it; empty for a pure number."""
        return "" if self.unit == "1" else self.unit.replace("pi ", "π ").replace("s^(1/2)", "√s")

    def checked(self, name: str, value: Any) -> Any:
        """Return a number as it is kept: an int or a float of Python.

        Raises
        ------
        ValueError
            When it is no number, not finite, or out of range.
        """
        if isinstance(value, np.generic):
            value = value.item()
        if value is None and self.or_none:
            return None
        number = isinstance(value, int if self.kind == "integer" else (int, float)) and not isinstance(value, bool)
        if not number or not self._is_large_enough(value):
            wanted = "an integer" if self.kind == "integer" else "a finite number"
            least = f"{'above' if self.above else 'of at least'} {self.least:g}{' or None' if self.or_none else ''}"
            raise ValueError(f"{name} must be {wanted} {least}, got {shown(value)}")
        if value > self.most or (self.below and value == self.most):
            most = self.most if isinstance(self.most, int) else f"{self.most:.3g}"
            raise ValueError(f"{name} must be {'below' if self.below else 'at most'} {most}, got {shown(value)}")
        return value if self.kind == "integer" else float(value)

    def _is_large_enough(self, value: Any) -> bool:
        if self.kind == "number" and not abs(value) <= sys.float_info.max:
            return False
        return bool(value > self.least if self.above else value >= self.least)

    def entry(self, name: str) -> str:
        """Return what the docstring of its class says of an option."""
        kind = {"text": "str", "integer": "int", "number": "float"}[self.kind]
        if self.kind == "integer":
            kind += f", {self.least:g} to {self.most:g}" + (", or None" if self.or_none else "")
        elif self.below:
            kind += f", at least {self.least:g} and below {self.most:g}"
        elif self.kind == "number" and self.least >= 0:
            kind += f" {'>' if self.above else '≥'} {self.least:g}"
        text = f"{self.about}{f' ({self.source})' if self.source else ''}."
        if self.unit_text:
            text = f"in {self.unit_text}, {text}"
        if self.lifetime:
            text = f"{self.lifetime}: {text}"
        # The command line takes a line that begins with anything but a letter for a paragraph of its own.
        kept = re.sub(r" (?![A-Za-z])", "\xa0", text[0].upper() + text[1:])
        lines = textwrap.wrap(kept, 116, initial_indent="    ", subsequent_indent="    ")
        return "\n".join([f"{name} : {kind}", *lines]).replace("\xa0", " ")


def option(default: _T, **facts: Any) -> _T:
    """Return a field of a dataclass with a default and the facts of `Option` about it."""
    about = Option(kind=_kind(default), or_none=default is None, **facts)
    return dataclasses.field(default=default, metadata={"option": about})


def _kind(default: object) -> Kind:
    if isinstance(default, float):
        return "number"
    return "integer" if default is None or isinstance(default, int) else "text"


def options_of(settings: type) -> Mapping[str, Option]:
    """Return what is to be known of every option of a dataclass, by its name."""
    return _options_of(settings)


@functools.cache
def _options_of(settings: type) -> Mapping[str, Option]:
    return {
        field.name: field.metadata.get("option") or Option(kind=_kind(field.default))
        for field in dataclasses.fields(settings)
    }


def check_options(settings: Any) -> None:
    """Check the numbers of a frozen dataclass, and keep them as numbers of Python.

    Raises
    ------
    ValueError
        When a value is no number, not finite, or out of range.
    """
    for name, about in options_of(type(settings)).items():
        if about.kind != "text":
            object.__setattr__(settings, name, about.checked(name, getattr(settings, name)))


def documented(settings: type[_T]) -> type[_T]:
    """Put what is known of the options of a class in the place of ``{options}`` in its docstring."""
    if settings.__doc__ is not None:  # there is none under python -OO
        entries = "\n".join(about.entry(name) for name, about in options_of(settings).items())
        settings.__doc__ = inspect.cleandoc(settings.__doc__).replace("{options}", entries)
    return settings
