"""The fuzz session runs, and finds nothing in some hundred cases of each reader; `nox -s fuzz` has more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def run(*arguments):
    done = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_no_reader_crashes_hangs_or_raises_what_it_does_not_say():
    code, said = run("--cases", "1000", "--seed", "1", "--without", "results.nc without checksum")
    assert code == 0, said
    total = said.splitlines()[-1].split()
    assert total[0] == "all"
    assert int(total[1]) == sum(map(int, total[2:])) >= 1000
    assert int(total[3]) > 500
    assert total[4:] == ["0", "0", "0"]


@pytest.mark.slow
def test_faults_are_counted(tmp_path):
    """Of readers that are made for it: a crash, a hang, and an error that nobody expects; each ends nothing else."""
    (tmp_path / "loaders.py").write_text(
        "import ctypes, dataclasses, pathlib, time\n"
        "def quiet(): pass\n"
        "@dataclasses.dataclass\n"
        "class Loader:\n"
        "    read: object\n"
        "    share: float = 0.1\n"
        "    documented: tuple = (ValueError,)\n"
        "    def examples(self, folder): return [b'x']\n"
        "    def damage(self, example, rng): return example\n"
        "def refuse(path): raise ValueError(f'{path} is bad')\n"
        "def lines(path): raise ValueError(f'{path} is\\nbad')\n"
        "LOADERS = {\n"
        "    'accepts': Loader(len), 'refuses': Loader(refuse), 'two lines': Loader(lines),\n"
        "    'crashes': Loader(lambda path: ctypes.string_at(1)), 'hangs': Loader(lambda path: time.sleep(60)),\n"
        "    'reads': Loader(pathlib.Path.read_bytes),\n"
        "}\n"
    )
    for name in ("run.py", "mutations.py"):
        (tmp_path / name).write_text((FOLDER / name).read_text().replace("LIMIT_S = 10", "LIMIT_S = 1"))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "run.py"), "--cases", "1"], capture_output=True, text=True, check=False
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    counts = {" ".join(row[:-6]): row[-6:] for row in rows if row and row[-1].isdigit()}
    assert done.returncode == 1
    assert counts["accepts"] == ["4", "0", "0", "4", "0", "0"]  # a path has no len()
    assert counts["refuses"] == ["4", "0", "4", "0", "0", "0"]
    assert counts["two lines"] == ["4", "0", "0", "4", "0", "0"]
    assert counts["crashes"] == ["4", "0", "0", "0", "0", "4"]
    assert counts["hangs"] == ["4", "0", "0", "0", "4", "0"]
    assert counts["reads"] == ["4", "4", "0", "0", "0", "0"]
