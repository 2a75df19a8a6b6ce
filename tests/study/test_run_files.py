"""When the state of a run is written."""

from __future__ import annotations

import pytest

from retrolux.study import resume_run, start_run
from retrolux.study.checkpoint import read_checkpoint


def test_states_are_written_when_they_are_due(tmp_path, tiny, read_metrics):
    """Never before, but at the start and at the end."""
    seen = []

    def look(epoch):
        seen.append((epoch.epoch, len(read_checkpoint(tmp_path / "last.pt")["history"]), len(read_metrics(tmp_path))))

    start_run(tiny, tmp_path, progress=look, save_every_s=1e6)
    assert seen == [(1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 4, 4)]


def test_a_time_that_has_gone_by_is_due(tmp_path, tiny, monkeypatch):
    clock = iter(range(0, 1000, 3))  # an epoch takes 3 s, as does a write
    monkeypatch.setattr("retrolux.study.run_files.time.monotonic", lambda: next(clock))
    seen = []
    start_run(
        tiny,
        tmp_path,
        progress=lambda _: seen.append(len(read_checkpoint(tmp_path / "last.pt")["history"])),
        save_every_s=5,
    )
    assert seen == [0, 2, 2, 4]


def test_the_files_are_those_of_a_run_that_saves_every_epoch(tmp_path, tiny, read_metrics):
    for name, every in (("often", 0.0), ("seldom", 1e6)):
        start_run(tiny, tmp_path / name, save_every_s=every)
    assert read_metrics(tmp_path / "often") == read_metrics(tmp_path / "seldom")
    for name in ("best.pt", "last.pt"):
        often, seldom = (read_checkpoint(tmp_path / folder / name) for folder in ("often", "seldom"))
        assert len(often["history"]) == len(seldom["history"])
        for key, tensor in often["network"].items():
            assert tensor.equal(seldom["network"][key])


def test_a_stopped_run_loses_no_more_than_it_was_told_to(tmp_path, tiny, read_metrics):
    class Stop(BaseException):
        pass

    def stop(epoch):
        if epoch.epoch == 3:
            raise Stop

    with pytest.raises(Stop):
        start_run(tiny, tmp_path / "stopped", progress=stop, save_every_s=1e6)
    assert read_metrics(tmp_path / "stopped") == []
    resume_run(tiny, tmp_path / "stopped", save_every_s=1e6)
    start_run(tiny, tmp_path / "whole")
    assert read_metrics(tmp_path / "stopped") == read_metrics(tmp_path / "whole")
