"""`retrolux sweep`: its result, its table, Ctrl-C and worse, and one line for everything that goes wrong."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from retrolux import cli
from retrolux.study import Sweep, read_results, start_run
from retrolux.study.results import collect
from retrolux.study.run_record import Record, identity
from retrolux.study.sweep_grid import from_toml

OPTIONS = ["--change", "dataset=moons", "epochs=3", "meshes=1", "--sweep", "tap_noise=0,0.1", "--seeds", "2"]
SWEEP = Sweep(settings={"dataset": "moons", "epochs": 3, "meshes": 1}, lists={"tap_noise": [0, 0.1]}, seeds=[0, 1])
# Tests wait for what happens, however busy the machine; what takes longer than this never will.
HANGS_S = 1200


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def declared(monkeypatch):
    """Return a function: the sweep that a command line describes, nothing computed."""

    seen = []

    def catch(sweep, *_, **__):
        seen.append(sweep)
        raise ValueError("seen")

    monkeypatch.setattr("retrolux.study.sweep_driver.run_sweep", catch)

    def declare(*arguments):
        assert cli.main(["sweep", *arguments]) == 2
        return seen.pop()

    return declare


@pytest.mark.slow
def test_a_sweep_ends_with_a_table_and_a_file(folder, capsys):
    assert cli.main(["sweep", *OPTIONS, "--workers", "1", "--out", "here"]) == 0
    results = read_results(folder / "here" / "results.nc")
    assert results["metrics"].dims == ("tap_pd_shot_noise", "seed", "param", "epoch")
    assert results["metrics"].sel(param="eval/error").notnull().all()
    assert from_toml(folder / "here" / "sweep.toml") == SWEEP
    printed = capsys.readouterr()
    header, *rows = printed.out.splitlines()[:3]
    assert header.split("  ") == ["tap_noise", "test error", " ± 95 %", "gradient error", "failed"]
    for row, noise in zip(rows, [0.0, 0.1], strict=True):
        errors = results["metrics"].sel(tap_pd_shot_noise=noise, param="eval/error", epoch=3).values
        assert row.split()[:3] == [f"{noise}", f"{100 * errors.mean():.2f}", "%"]
        assert float(row.split()[3]) == pytest.approx(100 * 12.706 * errors.std(ddof=1) / np.sqrt(2), abs=0.01)
    assert len(rows[0].split()) == 5  # no gradient error: exact
    assert printed.out.splitlines()[-1] == "the result is in here/results.nc"
    assert re.fullmatch(r"run 0/4\n(run \d/4: test error \d+\.\d\d %\n){4}", printed.err)


@pytest.mark.slow
def test_all_of_it_killed_and_continued(folder, capsys):
    """Everything that had ended is left as it was, and the result is that of a sweep that was never killed."""
    options = [*OPTIONS[:1], "batch=5", *OPTIONS[1:]]
    start = [sys.executable, "-m", "retrolux", "sweep", *options, "--workers", "2", "--out", "killed"]
    process = subprocess.Popen(start, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(folder / "killed", "runs/*/run.json", process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    ended = {file: file.stat().st_mtime_ns for file in (folder / "killed").glob("runs/*/run.json")}
    assert cli.main(["sweep", "--out", "killed", "--resume", "--workers", "1"]) == 0
    assert f"run {len(ended)}/4\n" in capsys.readouterr().err
    assert {file: file.stat().st_mtime_ns for file in ended} == ended
    sweep = from_toml(folder / "killed" / "sweep.toml")
    runs = {identity(config): start_run(config, folder / identity(config)) for config in sweep.configs}
    whole = collect(sweep, {name: Record(run.config, run.history) for name, run in runs.items()})
    assert read_results(folder / "killed" / "results.nc")["metrics"].identical(whole["metrics"])


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_says_how_to_continue(folder):
    endless = [option.replace("epochs=3", "epochs=1000000") for option in OPTIONS]  # it cannot end before it is stopped
    start = [sys.executable, "-m", "retrolux", "sweep", *endless, "--workers", "2", "--out", "a folder"]
    process = subprocess.Popen(start, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(folder / "a folder", "runs/*/last.pt", process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=HANGS_S)  # to the end of all processes that could write to it
        left = wait_for_group(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "retrolux: stopped; continue with: retrolux sweep --out 'a folder' --resume"
    assert "Traceback" not in said
    assert not left


def wait_for_group(group):
    """Return what is left of a process group after its leader has ended; the others end once they notice."""
    deadline = time.monotonic() + HANGS_S
    while True:
        left = [other for other in psutil.process_iter(["status", "cmdline"]) if group_of(other.pid) == group]
        left = [other.info for other in left if other.info["status"] != psutil.STATUS_ZOMBIE]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def group_of(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def wait_for(folder, pattern, process):
    deadline = time.monotonic() + HANGS_S
    while not list(folder.glob(pattern)):
        assert process.poll() is None, "the sweep has ended"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_file_and_what_is_given_over_it(folder, declared):
    (folder / "my.toml").write_text(
        'dataset = "moons"\nlr = 0.1\nseed = 7\n[imperfections]\nloss_db = 0.1\n[sweep]\ntap_noise = [0.0, 0.1]\n'
    )
    assert declared("--config", "my.toml") == from_toml(folder / "my.toml")
    assert declared("--config", "my.toml", "--seeds", "2").seeds == (7, 8)
    over = ["--change", "lr=0.2", "imperfections.loss_db=0", "--sweep", "tap_noise=1,2"]
    changed = declared("--config", "my.toml", *over)
    assert changed.settings == {"dataset": "moons", "lr": 0.2, "seed": 7, "loss_db": 0}
    assert changed.lists == {"tap_noise": (1.0, 2.0)}


def test_seeds_count_up_from_the_first(declared):
    assert declared("--change", "seed=5").seeds == (5,)
    assert declared("--change", "seed=5", "--seeds", "3").seeds == (5, 6, 7)


def test_values_without_a_limit(declared):
    assert declared("--sweep", "phase_bits=4,none").lists == {"phase_bits": (4, None)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "tap_nois=1,2"], r"there is no option 'tap_nois' \(did you mean 'tap_noise'\?\); there are .*"),
        (["--sweep", "tap_noise"], r"--sweep must be NAME=VALUE,VALUE,…, got 'tap_noise'"),
        (["--sweep", "tap_noise=0,0"], r"tap_noise must hold each value once, got 0.0 twice"),
        (["--sweep", "epochs=1,2"], r"epochs cannot take several values: the metrics of every epoch are kept"),
        (["--sweep", "modes=4,64"], r"modes must be at least 10 for digits, a port per class, got 4 \(at modes = 4\)"),
        (["--change", "lr=fast"], r"lr must be a finite number above 0, got 'fast'"),
        (["--seeds", "0"], r"seeds must be from 1 to 100000, got 0"),
        (["--seeds", "1000000000000"], r"seeds must be from 1 to 100000, got 1000000000000"),
        (["--workers", "0"], r"workers must be from 1 to 1024, got 0"),
        (["--workers", "2", "--scheduler", "tcp://h:1"], r"workers must be left to the scheduler, got 2"),
        (["--resume"], r"runs/sweep holds no sweep to resume: there is no sweep.toml"),
        (["--config", "none.toml"], r"there is no configuration file none.toml"),
        (["--lists", "lr=1"], r"Unrecognized options: --lists, lr=1; see retrolux sweep --help"),
    ],
)
def test_mistakes_end_as_one_line(folder, capsys, arguments, message):
    assert cli.main(["sweep", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"(run 0/1\n)?retrolux: {message}\n", printed.err)
    assert not (folder / "runs" / "sweep" / "results.nc").exists()
