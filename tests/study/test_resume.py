"""A run stopped at any moment and continued ends with the bits of one that was never stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from retrolux.atomic import write_atomically
from retrolux.study import TrainConfig, resume_run, start_run
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.losses import LOSSES


class Stop(BaseException):
    """Stands for the power cut."""


def assert_same_bits(a, b):
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a.keys() - {"seconds"}:
            assert_same_bits(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            assert_same_bits(left, right)
    else:
        assert a == b


def assert_same_runs(one, other, read_metrics):
    assert read_metrics(one) == read_metrics(other)
    for name in ("last.pt", "best.pt"):
        assert_same_bits(read_checkpoint(one / name), read_checkpoint(other / name))


@pytest.fixture
def uninterrupted(tmp_path, tiny):
    return start_run(tiny, tmp_path / "uninterrupted").folder


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_stopped_between_epochs(tmp_path, tiny, read_metrics, optimizer, stop_after):
    config = replace(tiny, optimizer=optimizer)

    def stop(epoch):
        if epoch.epoch == stop_after:
            raise Stop

    with pytest.raises(Stop):
        start_run(config, tmp_path / "stopped", progress=stop)
    run = resume_run(config, tmp_path / "stopped")
    assert len(run.history) == config.epochs
    whole = start_run(config, tmp_path / "whole")
    assert_same_runs(run.folder, whole.folder, read_metrics)


def test_stopped_inside_an_epoch(tmp_path, tiny, read_metrics, uninterrupted, monkeypatch):
    calls = []

    def stop(logits, labels, loss=LOSSES[tiny.loss]):
        calls.append(1)
        if len(calls) == 14:  # in the second epoch of 8 steps and a test
            raise Stop
        return loss(logits, labels)

    with monkeypatch.context() as patch:
        patch.setitem(LOSSES, tiny.loss, stop)
        with pytest.raises(Stop):
            start_run(tiny, tmp_path / "stopped")
    assert len(read_metrics(tmp_path / "stopped")) == 1
    resume_run(tiny, tmp_path / "stopped")
    assert_same_runs(tmp_path / "stopped", uninterrupted, read_metrics)


@pytest.mark.parametrize("writes", range(3, 9))  # the first two are of a run that has not begun
def test_stopped_between_the_files_of_an_epoch(tmp_path, tiny, read_metrics, uninterrupted, monkeypatch, writes):
    calls = []

    def stop(path, content, write=write_atomically):
        calls.append(path)
        if len(calls) == writes:
            raise Stop
        write(path, content)

    with monkeypatch.context() as patch:
        for module in ("train", "run_files", "checkpoint"):
            patch.setattr(f"retrolux.study.{module}.write_atomically", stop)
        with pytest.raises(Stop):
            start_run(tiny, tmp_path / "stopped")
    resume_run(tiny, tmp_path / "stopped")
    assert_same_runs(tmp_path / "stopped", uninterrupted, read_metrics)
    assert (tmp_path / "stopped" / "config.toml").read_text() == (uninterrupted / "config.toml").read_text()


def test_growing_a_finished_run(tmp_path, tiny, read_metrics, uninterrupted):
    start_run(replace(tiny, epochs=2), tmp_path / "short")
    resume_run(tiny, tmp_path / "short")
    assert_same_runs(tmp_path / "short", uninterrupted, read_metrics)


@pytest.mark.parametrize("gradient", ["auto", "sum_difference", "spsa"])
def test_chips_come_back_with_their_history(tmp_path, tiny, read_metrics, gradient, everything):
    """Phases stay as they were written, errors included, and noise and drift go on where they were."""
    wrong = replace(everything, drift_std_per_s=10.0)
    config = replace(tiny, gradient=gradient, chip_seed=4, lr_half_life=1.5, imperfections=wrong)

    def stop(epoch):
        if epoch.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        start_run(config, tmp_path / "stopped", progress=stop)
    resume_run(config, tmp_path / "stopped")
    assert_same_runs(tmp_path / "stopped", start_run(config, tmp_path / "whole").folder, read_metrics)


def test_resuming_a_finished_run_changes_nothing(tiny, uninterrupted):
    before = {file.name: file.read_bytes() for file in uninterrupted.iterdir()}
    run = resume_run(tiny, uninterrupted)
    assert len(run.history) == tiny.epochs
    assert {file.name: file.read_bytes() for file in uninterrupted.iterdir()} == before


def test_metrics_come_back_from_the_checkpoint(tiny, uninterrupted, read_metrics):
    before = read_metrics(uninterrupted)
    (uninterrupted / "metrics.csv").write_text("epoch\n")  # as when the last write of the run was cut off
    resume_run(tiny, uninterrupted)
    assert read_metrics(uninterrupted) == before


def test_leftovers_of_a_killed_write_are_removed(tiny, uninterrupted):
    part = uninterrupted / ".last.pt.0123.part"
    part.write_bytes(b"half a file")
    resume_run(tiny, uninterrupted)
    assert not part.exists()


def test_resume_needs_a_run(tmp_path, tiny):
    with pytest.raises(FileNotFoundError, match=r"holds no run to resume: there is no last.pt$"):
        resume_run(tiny, tmp_path)


def test_resume_refuses_another_configuration(tiny, uninterrupted):
    before = (uninterrupted / "config.toml").read_bytes()
    with pytest.raises(ValueError, match=r"changed: lr \(was 0.01, now 0.5\), seed \(was 0, now 9\)$"):
        resume_run(replace(tiny, lr=0.5, seed=9), uninterrupted)
    assert (uninterrupted / "config.toml").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_process_that_is_stopped_loses_one_epoch_at_most(tmp_path, read_metrics, sent, code):
    folder = tmp_path / "stopped"
    config = replace(TrainConfig.recommended("moons"), epochs=4, batch=2)  # slow epochs: 400 steps each
    options = ["--dataset", "moons", "--out", str(folder), "--epochs", "4", "--batch", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "retrolux", "train", *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if (folder / "metrics.csv").exists() and read_metrics(folder):
                break
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()
        process.send_signal(sent)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    done = len(read_checkpoint(folder / "last.pt")["history"])
    assert 1 <= done < config.epochs
    if sent == signal.SIGINT:
        assert said.splitlines()[-1] == (
            f"retrolux: stopped; continue after the last complete epoch with: retrolux train --out {folder} --resume"
        )
    resume_run(config, folder)
    assert_same_runs(folder, start_run(config, tmp_path / "whole").folder, read_metrics)
