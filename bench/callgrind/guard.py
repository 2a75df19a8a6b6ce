"""Count the instructions of the kernels, which no clock and no neighbour disturbs, and fail when a count has grown.

python bench/callgrind/guard.py PROGRAM [--update]

PROGRAM is built from bench/native/counted.cpp. Counts depend on the compiler: with another one than that of
expected.json, or without valgrind, nothing is compared.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KERNELS", "compare", "count"]

EXPECTED = Path(__file__).with_name("expected.json")
KERNELS = ("forward", "adjoint", "taps", "normals")
_TOLERANCE = 0.05
_UPDATE = "nox -s guard -- --update"


def count(program: str, kernel: str) -> int:
    """Return the instructions that one call of a kernel executes.

    Raises
    ------
    ValueError
        When callgrind saw no call.
    """
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=retrolux_counted"]
    done = subprocess.run([*command, program, kernel], stderr=subprocess.PIPE, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"callgrind must count the instructions of {kernel}, got none; it said: {done.stderr}")
    return int(found[1])


def compare(expected: Mapping[str, int], counted: Mapping[str, int]) -> tuple[list[str], bool]:
    """Return a line for every kernel, and whether one has grown by more than the tolerance."""
    lines, failed = [], False
    for kernel, now in counted.items():
        before = expected[kernel]
        change = now / before - 1
        verdict = "as expected"
        if change > _TOLERANCE:
            verdict, failed = f"has grown by more than {_TOLERANCE:.0%}; if that is meant: {_UPDATE}", True
        elif change < -_TOLERANCE:
            verdict = f"has shrunk by more than {_TOLERANCE:.0%}; keep that with: {_UPDATE}"
        lines.append(f"{kernel:8} {now:12,} instructions, expected {before:12,} ({change:+.1%}): {verdict}")
    return lines, failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--update", action="store_true", help="make these counts the expected ones")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed (Debian, Ubuntu: apt install valgrind)")
        return 0
    compiler = subprocess.run([arguments.program], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if arguments.update:
        counted = {kernel: count(arguments.program, kernel) for kernel in KERNELS}
        EXPECTED.write_text(json.dumps({"compiler": compiler, "instructions": counted}, indent=2) + "\n")
        print(f"{EXPECTED} holds the counts of {compiler}: {counted}")
        return 0
    expected = json.loads(EXPECTED.read_text())
    if compiler != expected["compiler"]:
        print(f"skipped: the expected counts are those of {expected['compiler']}, this is {compiler}")
        return 0
    counted = {kernel: count(arguments.program, kernel) for kernel in KERNELS}
    lines, failed = compare(expected["instructions"], counted)
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
