"""What a search for good options looks through."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from retrolux.reading import shown
from retrolux.study.config import read_toml
from retrolux.study.option_values import check_varies, config_of, flat, is_text, is_whole, listed, toml_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrolux.study.config import TrainConfig
    from retrolux.study.option_values import Value

__all__ = ["Objective", "Range", "Search", "from_toml", "to_toml"]

Objective: TypeAlias = Literal["best", "last"]
_LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes
    ----------
    low, high : float or int
        low < high.
    log : bool
        Whether factors count instead of differences; low is above 0 then.

    Raises
    ------
    ValueError
        When they are no such numbers.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        numbers = all(type(value) in {int, float} and abs(value) <= _LARGEST for value in (self.low, self.high))
        if not (numbers and self.low < self.high) or type(self.log) is not bool or (self.log and self.low <= 0):
            raise ValueError(
                "a range must have numbers low < high, both finite, low above 0 for log = true, "
                f"got low = {shown(self.low)}, high = {shown(self.high)}, log = {shown(self.log)}"
            )


@dataclass(frozen=True, kw_only=True)
class Search:
    """Options that a search chooses, and those that stay.

    Attributes
    ----------
    settings : mapping of str to value
        What stays, as for `retrolux.study.sweep_grid.Sweep`; the seed is that of the choices, too.
    space : mapping of str to Range or sequence
        What is chosen, by the names of the options: numbers of a range, or one of several values.
    objective : {"best", "last"}
        The test error to make small: that of the best epoch, or of the last one.

    Raises
    ------
    ValueError
        When there is nothing to choose, an option does not exist or cannot be chosen, or a value is bad.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Range | Sequence[Value]] = field(default_factory=dict)
    objective: Objective = "best"

    def __post_init__(self) -> None:
        if self.objective not in get_args(Objective):
            raise ValueError(f"objective must be one of {', '.join(get_args(Objective))}, got {shown(self.objective)}")
        settings, space = flat(self.settings), flat(self.space)
        if not space:
            raise ValueError("a search needs an option to choose at least, got none")
        check_varies(space)
        space = {name: _checked(name, choice) for name, choice in space.items()}
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "space", space)
        for end in (0, -1):  # refuses what is no configuration
            self.config({name: _ends(choice)[end] for name, choice in space.items()})

    def config(self, chosen: Mapping[str, Any]) -> TrainConfig:
        """Return the configuration for a choice of all options.

        Raises
        ------
        ValueError
            When it is none.
        """
        return config_of({**self.settings, **chosen})


def from_toml(path: Path) -> Search:
    """Read a search: settings, and in a table `search` what is chosen and, if it is not best, the objective.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no TOML, or not a search.
    """
    settings = read_toml(path)
    table = settings.pop("search", {})
    try:
        if not isinstance(table, dict):
            raise ValueError(f"search must be a table of names and ranges or lists, got {shown(table)}")
        objective = table.pop("objective", "best")
        space = flat(table)
        for name, choice in space.items():
            if isinstance(choice, dict):
                space[name] = _range(name, choice)
        return Search(settings=settings, space=space, objective=objective)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def to_toml(search: Search) -> str:
    """Return the search as the text of a TOML file."""
    space = {name: asdict(choice) if isinstance(choice, Range) else choice for name, choice in search.space.items()}
    return f"{toml_lines(search.settings)}\n[search]\n{toml_lines({'objective': search.objective, **space})}"


def _range(name: str, table: dict[str, Any]) -> Range:
    unknown = table.keys() - {"low", "high", "log"}
    if unknown or not {"low", "high"} <= table.keys():
        raise ValueError(f"{name} must have low, high and, if wanted, log, got {shown(table)}")
    return Range(**table)


def _checked(name: str, choice: object) -> Range | tuple[Any, ...]:
    """Return a choice as it is kept."""
    if not isinstance(choice, Range):
        return listed(name, choice)
    if is_text(name):
        raise ValueError(f"{name} is no number: give it a list of values, got {choice}")
    if is_whole(name) and not (type(choice.low) is type(choice.high) is int):
        raise ValueError(f"{name} is a whole number: give it a range of such, got {choice}")
    return choice


def _ends(choice: Range | tuple[Any, ...]) -> tuple[Any, ...]:
    return (choice.low, choice.high) if isinstance(choice, Range) else choice
