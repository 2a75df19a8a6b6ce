"""The subcommands of `retrolux`: each a frozen dataclass whose fields are its options and whose `run` does the work.

A new subcommand is a module here, a name in NAMES and a line in `parser`. Modules import what is slow inside
`run`, so that help is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Protocol

import tyro

from retrolux.commands.info import Info
from retrolux.commands.train import DESCRIPTION, Train, train_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAMES", "Command", "Info", "Train", "parser"]

NAMES = ("train", "info")


class Command(Protocol):
    """What the command line turns into."""

    def run(self) -> int:
        """Do the work and return the exit code."""


def parser(arguments: Sequence[str]) -> Any:
    """Return the type that describes the command line to tyro.

    The defaults of an option may depend on others, as the learning rate does on the data set: `arguments` decide.
    """
    about_train = DESCRIPTION if arguments[:1] == ["train"] else DESCRIPTION.partition("\n")[0]
    train = tyro.conf.subcommand("train", description=about_train, default=train_defaults(arguments))
    info = tyro.conf.subcommand("info")
    return Annotated[Train, train] | Annotated[Info, info]
