"""The subcommands of `retrolux`: each a frozen dataclass whose fields are its options and whose `run` does the work.

A new subcommand is a module here, a name in NAMES and a line in `parser`. Modules import what is slow inside
`run`, so that help is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Protocol

import tyro

from retrolux.commands import bench, energy, report, search, study, sweep, train
from retrolux.commands.bench import Bench
from retrolux.commands.energy import Energy
from retrolux.commands.info import Info
from retrolux.commands.report import Report
from retrolux.commands.search import Search
from retrolux.commands.study import Study
from retrolux.commands.sweep import Sweep
from retrolux.commands.train import Train, train_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAMES", "Bench", "Command", "Energy", "Info", "Report", "Search", "Study", "Sweep", "Train", "parser"]

NAMES = ("study", "report", "train", "sweep", "search", "energy", "bench", "info")


class Command(Protocol):
    """What the command line turns into."""

    def run(self) -> int:
        """Do the work and return the exit code."""


def parser(arguments: Sequence[str]) -> Any:
    """Return the type that describes the command line to tyro.

    The defaults of an option may depend on others, as the learning rate does on the data set: `arguments` decide.
    """
    of_train = tyro.conf.subcommand(
        "train", description=_about("train", train.DESCRIPTION, arguments), default=train_defaults(arguments)
    )
    of_study = tyro.conf.subcommand("study", description=_about("study", study.DESCRIPTION, arguments))
    of_report = tyro.conf.subcommand("report", description=_about("report", report.DESCRIPTION, arguments))
    of_energy = tyro.conf.subcommand("energy", description=_about("energy", energy.DESCRIPTION, arguments))
    of_sweep = tyro.conf.subcommand("sweep", description=_about("sweep", sweep.DESCRIPTION, arguments))
    of_search = tyro.conf.subcommand("search", description=_about("search", search.DESCRIPTION, arguments))
    of_bench = tyro.conf.subcommand("bench", description=_about("bench", bench.DESCRIPTION, arguments))
    of_info = tyro.conf.subcommand("info")
    return (
        Annotated[Study, of_study]
        | Annotated[Report, of_report]
        | Annotated[Train, of_train]
        | Annotated[Sweep, of_sweep]
        | Annotated[Search, of_search]
        | Annotated[Energy, of_energy]
        | Annotated[Bench, of_bench]
        | Annotated[Info, of_info]
    )


def _about(name: str, description: str, arguments: Sequence[str]) -> str:
    """Return the description of a subcommand: all of it in its own help, the first line in the list of them."""
    return description if arguments[:1] == [name] else description.partition("\n")[0]
