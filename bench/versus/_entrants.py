"""The contenders that can take part in a run, and their processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from _contenders import CONTENDERS, ContenderError
from _environments import command, describe, variables
from _process import Process

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Entrants"]


@dataclass
class Entrants:
    """Contenders by name, started when they are asked for."""

    folder: Path
    """Of their environments and logs."""
    checkouts: dict[str, Path]
    """Of those that are not taken from the package index."""
    threads: int
    memory: int
    """Of addresses, for each [bytes]."""
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each says of itself, or why it is "skipped"."""
    _processes: dict[str, Process] = field(default_factory=dict)

    def enter(self, name: str, timeout: float) -> None:
        """Start a contender and ask what it is; note why it cannot take part if it cannot."""
        try:
            self.about[name] = self.process(name).ask(timeout, do="about")
            if name in self.checkouts:
                self.about[name]["version"] = describe(self.checkouts[name])
        except ContenderError as reason:
            self.about[name] = {"skipped": str(reason)}

    def process(self, name: str) -> Process:
        """Return the process of a contender, started if it does not run."""
        if name not in self._processes or not self._processes[name].running:
            (contender,) = (contender for contender in CONTENDERS if contender.name == name)
            checkout = self.checkouts.get(name)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._processes[name] = Process(
                command(contender, self.folder, checkout),
                variables(contender, self.folder, checkout, self.threads, self.memory),
                self.folder / f"{name}.log",
            )
        return self._processes[name]

    @property
    def names(self) -> list[str]:
        """Those that take part."""
        return [name for name, about in self.about.items() if "skipped" not in about]

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.close()
