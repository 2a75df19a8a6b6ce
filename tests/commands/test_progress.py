"""The bar over runs."""

from __future__ import annotations

import re

from retrolux.commands.progress import runs_bar
from retrolux.study import Epoch, TrainConfig
from retrolux.study.run_record import Record

GOOD = Record(TrainConfig(), (Epoch(1, 0.5, 0.25, 0.125, 0.0321, 0.9, 0.9, 100, 1.5),))
FAILED = Record(TrainConfig(), (), "no light")


def test_lines_where_there_is_no_terminal(capsys):
    with runs_bar() as progress:
        for ended, record in ((1, None), (2, GOOD), (3, FAILED)):
            progress(ended, 3, record)
    assert capsys.readouterr().err == "run 1/3\nrun 2/3: test error 3.21 %\nrun 3/3: failed: no light\n"


def test_a_bar_with_the_time_that_is_left(monkeypatch, capsys):
    """What had ended before is not counted as quick work."""
    clock = iter(range(0, 10000, 10))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))
    with runs_bar() as progress:
        progress(90, 100, None)
        drawn = capsys.readouterr().err
        progress(95, 100, GOOD)
        half = capsys.readouterr().err
    assert "90/100" in drawn
    assert re.search(r"95/100 .*test error 3\.21 %", half)
    elapsed, left = (int(m) * 60 + int(s) for m, s in re.findall(r"(\d\d):(\d\d)", half.rsplit("95/100", 1)[1])[:2])
    assert left == elapsed
