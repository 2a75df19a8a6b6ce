"""`retrolux bench`: tables, the file, and one line for what it is asked wrongly."""

from __future__ import annotations

import json
import re

import pytest
import torch

from retrolux import _kernels, cli
from retrolux.bench.rates import Rates

QUICK = ["bench", "--modes", "2", "8", "--batch", "3", "--seconds", "0.01"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_tables_and_leaves_the_figures(folder, capsys):
    threads = torch.get_num_threads()
    assert cli.main([*QUICK, "--threads", "2", "--out", "figures/bench.json"]) == 0
    assert torch.get_num_threads() == threads
    printed = capsys.readouterr().out
    machine, passes, layers, legend, file = printed.split("\n\n")
    assert f"{_kernels.kernels.isa} kernels" in machine
    assert "2 threads" in machine
    isas = [line.split()[0] for line in passes.splitlines()[2:]]
    assert isas == [*_kernels.isas_usable, _kernels.kernels.isa]
    assert re.search(r"\d GFLOP/s +\d+ % ", passes)
    assert re.search(r"^ +2 × 3 +forward +mesh ", layers, re.MULTILINE)
    assert re.search(r"^ +in situ step +chip ", layers, re.MULTILINE)
    assert re.search(r"in registers, \d+ GFLOP/s a core$", legend, re.MULTILINE)
    assert file == "all figures are in figures/bench.json\n"
    figures = json.loads((folder / "figures" / "bench.json").read_text())
    assert figures["threads"] == 2
    assert figures["machine"] == machine
    assert [(row["modes"], row["work"]) for row in figures["layers"]] == [
        (modes, work) for modes in (2, 8) for work in ("forward", "step", "in situ step")
    ]
    assert set(figures["passes"][0]) == set(Rates.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--modes", "8", "1"], "modes must be integers of at least 2, got (8, 1)"),
        (["--modes"], "modes must be integers of at least 2, got ()"),
        (["--batch", "0"], "batch must be integers of at least 1, got (0,)"),
        (["--modes", "8", "1000000"], "modes must be at most 16384, got 1000000"),
        (["--batch", "9223372036854775808"], "batch must be at most 2147483647, got 9223372036854775808"),
        (["--threads", "0"], "threads must be from 1 to 1024, got 0"),
        (["--threads", "100000"], "threads must be from 1 to 1024, got 100000"),
        (["--seconds", "nan"], "seconds must be a finite number above 0, got nan"),
        (["--out", "."], "out must be a file, got the folder ."),
    ],
)
def test_bad_input_is_told_in_a_line_before_any_work(capsys, arguments, message):
    assert cli.main(["bench", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"retrolux: {message}\n")
