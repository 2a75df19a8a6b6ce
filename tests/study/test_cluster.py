"""Runs on real workers: the same bits as without, and nothing lost when something is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import dask
import psutil
import pytest
from filelock import FileLock

from retrolux.study import Sweep, TrainConfig, start_run
from retrolux.study.cluster import compute_all
from retrolux.study.run_record import Record, identity, read_record, write_record

CONFIGS = Sweep(
    settings={"dataset": "moons", "epochs": 4, "batch": 10, "meshes": 2}, lists={"tap_noise": [0.0, 0.1]}, seeds=[0, 1]
).configs
DIVERGES = replace(CONFIGS[0], optimizer="sgd", lr=1e38)
IMPOSSIBLE = replace(TrainConfig.recommended("digits"), topology="butterfly", modes=12, epochs=1)


def without_time(history):
    return [{name: value for name, value in asdict(epoch).items() if name != "seconds"} for epoch in history]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Histories by identity, computed here, one run after the other."""
    folder = tmp_path_factory.mktemp("expected")
    return {identity(c): without_time(start_run(c, folder / identity(c)).history) for c in CONFIGS}


def histories(records):
    return {name: without_time(record.history) for name, record in records.items()}


@pytest.mark.slow
def test_two_workers_compute_what_one_process_does(tmp_path, expected):
    """Although one of them is killed."""
    seen, killed = [], []

    def progress(ended, runs, record):
        seen.append((ended, runs))
        if record is not None:
            assert read_record(tmp_path / identity(record.config) / "run.json") == record
            if not killed:
                children = psutil.Process().children(recursive=True)
                killed.extend(child for child in children if "spawn_main" in " ".join(child.cmdline()))
                killed[0].kill()

    records = compute_all([DIVERGES, IMPOSSIBLE, *CONFIGS, CONFIGS[0]], tmp_path, workers=2, progress=progress)
    assert len(killed) == 2
    assert seen == [(ended, 6) for ended in range(7)]
    diverged, impossible = records.pop(identity(DIVERGES)), records.pop(identity(IMPOSSIBLE))
    assert histories(records) == expected
    assert diverged.failure.startswith("training diverged in epoch 1")
    assert "power of two" in impossible.failure
    assert (diverged.lasting, impossible.lasting) == (True, False)


def start(*arguments):
    command = [sys.executable, "-m", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler with two workers of one thread each; yield its address and its process."""
    file = tmp_path / "scheduler.json"
    processes = [
        start("distributed.cli.dask_scheduler", "--host=127.0.0.1", "--port=0", f"--scheduler-file={file}"),
        start("distributed.cli.dask_worker", f"--scheduler-file={file}", "--nworkers=2", "--nthreads=1"),
    ]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], processes[0]
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_a_scheduler_that_is_killed(tmp_path, scheduler, expected):
    """What had ended is kept, and another cluster does the rest."""
    address, process = scheduler
    folder = tmp_path / "runs"

    def progress(*_):
        if len(list(folder.glob("*/run.json"))) == 1:
            process.kill()

    with pytest.raises(ConnectionError, match=r"^the scheduler is gone; the runs that had ended are kept$"):
        compute_all(CONFIGS, folder, scheduler=address, progress=progress)
    (kept,) = folder.glob("*/run.json")
    before = kept.stat().st_mtime_ns
    seen = []
    records = compute_all(CONFIGS, folder, workers=1, progress=lambda ended, runs, record: seen.append((ended, runs)))
    assert seen == [(ended, 4) for ended in range(1, 5)]
    assert kept.stat().st_mtime_ns == before
    assert histories(records) == expected


@pytest.mark.slow
def test_nothing_is_computed_twice(tmp_path, in_process):
    configs = [replace(config, epochs=1) for config in CONFIGS]
    compute_all(configs[:2], tmp_path)
    compute_all(configs, tmp_path)
    assert in_process == configs
    compute_all([DIVERGES], tmp_path)
    compute_all([DIVERGES], tmp_path)
    assert in_process == [*configs, DIVERGES]


def test_what_may_go_well_next_time_is_tried_again(tmp_path, in_process):
    config = replace(CONFIGS[0], epochs=1)
    write_record(tmp_path / identity(config) / "run.json", Record(config, (), "the disk was full", lasting=False))
    assert compute_all([config], tmp_path)[identity(config)].failure == ""
    assert in_process == [config]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, r"^workers must be from 1 to 1024, got 0$"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:1"}, r"^workers must be left to the scheduler, got 2$"),
    ],
)
def test_bad_workers(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        compute_all(CONFIGS, tmp_path, **options)


def test_no_scheduler(tmp_path):
    waits = dask.config.set({"distributed.comm.timeouts.connect": "0.2s"})
    with waits, pytest.raises(ConnectionError, match=r"^there is no dask scheduler at 'tcp://127.0.0.1:1': "):
        compute_all(CONFIGS, tmp_path, scheduler="tcp://127.0.0.1:1")


def test_one_process_per_folder(tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(OSError, match=r"^another process is at work in .*$"):
        compute_all(CONFIGS, tmp_path, workers=1)


def test_a_damaged_record_is_named(tmp_path):
    file = tmp_path / identity(CONFIGS[0]) / "run.json"
    file.parent.mkdir()
    file.write_text("{")
    with pytest.raises(ValueError, match=r"run.json is not the record of a run, delete it to compute the run again"):
        compute_all(CONFIGS, tmp_path)
