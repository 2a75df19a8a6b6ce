"""Commands whose terminal is narrow, whose locale is poor, or whose streams are closed, full or read by nobody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from retrolux.study import load

RETROLUX = f"'{sys.executable}' -m retrolux"
TRAIN = f"{RETROLUX} train --dataset moons --epochs 1 --batch 400 --out out"
SAID = "".join(f"{number}\n" for number in range(20_000))
LASTING = f"""'{sys.executable}' -c '
import os, sys
from retrolux.streams import lasting_streams
with lasting_streams():
    if len(sys.argv) > 2:
        number = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.write(number, str(number).encode())
    for number in range(20_000):
        print(number, file=sys.stderr)
    print("done")
'"""
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.fixture
def shell(tmp_path):
    """Return a function: run a line of a shell in an empty folder; returns its exit code, output and errors."""

    def run(line, **environment):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.mark.slow
def test_a_reader_that_has_gone_does_not_stop_the_work(shell, tmp_path):
    code, out, err = shell(f"{RETROLUX} energy --modes 8 --out out | head -1")
    assert (code, err) == (0, "")
    assert out.startswith("pai2023_tables, batches of 64")
    assert (tmp_path / "out" / "energy_parts.svg").exists()


def test_nobody_reads_what_is_said_meanwhile(shell):
    code, out, err = shell(f"{LASTING} 2>&1 >out.txt | head -c 1")
    assert (code, out, err) == (0, "0", "")
    assert shell("cat out.txt")[1] == "done\n"


@pytest.mark.slow
def test_closed_streams_lead_nowhere(shell, tmp_path):
    """No file takes their numbers, else what is said would be written into it."""
    assert shell(f"{TRAIN} <&- >&- 2>&-") == (0, "", "")
    assert (tmp_path / "out" / "metrics.csv").read_text().count("\n") == 2
    load(tmp_path / "out" / "last.pt")
    for closed in ("<&-", ">&-", "2>&-", "<&- 2>&-"):
        code, _, err = shell(f"{LASTING} --open file {closed}")
        assert (code, err) == (0, "" if "2" in closed else SAID)
        assert (tmp_path / "file").read_text() == "3"  # the number of the file: none of the streams


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("--version >/dev/full", 2, "retrolux: [Errno 28] No space left on device: 'standard output'\n"),
        ("--help >/dev/full", 2, "retrolux: [Errno 28] No space left on device: 'standard output'\n"),
        ("train --lr fast 2>/dev/full", 2, ""),
    ],
)
def test_streams_that_take_nothing(shell, line, code, said):
    assert shell(f"{RETROLUX} {line}") == (code, "", said)


@pytest.mark.parametrize("columns", ["1", "6", "99999999", "wide"])
def test_help_ends_on_any_terminal(shell, columns):
    code, out, err = shell(f"{RETROLUX} train --help", COLUMNS=columns)
    assert (code, err) == (0, "")
    assert "--chip-seed INT" in out
    assert 40 <= max(map(len, out.splitlines())) <= 500


@pytest.mark.slow
def test_an_ascii_locale_loses_nothing(shell):
    code, out, err = shell(f"{RETROLUX} energy --modes 8 --out out", **ASCII)
    assert (code, err) == (0, "")
    assert out.isascii()
    assert "4\\xd7\n" in out
    assert "mm\\xb2" in out
    code, out, err = shell(f"{RETROLUX} train --help", **ASCII)
    assert (code, err) == (0, "")
    assert "8 \\xd7 8" in out


@pytest.mark.slow
def test_a_name_that_is_no_text_is_no_obstacle(shell, tmp_path):
    code, out, _ = shell(f"{RETROLUX} energy --modes 8 --out out$'\\xff'")
    assert code == 0
    assert out.endswith("are in out\\udcff\n")
    assert (tmp_path / os.fsdecode(b"out\xff") / "device.toml").exists()
