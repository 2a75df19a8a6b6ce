"""What a worker does with a run: keeps its state, goes on from it, and survives its failure."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, replace

import pytest
from filelock import FileLock

from retrolux.study import TrainConfig, start_run
from retrolux.study import train as training
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.run_record import identity
from retrolux.study.worker import TOKEN, compute


def without_time(history):
    return [{name: value for name, value in asdict(epoch).items() if name != "seconds"} for epoch in history]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / TOKEN).write_text("ours")
    return tmp_path / "runs"


def test_a_run_is_that_of_train(tmp_path, folder, tiny):
    record = compute(tiny, str(folder), "ours")
    assert (record.config, record.failure) == (tiny, "")
    assert without_time(record.history) == without_time(start_run(tiny, tmp_path / "alone").history)
    files = {file.name for file in (folder / identity(tiny)).iterdir()}
    assert files >= {"best.pt", "config.toml", "last.pt", "metrics.csv"}


def test_a_damaged_state_is_kept_and_the_way_out_named(folder, tiny):
    start_run(tiny, folder / identity(tiny))
    state = folder / identity(tiny) / "last.pt"
    state.write_bytes(b"")
    failure = compute(tiny, str(folder), "ours").failure
    assert re.search(r"last\.pt is not a checkpoint .*; without that file, the run begins anew$", failure)
    assert state.read_bytes() == b""
    state.unlink()
    assert compute(tiny, str(folder), "ours").failure == ""


@pytest.mark.parametrize("token", ["another", None])
def test_a_worker_on_another_disk_leaves_nothing(folder, tiny, token):
    if token is None:
        (folder / TOKEN).unlink()
    before = sorted(folder.rglob("*"))
    record = compute(tiny, str(folder), token or "ours")
    assert len(record.history) == tiny.epochs
    assert sorted(folder.rglob("*")) == before


def test_it_goes_on_where_the_last_worker_was_killed(tmp_path, folder, tiny, monkeypatch):
    class Killed(BaseException):
        pass

    def die(epoch):
        if epoch.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        start_run(tiny, folder / identity(tiny), progress=die)
    trained = []

    def spy(run, index, train_epoch=training._train_epoch):
        trained.append(index)
        return train_epoch(run, index)

    monkeypatch.setattr("retrolux.study.train._train_epoch", spy)
    record = compute(tiny, str(folder), "ours")
    assert trained == [2, 3]
    assert without_time(record.history) == without_time(start_run(tiny, tmp_path / "alone").history)


def test_divergence_is_a_result_that_lasts(folder, tiny):
    record = compute(replace(tiny, optimizer="sgd", lr=1e38), str(folder), "ours")
    assert record.failure.startswith("training diverged in epoch 1, lower lr")
    assert (record.history, record.lasting) == ((), True)


def test_other_failures_may_pass(folder):
    """No data today, data tomorrow."""
    config = replace(TrainConfig.recommended("mnist"), data_dir=str(folder / "none"))
    record = compute(config, str(folder), "ours")
    assert "none" in record.failure
    assert "\n" not in record.failure
    assert not record.lasting


def test_the_epochs_before_a_failure_are_kept(folder, tiny, monkeypatch):
    def fail(run, index, train_epoch=training._train_epoch):
        if index == 2:
            raise KeyError("lost")
        return train_epoch(run, index)

    monkeypatch.setattr("retrolux.study.train._train_epoch", fail)
    record = compute(tiny, str(folder), "ours")
    assert [epoch.epoch for epoch in record.history] == [1, 2]
    assert (record.failure, record.lasting) == ("KeyError('lost')", False)


def test_two_workers_do_not_work_on_one_run(folder, tiny):
    """One that was given up for dead may live: the second waits, and finds it done."""
    run = folder / identity(tiny)
    start_run(replace(tiny, epochs=1), run)
    with FileLock(run / ".lock"):
        waiting = threading.Thread(target=compute, args=(tiny, str(folder), "ours"))
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
        assert len(read_checkpoint(run / "last.pt")["history"]) == 1
    waiting.join()
    assert len(read_checkpoint(run / "last.pt")["history"]) == tiny.epochs
