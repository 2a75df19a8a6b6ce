"""The guard of instruction counts: what it lets pass, what it stops, and when it compares nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "bench" / "callgrind"
EXPECTED = {"forward": 1000, "adjoint": 1000, "taps": 1000, "normals": 1000}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


@pytest.fixture
def guard(tmp_path):
    """Return a function that runs a copy of the guard, on a program of some compiler, with a script as valgrind."""
    shutil.copy(FOLDER / "guard.py", tmp_path)
    (tmp_path / "expected.json").write_text(json.dumps({"compiler": "GNU 12", "instructions": EXPECTED}))

    def script(name, text):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def run(valgrind, *options, compiler="GNU 12"):
        program = script("program", f"echo {compiler}")
        if valgrind is not None:
            script("valgrind", valgrind)
        command = [sys.executable, str(tmp_path / "guard.py"), str(program), *options]
        environment = {**os.environ, "PATH": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return run


# The last argument that valgrind is given is the kernel.
def counted(**counts):
    cases = " ".join(f"{kernel}) n={count};;" for kernel, count in {**EXPECTED, **counts}.items())
    return f'for kernel; do :; done; case $kernel in {cases} esac; echo "==1== Collected : $n" >&2'


def test_small_changes_pass(guard):
    done = guard(counted(forward=1049, adjoint=951))
    assert done.returncode == 0
    assert done.stdout.count("as expected") == 4
    assert "+4.9%" in done.stdout


def test_growth_fails_and_says_how_to_accept_it(guard):
    done = guard(counted(taps=1051))
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("taps"))
    assert line.endswith("has grown by more than 5%; if that is meant: nox -s guard -- --update")


def test_shrinking_passes_and_says_how_to_keep_it(guard):
    done = guard(counted(normals=900))
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("normals"))
    assert line.endswith("has shrunk by more than 5%; keep that with: nox -s guard -- --update")


def test_another_compiler_is_not_compared(guard):
    done = guard(counted(forward=9999), compiler="Clang 19")
    assert (done.returncode, done.stdout) == (0, "skipped: the expected counts are those of GNU 12, this is Clang 19\n")


def test_without_valgrind_nothing_is_compared(guard):
    done = guard(None)
    assert done.returncode == 0
    assert done.stdout.startswith("skipped: valgrind is not installed")


def test_an_update_is_what_the_next_run_expects(guard, tmp_path):
    grown = counted(forward=2000)
    assert guard(grown, "--update", compiler="Clang 19").returncode == 0
    assert json.loads((tmp_path / "expected.json").read_text())["compiler"] == "Clang 19"
    assert "+0.0%" in guard(grown, compiler="Clang 19").stdout


def test_a_count_of_nothing_is_an_error(guard):
    done = guard(counted(adjoint=0))
    assert done.returncode == 1
    assert "callgrind must count the instructions of adjoint, got none" in done.stderr


def test_the_recorded_expectation_is_complete():
    recorded = json.loads((FOLDER / "expected.json").read_text())
    assert set(recorded["instructions"]) == set(EXPECTED)
    assert min(recorded["instructions"].values()) > 0
    assert recorded["compiler"]
