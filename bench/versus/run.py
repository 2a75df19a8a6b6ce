"""This product next to its peers: the same meshes and light on the same machine, in turns.

python bench/versus/run.py [--path NAME=DIR ...] [--envs DIR] [--output bench/README.md]

Each peer runs in an environment of its own under --envs, made by pip when it is first needed. Peers that are on no
package index need a checkout that is ready to import, compiled where it has C++: --path meshes=DIR --path
pytorch-onn=DIR. Any other peer may be given that way too, instead of its release. Whoever cannot take part is skipped,
with the reason.

Readings are kept in --results as they come; the same command goes on where it ended. A new file is due when anything
in the comparison has changed. With --report only the tables and the figure, times.png and times.svg next to the
results, are made again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # what all benches share

from _cases import ANALOG_LAYERS, Case, write
from _contenders import CONTENDERS, REFERENCES
from _entrants import Entrants
from _figure import draw
from _measure import Limits, measure
from _readme import replace_section
from _report import report
from _results import Readings, Results, Sitting
from tqdm import tqdm  # type: ignore[import-untyped]

from retrolux import _kernels
from retrolux.bench.machine import Machine
from retrolux.bench.peak import measure as measure_peak
from retrolux.bench.quiet import Patience

_FOLDER = Path(__file__).parent
_NAMES = [contender.name for contender in CONTENDERS]
_KINDS = {contender.name: contender.kind for contender in CONTENDERS}
_MODES, _BATCHES = [8, 16, 64, 128, 256], [1, 64, 600]
# Modes and batch of the values that analog layers disturb.
_ANALOG = ((64, 64), (64, 600), (256, 600))


def run(results: Results, entrants: Entrants, arguments: argparse.Namespace) -> None:
    """Measure what the results do not have yet, and save them after every sitting."""
    for name in tqdm([name for name in _NAMES if name in arguments.only], unit="contender", disable=None):
        entrants.enter(name, arguments.setup)
    for name, about in entrants.about.items():
        if "skipped" not in about or "version" not in results.contenders.get(name, {}):
            results.contenders[name] = about
    limits = Limits(arguments.seconds, arguments.call, arguments.setup)
    cases = [Case("mesh", modes, batch) for modes in arguments.modes for batch in arguments.batches]
    cases += [Case("analog", modes, batch, layer) for layer in ANALOG_LAYERS for modes, batch in _ANALOG]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        for case in tqdm(cases, unit="case", disable=None):
            able = [name for name in entrants.names if _KINDS[name] == case.kind]
            for what in ("forward", "step"):
                missing = [name for name in able if name not in results.known(case, what)]
                if not missing:
                    continue
                reasons = {name: results.hopeless(case, what, name) for name in missing}
                sitting = Sitting(case, what)
                if not all(reasons.values()):
                    write(path, case)
                    names = [name for name in able if name in REFERENCES or not reasons.get(name, "done")]
                    sitting = measure(case, what, path, names, entrants.process, limits)
                sitting.readings |= {name: Readings(left_out=reason) for name, reason in reasons.items() if reason}
                results.sittings.append(sitting)
                results.save(arguments.results)


def main() -> None:
    arguments = _parse()
    if arguments.results.exists():
        results = Results.load(arguments.results)
    else:
        results = Results(arguments.threads, measure_peak(_kernels.kernels.isa, "single", Patience(0)))
    if arguments.retry:
        results.forget_left_out()
    if not arguments.report:
        # Libraries that count cores find as many as there are threads.
        if sys.platform == "linux":
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: results.threads])
        machine = Machine(results.threads)
        memory = int(arguments.memory * 2**30)
        try:
            with closing(Entrants(arguments.envs, dict(arguments.path), results.threads, memory)) as entrants:
                run(results, entrants, arguments)
        finally:
            options = f"--seconds {arguments.seconds:g} --call {arguments.call:g} --setup {arguments.setup:g}"
            command = f"`python bench/versus/run.py {options}`"
            results.runs.append(f"{command}, {date.today():%Y-%m-%d}: {machine.facts()}.")
            results.save(arguments.results)
    text = report(results)
    print(text)
    draw(results, arguments.results.with_name("times"))
    if arguments.output:
        replace_section(arguments.output, "versus", text)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, default=Path.home() / ".cache/retrolux-versus", help="of the peers")
    parser.add_argument("--path", type=_checkout, action="append", default=[], metavar="NAME=DIR", help="a checkout")
    parser.add_argument("--only", nargs="+", choices=_NAMES, default=_NAMES, metavar="NAME", help=", ".join(_NAMES))
    parser.add_argument("--modes", type=int, nargs="+", default=_MODES, help="even numbers")
    parser.add_argument("--batches", type=int, nargs="+", default=_BATCHES)
    parser.add_argument("--threads", type=int, default=2, help="of new results")
    parser.add_argument("--seconds", type=float, default=3, help="of readings, for each contender and case")
    parser.add_argument("--call", type=float, default=20, help="seconds that one call may take")
    parser.add_argument("--setup", type=float, default=300, help="seconds that building and compiling may take")
    parser.add_argument("--memory", type=float, default=16, help="GiB of addresses for each contender")
    parser.add_argument("--results", type=Path, default=_FOLDER / "results.json", help="what was measured")
    parser.add_argument("--retry", action="store_true", help="try again what contenders were left out of")
    parser.add_argument("--report", action="store_true", help="only tables and figure, of what was measured")
    parser.add_argument("--output", type=Path, help="a Markdown file with the markers of these tables")
    arguments = parser.parse_args()
    if odd := [modes for modes in arguments.modes if modes < 4 or modes % 2]:
        parser.error(f"--modes must be even numbers of at least 4, got {odd[0]}")
    kinds = {_KINDS[name] for name in arguments.only}
    arguments.only = {*arguments.only, *(name for name in REFERENCES if _KINDS[name] in kinds)}
    return arguments


def _checkout(text: str) -> tuple[str, Path]:
    """Return name and folder of NAME=DIR."""
    name, _, folder = text.partition("=")
    known = [contender.name for contender in CONTENDERS if contender.module is not None]
    if name not in known or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"expected NAME=DIR with a folder and one of {', '.join(known)}, got {text!r}")
    return name, Path(folder)


if __name__ == "__main__":
    main()
