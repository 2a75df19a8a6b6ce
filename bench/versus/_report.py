"""The results as tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _contenders import CONTENDERS, OURS
from _readme import table
from _results import TOO_SLOW

if TYPE_CHECKING:
    from _cases import Case
    from _results import Results

__all__ = ["report"]

# Above these a contender does not compute the same thing; the spread of noise is known as well as few draws allow.
_TOLERANCES = {"output": 1e-3, "gradient in x": 1e-3, "gradient in phases": 1e-3, "spread": 0.1}


def report(results: Results) -> str:
    """Return all tables, with the facts of the runs in front."""
    parts = ["  \n".join(results.runs)]
    for kind, subject in (("mesh", "rectangular mesh"), ("analog", "analog layers")):
        for what, name in (("forward", "Forward pass"), ("step", "Training step")):
            rows = _timing_rows(results, kind, what)
            if len(rows) > 1:
                parts += [f"{name}, {subject}:", table(rows[0], rows[1:])]
    parts += ["Who took part, and how far results were from the expected ones at most:", _contenders_table(results)]
    if notes := [note for name in results.contenders for note in _notes(results, name)]:
        parts.append("\n".join(notes))
    return "\n\n".join(parts)


def _timing_rows(results: Results, kind: str, what: str) -> list[list[str]]:
    """Return a header and a row per case: our time, and of the others time and how many times longer it is."""
    cases = list(dict.fromkeys(s.case for s in results.sittings if s.case.kind == kind and s.what == what))
    known = set().union(*(results.known(case, what) for case in cases))
    names = [contender.name for contender in CONTENDERS if contender.name in known]
    rows = [["N × batch" if kind == "mesh" else "layer, N × batch", *names]]
    for case in sorted(cases, key=lambda case: (case.layer, case.modes, case.batch)):
        mark = "~" * results.disturbed(case, what)
        rows.append([f"{mark}{case}", *(_cell(results, case, what, name) for name in names)])
    return rows


def _cell(results: Results, case: Case, what: str, name: str) -> str:
    time = results.median(case, what, name)
    if time is None:
        readings = results.readings(case, what, name)
        reason = readings.left_out if readings is not None else ""
        return reason.replace(TOO_SLOW, ">") if reason.startswith(TOO_SLOW) else "–"
    ours = OURS[case.kind]
    ratio = None if name == ours else results.ratio(case, what, name, ours)
    return _seconds(time) if ratio is None else f"{_seconds(time)} ({ratio:.3g}×)"


def _seconds(value: float) -> str:
    """Return a time with its unit."""
    unit, scale = next((pair for pair in (("s", 1.0), ("ms", 1e-3)) if value >= pair[1]), ("µs", 1e-6))
    return f"{value / scale:.3g} {unit}"


def _contenders_table(results: Results) -> str:
    rows = []
    for name, about in results.contenders.items():
        if "skipped" not in about:
            differences = _differences(results, name)
            shown = [differences.get(what, "–") for what in _TOLERANCES]
            rows.append([name, about["version"], about["precision"], *shown])
    return table(["", "version", "precision", *_TOLERANCES], rows)


def _differences(results: Results, name: str) -> dict[str, str]:
    """Return the greatest differences from the expected results over all cases, in bold where they are too large."""
    greatest: dict[str, float] = {}
    for sitting in results.sittings:
        if name in sitting.readings:
            for what, difference in sitting.readings[name].differences.items():
                greatest[what] = max(greatest.get(what, 0.0), difference)
    return {
        what: f"{value:.0e}" if value <= _TOLERANCES[what] else f"**{value:.0e}**" for what, value in greatest.items()
    }


def _notes(results: Results, name: str) -> list[str]:
    """Return lines on a contender: why it was skipped, or its patches, and what kept it out of which case first."""
    about = results.contenders[name]
    if "skipped" in about:
        return [f"* {name} was skipped: {about['skipped']}."]
    first: dict[str, str] = {}
    for sitting in results.sittings:
        if name in sitting.readings and sitting.readings[name].left_out:
            first.setdefault(sitting.readings[name].left_out, f"{sitting.what} {sitting.case}")
    patched = [f"* {name} runs with patches: {'; '.join(about['patches'])}."] if about["patches"] else []
    return patched + [f"* {name} is left out of {case} and what is larger: {reason}." for reason, case in first.items()]
