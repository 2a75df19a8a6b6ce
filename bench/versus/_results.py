"""Readings as they came, in one file: sittings of one case, in which contenders took turns."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from _cases import Case
from _contenders import REFERENCES

from retrolux.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["TOO_SLOW", "Readings", "Results", "Sitting"]

_FORMAT = 1
# How the reason begins for which most are left out.
TOO_SLOW = "a call takes more than"
# A round in which threads waited for a core longer than this share of it is disturbed, as in bench/_timing.py.
_WAITING_SHARE = 0.01


@dataclass
class Readings:
    """What one contender did in a sitting: seconds per call of every round, or why it did not take part."""

    seconds: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    """Share of each reading that its threads waited for a core, all threads together."""
    first: float = 0.0
    """Seconds of the first call, compilation included."""
    differences: dict[str, float] = field(default_factory=dict)
    """From the expected results, relative."""
    left_out: str = ""


@dataclass
class Sitting:
    """One case, "forward" or "step"; the n-th readings of all contenders are from the same round."""

    case: Case
    what: str
    readings: dict[str, Readings] = field(default_factory=dict)


@dataclass
class Results:
    """Everything that was measured, of several runs if it was resumed."""

    threads: int
    peak: float
    """Multiply-add peak of one core [operations/s]."""
    runs: list[str] = field(default_factory=list)
    """The machine's facts, one line for each run."""
    contenders: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each its "version", "precision" and "patches", or why it was "skipped"."""
    sittings: list[Sitting] = field(default_factory=list)

    @staticmethod
    def load(path: Path) -> Results:
        """Read a file that `save` wrote.

        Raises
        ------
        ValueError
            When it is another kind of file.
        """
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.get("format") != _FORMAT:
            raise ValueError(f"{path} must hold results of format {_FORMAT}, got {stored.get('format')}")
        sittings = [
            Sitting(
                Case(**sitting["case"]),
                sitting["what"],
                {name: Readings(**readings) for name, readings in sitting["readings"].items()},
            )
            for sitting in stored["sittings"]
        ]
        return Results(stored["threads"], stored["peak"], stored["runs"], stored["contenders"], sittings)

    def save(self, path: Path) -> None:
        """Write all of it."""
        write_atomically(path, json.dumps({"format": _FORMAT, **asdict(self)}, ensure_ascii=False).encode())

    def known(self, case: Case, what: str) -> set[str]:
        """Return those that have been timed in a case, or left out of it."""
        return {name for sitting in self._of(case, what) for name in sitting.readings}

    def readings(self, case: Case, what: str, name: str) -> Readings | None:
        """Return the latest of a contender."""
        found = [sitting.readings[name] for sitting in self._of(case, what) if name in sitting.readings]
        return found[-1] if found else None

    def median(self, case: Case, what: str, name: str) -> float | None:
        """Return the median time of a contender [s]; None where it has none."""
        readings = self.readings(case, what, name)
        return median(readings.seconds) if readings is not None and readings.seconds else None

    def ratio(self, case: Case, what: str, name: str, reference: str) -> float | None:
        """Return the median over the rounds of a time over the reference's of the same round, from one sitting."""
        both = [
            sitting.readings
            for sitting in self._of(case, what)
            if all(other in sitting.readings and sitting.readings[other].seconds for other in (name, reference))
        ]
        if not both:
            return None
        pairs = zip(both[-1][name].seconds, both[-1][reference].seconds, strict=False)  # the slower has fewer rounds
        return median(ours / theirs for ours, theirs in pairs)

    def disturbed(self, case: Case, what: str) -> bool:
        """Whether the references had to wait for a core in most rounds of the latest sitting."""
        *_, latest = self._of(case, what)
        waited = [share for name in REFERENCES if name in latest.readings for share in latest.readings[name].waited]
        return median(waited) > _WAITING_SHARE if waited else False

    def hopeless(self, case: Case, what: str, name: str) -> str:
        """Return why a contender was left out of a case that is nowhere larger, or nothing."""
        reasons = (
            sitting.readings[name].left_out
            for sitting in self.sittings
            if name in sitting.readings
            and (sitting.what, sitting.case.kind, sitting.case.layer) == (what, case.kind, case.layer)
            and sitting.case.modes <= case.modes
            and sitting.case.batch <= case.batch
        )
        return next(filter(None, reasons), "")

    def forget_left_out(self) -> None:
        """Let all try again what they were left out of."""
        for sitting in self.sittings:
            sitting.readings = {name: readings for name, readings in sitting.readings.items() if not readings.left_out}

    def _of(self, case: Case, what: str) -> Iterator[Sitting]:
        return (sitting for sitting in self.sittings if (sitting.case, sitting.what) == (case, what))
