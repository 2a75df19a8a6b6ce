"""Checkpoints: whole or not at all, plain values only, and a model in two lines."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from retrolux.study import load, start_run
from retrolux.study.checkpoint import read_checkpoint, write_checkpoint


class Attack:
    """Run a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_round_trip(tmp_path):
    path = tmp_path / "deep" / "a.pt"
    contents = {"weights": torch.arange(3.0), "history": [{"loss": 0.1}], "name": "x", "nothing": None}
    write_checkpoint(path, contents)
    read = read_checkpoint(path)
    assert torch.equal(read.pop("weights"), contents.pop("weights"))
    assert read == {"format": "retrolux train 3", **contents}


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    write_checkpoint(path, {"epoch": 1})

    def refuse(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, {"epoch": 2})
    assert read_checkpoint(path)["epoch"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "evil.pt"
    torch.save({"format": "retrolux train 3", "network": Attack(f"touch {mark}")}, path)
    with pytest.raises(ValueError, match=r"evil.pt is not a checkpoint of tensors and plain values: "):
        load(path)
    assert not mark.exists()
    os.system(f"touch {mark}")  # the attack would have left this trace
    assert mark.exists()


def test_a_bare_pickle_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Attack(f"touch {mark}")))
    with pytest.raises(ValueError, match=r"evil.pt is not a checkpoint"):
        load(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x02}q\x00.", "truncated", "damaged", "zip"])
def test_other_files_are_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "other.pt"
    if content == "truncated":
        write_checkpoint(path, {"weights": torch.zeros(1000)})
        content = path.read_bytes()[:-100]
    if content == "damaged":
        write_checkpoint(path, {"weights": torch.zeros(1000)})
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1  # inside the zeros, where only a checksum can tell
    if content == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hello", "world")
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other.pt is not a checkpoint") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"weights.pt is not a checkpoint of retrolux train: it has no format"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no checkpoint .*none.pt$"):
        load(tmp_path / "none.pt")


def test_load_gives_the_trained_network(tmp_path, tiny):
    run = start_run(tiny, tmp_path)
    network = load(tmp_path / "last.pt")
    assert not network.training
    x = run.dataset.test_x
    assert torch.equal(network(x), run.network(x))
    error = (load(str(tmp_path / "best.pt"))(x).argmax(dim=1) != run.dataset.test_y).double().mean()
    assert error.item() == run.best.test_error == min(epoch.test_error for epoch in run.history)


def test_load_of_a_folder_points_at_the_file(tmp_path, tiny):
    start_run(tiny, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"did you mean .*best.pt\?$"):
        load(tmp_path)
