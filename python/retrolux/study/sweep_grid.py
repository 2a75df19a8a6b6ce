"""What a sweep computes: settings that stay, options that take every value of a list, and seeds."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrolux.reading import shown
from retrolux.study.config import read_toml
from retrolux.study.option_values import Value, check_varies, config_of, flat, listed, toml_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrolux.study.config import TrainConfig

__all__ = ["Sweep", "Value", "from_toml", "to_toml"]

_RUNS = 100_000


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Every combination of the values of some options, each with every seed: one run each.

    Repeats are other networks on other chips: chip_seed grows with the seed, unless it has a list of its own. A run
    without a chip, which has no imperfection and the gradient auto, leaves out chip_seed and output_phase. Runs have
    one thread where the settings leave the number to torch.

    Attributes
    ----------
    settings : mapping of str to value
        What does not change: options of `TrainConfig` and `Imperfections` by their names, or the latter in a mapping
        ``imperfections``. Where it says nothing, each run has what is recommended for its data set and optimizer.
    lists : mapping of str to sequence
        Values of each swept option; ``"none"`` stands for None.
    seeds : sequence of int
        Of the repeats, none below that of the settings; empty for that one alone.

    Raises
    ------
    ValueError
        When an option does not exist or cannot take a list, a list is empty or holds a value twice, a combination
        is no valid configuration, or there are more than 100 000.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    seeds: Sequence[int] = ()

    def __post_init__(self) -> None:
        settings, lists = flat(self.settings), flat(self.lists)
        for name, value in settings.items():
            if isinstance(value, (list, tuple)):
                raise ValueError(
                    f"{name} must be one value in the settings, got {shown(value)}; lists belong to the sweep"
                )
        check_varies(lists)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "lists", {name: listed(name, values) for name, values in lists.items()})
        object.__setattr__(self, "seeds", listed("seed", self.seeds or (settings.get("seed", 0),)))
        runs = math.prod(self.shape)
        if runs > _RUNS:
            raise ValueError(f"a sweep must have at most {_RUNS} runs, got {runs}")
        _ = self.configs  # refuses what is no configuration

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each list, then of seeds."""
        return (*(len(values) for values in self.lists.values()), len(self.seeds))

    @cached_property
    def configs(self) -> tuple[TrainConfig, ...]:
        """One configuration per run; the seeds change fastest, then the last list."""
        return tuple(
            self._config(dict(zip(self.lists, chosen, strict=True)), seed)
            for chosen in itertools.product(*self.lists.values())
            for seed in self.seeds
        )

    def _config(self, point: dict[str, Value], seed: int) -> TrainConfig:
        chosen = {**self.settings, **point}
        try:
            first = config_of(chosen)
            config = dataclasses.replace(first, seed=seed)
            if config.method is None or "chip_seed" in point:
                return config
            return dataclasses.replace(config, chip_seed=first.chip_seed + seed - first.seed)
        except ValueError as error:
            where = ", ".join(f"{name} = {shown(value)}" for name, value in point.items())
            raise ValueError(f"{error} (at {where})" if where else str(error)) from None


def to_toml(sweep: Sweep) -> str:
    """Return the sweep as the text of a TOML file: the settings, then the lists in a table `sweep`."""
    return f"{toml_lines(sweep.settings)}\n[sweep]\n{toml_lines({**sweep.lists, 'seed': sweep.seeds})}"


def from_toml(path: Path) -> Sweep:
    """Read a sweep: settings, and in a table `sweep` the lists, that of seeds with the name seed among them.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no TOML, or not a sweep.
    """
    settings = read_toml(path)
    lists = settings.pop("sweep", {})
    try:
        if not isinstance(lists, dict):
            raise ValueError(f"sweep must be a table of names and lists, got {shown(lists)}")
        seeds = listed("seed", lists.pop("seed")) if "seed" in lists else ()
        return Sweep(settings=settings, lists=lists, seeds=seeds)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
