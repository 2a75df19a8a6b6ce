"""Files that are whole or not there, and errors that name them."""

from __future__ import annotations

import errno
import os
import resource
import signal

import pytest

from retrolux.atomic import remove_parts, write_atomically


@pytest.fixture
def small_files():
    """Let no file grow beyond a kilobyte, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_file_and_its_folders_are_made(tmp_path):
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_what_does_not_fit_is_named_and_the_old_file_stays(tmp_path, small_files):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(OSError, match=rf"File too large: '{path}'$") as told:
        write_atomically(path, bytes(2000))
    assert told.value.errno == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("step", "code"), [("fsync", errno.ENOSPC), ("fsync", errno.EIO)])
def test_a_full_disk_is_named_whenever_it_is_told(tmp_path, monkeypatch, step, code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=rf"{os.strerror(code)}: '{tmp_path / 'file'}'$"):
        write_atomically(tmp_path / "file", b"")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError, match=rf"Is a directory: '{tmp_path / 'file'}'$"):
        write_atomically(tmp_path / "file", b"")


def test_parts_alone_are_removed(tmp_path):
    for name in (".a.part", "a.part", ".a", "b"):
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    remove_parts(tmp_path / "not there")
    assert {file.name for file in tmp_path.iterdir()} == {"a.part", ".a", "b"}
