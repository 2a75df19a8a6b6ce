"""One process at a time in a folder, whatever command it came by."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from retrolux import cli, locking
from retrolux.locking import locked
from retrolux.study import Sweep
from retrolux.study.results import empty_results, write_results

HOLD = "import sys\nfrom retrolux.locking import locked\nwith locked(sys.argv[1]): print('held', flush=True); input()"


@pytest.fixture
def held(tmp_path, monkeypatch):
    """Return a folder in which another process is at work."""
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", HOLD, "out"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield tmp_path / "out"
        other.communicate("\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--dataset", "moons"],
        ["sweep", "--change", "dataset=moons"],
        ["search", "--change", "dataset=moons", "--search", "lr=0.1..1"],
        ["study"],
        ["report", "results.nc"],
        ["energy"],
    ],
)
def test_a_second_command_is_refused_and_leaves_nothing(held, capsys, arguments):
    results = empty_results(Sweep(lists={"tap_noise": (0.0, 0.1)}))
    results["failure"][:] = ""
    results["metrics"][:] = 0.5
    write_results(results, held.parent / "results.nc")
    assert cli.main([*arguments, "--out", "out"]) == 2
    assert capsys.readouterr().err == (
        "retrolux: another process is at work in out: wait for its end or choose another folder\n"
    )
    assert [file.name for file in held.iterdir()] == [".lock"]


@pytest.mark.slow
def test_the_rest_of_a_run_is_not_computed_twice_at_once(tmp_path, monkeypatch, capsys):
    """As when --resume is given while the run is still at work."""
    monkeypatch.chdir(tmp_path)
    options = ["train", "--dataset", "moons", "--batch", "400", "--epochs", "1", "--out", "out"]
    assert cli.main(options) == 0
    before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    answers = []
    with locked("out"):
        other = threading.Thread(target=lambda: answers.append(cli.main(["train", "--out", "out", "--resume"])))
        other.start()
        other.join()
    assert answers == [2]
    assert "another process is at work in out" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_a_thread_may_take_its_lock_again(tmp_path):
    with locked(tmp_path / "deep" / "out"), locked(tmp_path / "deep" / "out"):
        pass
    with locked(tmp_path / "deep" / "out", wait=True):
        pass


def test_leftovers_of_killed_writes_are_removed_once_the_folder_is_ours(tmp_path, held):
    part = held / ".last.pt.0123.part"
    part.write_bytes(b"half a file")
    with pytest.raises(OSError, match="another process is at work"), locked(held):
        pass
    assert part.exists()
    (tmp_path / "other").mkdir()
    part.replace(tmp_path / "other" / part.name)
    with locked(tmp_path / "other"):
        assert [file.name for file in (tmp_path / "other").iterdir()] == [".lock"]


def test_the_lock_is_that_of_a_process(tmp_path):
    """A killed one gives it back."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait()
    with locking.locked(tmp_path):
        pass
