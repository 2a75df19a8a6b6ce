"""`retrolux search`: find options that train well."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from retrolux.commands.pairs import parse_list, parse_pairs, parse_value
from retrolux.commands.paths import Folder, OptionalFile
from retrolux.commands.progress import runs_bar
from retrolux.study import search_space
from retrolux.study.option_values import flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrolux.study.option_values import Value
    from retrolux.study.search_driver import Trial

__all__ = ["DESCRIPTION", "Search"]

DESCRIPTION = """\
Find options that train well, by Optuna.

Each trial is a run with options chosen from ranges or lists; the choices follow what has trained well so far. Any
option of retrolux train can be chosen, with its name as in config.toml. The folder receives search.toml, search.db (an
Optuna study in SQLite), a folder in runs for every trial, and best.toml for retrolux train --config. A search that is
stopped continues with --resume. The best test error is chosen among many and flatters: train again with other seeds.

A file for --config holds settings as a config.toml does, and what is chosen in a table:
  dataset = "moons"
  epochs = 30
  [search]
  lr = {low = 0.001, high = 0.1, log = true}
  meshes = {low = 2, high = 4}
  optimizer = ["sgd", "adam"]

Examples:
  retrolux search --search lr=0.001..0.1:log gain=10..1000:log --change epochs=10 --trials 30
  retrolux search --search lr=0.001..1:log optimizer=sgd,adam --change tap_noise=0.01 --objective last
  retrolux search --config space.toml --out runs/space --workers 8
  retrolux search --out runs/space --resume --trials 100
  retrolux train --config runs/search/best.toml --seed 1 --out runs/best"""

_SHOWN = 5


@dataclass(frozen=True)
class Search:
    """Find options that train well, by Optuna.

    Attributes
    ----------
    config
        A TOML file with settings and what is chosen.
    change
        Settings of all runs, over those of the file.
    search
        What is chosen, over that of the file: numbers of a range, on a logarithmic scale with :log, or one of a list.
    objective
        The test error to make small: that of the best epoch or of the last one; best where the file says nothing.
    trials
        Number of trials in the end, at least 1, those before --resume among them.
    out
        Folder of the search.
    workers
        Processes, each with one run at a time; by default as many as there are cores. With one, the same seed makes the
        same choices.
    scheduler
        A dask scheduler (tcp://host:port) that has the work done instead, as for retrolux sweep.
    resume
        Continue the search in the folder.
    """

    config: OptionalFile = None
    change: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    search: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=LOW..HIGH[:log]|NAME=VALUE,VALUE,…")] = ()
    objective: search_space.Objective | None = None
    trials: int = 20
    out: Folder = Path("runs/search")
    workers: int | None = None
    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    resume: bool = False

    def run(self) -> int:
        """Compute, show the progress, and print the best trials."""
        from retrolux.study.search_driver import run_search  # noqa: PLC0415 - optuna and dask are slow, not needed for --help

        search = self._declared()
        with runs_bar() as progress:
            try:
                trials = run_search(
                    search,
                    self.out,
                    trials=self.trials,
                    workers=self.workers,
                    scheduler=self.scheduler,
                    resume=self.resume,
                    progress=progress,
                )
            except KeyboardInterrupt:
                raise KeyboardInterrupt(self._how_to_continue()) from None
        print(_table(trials, search.objective))
        best = shlex.quote(str(self.out / "best.toml"))
        print(f"\n{len(trials)} trials went well; train the best with: retrolux train --config {best}")
        return 0

    def _how_to_continue(self) -> str:
        if not (self.out / "search.toml").exists():
            return "stopped before the search had begun"
        out = shlex.quote(str(self.out))
        return f"stopped; continue with: retrolux search --out {out} --resume --trials {self.trials}"

    def _declared(self) -> search_space.Search:
        """Return the search that the options describe."""
        file = self.config
        if self.resume and file is None:
            file = self.out / "search.toml"
            if not file.exists():
                raise FileNotFoundError(f"{self.out} holds no search to resume: there is no search.toml")
        base = None if file is None else search_space.from_toml(file)
        changes = parse_pairs("--change", "NAME=VALUE", self.change)
        choices = parse_pairs("--search", "NAME=LOW..HIGH[:log] or NAME=VALUE,VALUE,…", self.search)
        settings = flat({name: parse_value(text) for name, text in changes.items()})
        chosen = flat({name: _choice(text) for name, text in choices.items()})
        if base is None:
            return search_space.Search(settings=settings, space=chosen, objective=self.objective or "best")
        return search_space.Search(
            settings={**base.settings, **settings},
            space={**base.space, **chosen},
            objective=self.objective or base.objective,
        )


def _choice(text: str) -> search_space.Range | Sequence[Value]:
    """Return the range LOW..HIGH or LOW..HIGH:log, or the values between commas."""
    low, dots, high = text.removesuffix(":log").partition("..")
    if not dots:
        return parse_list(text)
    ends: Any = {"low": parse_value(low), "high": parse_value(high)}  # a range refuses what is no number
    return search_space.Range(**ends, log=text.endswith(":log"))


def _table(trials: Sequence[Trial], objective: search_space.Objective) -> str:
    """Return the best trials, a line each."""
    rows = [["trial", f"test error ({objective} epoch)", "chosen"]]
    for trial in trials[:_SHOWN]:
        values = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in trial.chosen.items()}
        chosen = ", ".join(f"{name} {value}" for name, value in values.items())
        rows.append([str(trial.number), f"{100 * trial.error:.2f} %", chosen])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        f"{number:>{widths[0]}}  {error:>{widths[1]}}  {chosen}".rstrip() for number, error, chosen in rows
    )
