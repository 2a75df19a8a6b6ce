from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrolux.data import read_idx, write_idx

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = ("uint8", "int8", "int16", "int32", "float32", "float64")
ARRAYS = st.sampled_from(TYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
)


@given(array=ARRAYS, suffix=st.sampled_from(["", ".gz"]))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"array{suffix}"
    write_idx(path, array)
    read = read_idx(path)
    assert read.dtype == array.dtype
    assert read.shape == array.shape
    assert read.tobytes() == array.tobytes()
    assert read.flags.writeable
    assert path.read_bytes().startswith(b"\x1f\x8b") is (suffix == ".gz")


def test_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    write_idx(tmp_path / "a", np.array([[1, -2, 300]], dtype=np.int16))
    assert (tmp_path / "a").read_bytes().hex(" ") == "00 00 0b 02 00 00 00 01 00 00 00 03 00 01 ff fe 01 2c"


@pytest.mark.parametrize("array", [np.arange(6, dtype=">i4").reshape(2, 3), np.eye(4, dtype=np.float32)[:, ::2].T])
def test_byte_order_and_strides_do_not_matter(tmp_path: Path, array: np.ndarray) -> None:
    write_idx(tmp_path / "a", array)
    assert np.array_equal(read_idx(tmp_path / "a"), array)


def test_a_name_does_not_decide_whether_a_file_is_compressed(tmp_path: Path) -> None:
    array = np.arange(5, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", array)
    (tmp_path / "a.gz").rename(tmp_path / "plain")
    assert np.array_equal(read_idx(str(tmp_path / "plain")), array)


def test_writing_twice_gives_the_same_file_and_leaves_no_part(tmp_path: Path) -> None:
    write_idx(tmp_path / "deep" / "a.gz", np.arange(5, dtype=np.uint8))
    first = (tmp_path / "deep" / "a.gz").read_bytes()
    write_idx(tmp_path / "deep" / "a.gz", np.arange(5, dtype=np.uint8))
    assert (tmp_path / "deep" / "a.gz").read_bytes() == first
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.gz"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_idx(path, np.arange(5, dtype=np.uint8))

    def full_disk(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_idx(path, np.zeros(9, dtype=np.uint8))
    assert read_idx(path).tolist() == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_idx_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"an IDX file holds uint8, .*float64, got complex64"):
        write_idx(tmp_path / "a", np.zeros(3, dtype=np.complex64))
    with pytest.raises(ValueError, match="at least one dimension, got a scalar"):
        write_idx(tmp_path / "a", np.array(3, dtype=np.uint8))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file: .*got an empty file"),
        (b"\0\0\x08", "is not an IDX file: .*got 00 00 08"),
        (b"PK\x03\x04 a zip file", "is not an IDX file: .*got 50 4b 03 04"),
        (b"\0\0\x07\x01\0\0\0\x01\0", "expected a type of 0x08, .*0x0e, got 0x07"),
        (b"\0\0\x08\0", "expected at least one dimension, got 0"),
        (b"\0\0\x08\x03\0\0\0\x01\0", "is truncated: expected a header of 16 bytes for 3 dimensions, got 9"),
        (
            b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03\0\0\0\0\0",
            r"is truncated: expected 6 bytes of data for shape \(2, 3\) of uint8, got 5",
        ),
        (b"\0\0\x0b\x01\0\0\0\x02\0\0\0\0\0", "is too long: expected 4 bytes .* of int16, got 5"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, r"is truncated: expected \d{29,} bytes"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_wrong_files(tmp_path: Path, content: bytes, message: str, compressed: bool) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(ValueError, match=message) as error:
        read_idx(path)
    assert str(error.value).startswith(str(path))


def test_every_truncation_of_a_compressed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write_idx(path, np.arange(40, dtype=np.uint8))
    whole = path.read_bytes()
    for length in range(2, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"is truncated: its gzip stream stops after {length} bytes"):
            read_idx(path)


def test_every_flipped_byte_of_compressed_data_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write_idx(path, np.arange(40, dtype=np.uint8))
    whole = path.read_bytes()
    # Bytes 4 to 9 of a gzip header are the time, flags and system: they do not change what is stored.
    for position in range(10, len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with pytest.raises(ValueError, match=r"its gzip stream|is not an IDX file|too long"):
            read_idx(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")


def memory_of(read: Callable[[], object]) -> int:
    """Return the most memory that Python had at once (bytes)."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("header", [b"\0\0\x08\x01" + (100).to_bytes(4, "big"), b"\0\0\x08\x01\0\0\0\0", b"\0\0\x01"])
def test_no_more_is_unpacked_than_the_header_says(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(header + bytes(50_000_000)))
    assert path.stat().st_size < 100_000

    def refused() -> None:
        with pytest.raises(ValueError, match=r"is too long: expected (100|0) bytes .* or more|is not an IDX file"):
            read_idx(path)

    assert memory_of(refused) < 2_000_000


def test_a_compressed_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrolux.data.idx._LARGEST", 1000)
    path = tmp_path / "a.gz"
    write_idx(path, np.zeros(1000, dtype=np.uint8))
    assert len(read_idx(path)) == 1000
    write_idx(path, np.zeros(1001, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"a.gz is too large: its header says 1001 bytes, .* may unpack to 1000$"):
        read_idx(path)
    write_idx(tmp_path / "a", np.zeros(1001, dtype=np.uint8))
    assert len(read_idx(tmp_path / "a")) == 1001


def test_a_shape_without_elements_is_refused_where_numpy_has_no_such_array(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x08\x04" + bytes(4) + b"\xff" * 12)
    with pytest.raises(ValueError, match=r"a is not an IDX file: no array has the shape \(0, 4294967295, "):
        read_idx(path)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^/dev/zero is not an IDX file: expected a type"):
        read_idx("/dev/zero")
