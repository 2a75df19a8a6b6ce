from __future__ import annotations

import builtins
import os
import pickle
import pickletools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrolux.data.array_pickle import read_array_pickle

ARRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


def stored(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "batch"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("array", [ARRAY, np.asfortranarray(ARRAY), ARRAY[:0], ARRAY.reshape(1, 2, 3), ARRAY[0]])
def test_arrays_are_read(tmp_path: Path, array: np.ndarray) -> None:
    content = {"data": array, b"labels": [1, 2], "twice": array}
    read = read_array_pickle(stored(tmp_path, pickle.dumps(content, protocol=4)))
    assert read["data"].dtype == np.uint8
    assert np.array_equal(read["data"], array)
    assert np.array_equal(read["twice"], array)
    assert read["labels"] == [1, 2]


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_a_pickle_of_python_2(tmp_path: Path, module: bytes) -> None:
    # Protocol 2 with byte strings ("U" and "T"), as Python 2 and the first NumPy wrote the published batches.
    content = (
        b"\x80\x02}(U\x04data"
        b"c" + module + b"\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01(K\x02K\x03tcnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T\x06\x00\x00\x00\x00\x01\x02\x03\x04\x05tb"
        b"U\x06labels](K\x01K\x02eu."
    )
    assert np.array_equal(pickle.loads(content, encoding="bytes")[b"data"], ARRAY)
    read = read_array_pickle(stored(tmp_path, content))
    assert np.array_equal(read["data"], ARRAY)
    assert read["labels"] == [1, 2]


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {}",)),
        (builtins.eval, ("open('{}', 'w')",)),
        (builtins.exec, ("open('{}', 'w')",)),
        (builtins.getattr, ("", "join")),
        (builtins.open, ("{}", "w")),
        (subprocess.Popen, (["touch", "{}"],)),
        (np.load, ("{}",)),
        (np.fromfile, ("{}",)),
        (np.memmap, ("{}", "uint8", "w+", 0, (1,))),
        (np.array, ([1],)),
    ],
)
def test_calls_are_refused_and_not_made(
    tmp_path: Path, protocol: int, function: Any, arguments: tuple[Any, ...]
) -> None:
    mark = tmp_path / "was-here"

    def aimed(value: Any) -> Any:
        if isinstance(value, list):
            return [aimed(item) for item in value]
        return value.replace("{}", str(mark)) if isinstance(value, str) else value

    attack = Call(function, *map(aimed, arguments))
    path = stored(tmp_path, pickle.dumps({"data": ARRAY, "labels": attack}, protocol=protocol))
    with pytest.raises(ValueError, match=r"it asks for [\w.]+, and only NumPy arrays are allowed"):
        read_array_pickle(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x07f2py.os\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93(\x8c\x00\x8c\x04joint\x81.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n.",
        b"ccopyreg\n_reconstructor\n.",
        b"cretrolux.data.array_pickle\nos\n.",
    ],
)
def test_every_way_to_name_a_function_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"asks for .*only NumPy arrays are allowed"):
        read_array_pickle(stored(tmp_path, content))


def forged(shape: tuple[int, ...], dtype: bytes, state: bytes, content: bytes) -> bytes:
    """Assemble an array by hand; numpy's own functions would believe every word of it."""
    numbers = b"(" + b"".join(b"J" + size.to_bytes(4, "little", signed=True) for size in shape) + b"t"
    return (
        b"\x80\x03}(U\x04data"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01" + numbers + b"cnumpy\ndtype\n(U" + bytes([len(dtype)]) + dtype + b"K\x00K\x01tR" + state
        + b"\x89C" + bytes([len(content)]) + content + b"tbu."
    )  # fmt: skip


PLAIN = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def test_object_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be 'u1', bytes, got b'O'"):
        read_array_pickle(stored(tmp_path, forged((1,), b"O", PLAIN, bytes(8))))
    with pytest.raises(ValueError, match="must be 'u1', bytes, got b'V8'"):
        read_array_pickle(stored(tmp_path, forged((1,), b"V8", PLAIN, bytes(8))))
    with pytest.raises(ValueError, match="must be 'u1', bytes, got 'O8'"):
        read_array_pickle(stored(tmp_path, pickle.dumps({"data": np.array([None])}, protocol=4)))


def test_a_forged_state_of_a_dtype_changes_nothing(tmp_path: Path) -> None:
    # Fields that overlay an object pointer on the bytes: (3, "|", None, ("a",), {"a": (dtype, 0)}, 8, 8, 0).
    state = b"(K\x03U\x01|N(U\x01at}U\x01a(U\x01OK\x00tsK\x08K\x08K\x00tb"
    read = read_array_pickle(stored(tmp_path, forged((8,), b"u1", state, bytes(8))))
    assert read["data"].dtype == np.uint8
    assert read["data"].dtype.fields is None


@pytest.mark.parametrize("shape", [(7,), (2, 2), (-2, -3), (2**31 - 1, 2**31 - 1), (-6,)])
def test_the_shape_fits_the_bytes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"an array of shape .*{shape[0]}.* comes with 6 bytes"):
        read_array_pickle(stored(tmp_path, forged(shape, b"u1", PLAIN, bytes(6))))


@pytest.mark.parametrize(
    "build",
    [
        b"cnumpy\nndarray\n}U\x01aK\x01sb.",
        b"cnumpy\nndarray\nN}U\x01aK\x01s\x86b.",
        b"cnumpy\ndtype\n}U\x01aK\x01sb.",
        b"cnumpy\ndtype\nN}U\x01aK\x01s\x86b.",
        b"cnumpy.core.multiarray\n_reconstruct\nN}U\x01aK\x01s\x86b.",
        b"cnumpy\nndarray\n(K\x03tR.",
        b"cnumpy\nndarray\n)\x81.",
    ],
)
def test_allowed_names_cannot_be_changed_or_misused(tmp_path: Path, build: bytes) -> None:
    with pytest.raises(ValueError, match="is not a pickle of arrays"):
        read_array_pickle(stored(tmp_path, b"\x80\x02" + build))
    content = pickle.dumps({"data": ARRAY}, protocol=4)
    assert np.array_equal(read_array_pickle(stored(tmp_path, content))["data"], ARRAY)


def test_an_array_without_data_is_refused(tmp_path: Path) -> None:
    content = b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btRs."
    with pytest.raises(ValueError, match="complete arrays, got one without data as 'data'"):
        read_array_pickle(stored(tmp_path, content))
    content = b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\n)\x81s."
    with pytest.raises(ValueError, match="complete arrays, got one without data as 'data'"):
        read_array_pickle(stored(tmp_path, content))


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    whole = pickle.dumps({"data": ARRAY, "labels": [1, 2]}, protocol=4)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="batch is not a pickle of arrays: "):
            read_array_pickle(stored(tmp_path, whole[:length]))


def refusal_of(path: Path) -> str | None:
    try:
        read_array_pickle(path)
    except ValueError as error:
        return str(error)
    return None


WHOLE = pickle.dumps({"data": ARRAY, "labels": [1, 2]}, protocol=2)
POSITIONS = [position for _, _, position in pickletools.genops(WHOLE) if position is not None]
CODES = sorted(op.code.encode("latin-1") for op in pickletools.opcodes)


@pytest.mark.slow
@settings(max_examples=300)
@given(position=st.sampled_from(POSITIONS), code=st.sampled_from(CODES))
def test_a_changed_instruction_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, position: int, code: bytes
) -> None:
    content = WHOLE[:position] + code + WHOLE[position + 1 :]
    path = stored(tmp_path_factory.getbasetemp(), content)
    refusal = refusal_of(path)
    assert refusal is None or refusal.startswith(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [([1], "must hold a dictionary, got list"), ({3: 1}, "with text keys, got the key 3")],
)
def test_the_content_is_a_dictionary_with_text_keys(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_array_pickle(stored(tmp_path, pickle.dumps(content)))


def test_refusing_does_not_even_import(tmp_path: Path) -> None:
    assert "antigravity" not in sys.modules
    with pytest.raises(ValueError, match=r"asks for antigravity\.x"):
        read_array_pickle(stored(tmp_path, b"cantigravity\nx\n."))
    assert "antigravity" not in sys.modules


def doubled(count: int) -> bytes:
    """A tuple of itself and itself, `count` times: small in memory, 2^count long for who walks through it."""
    return b")" + b"".join(b"\x94h" + bytes([i]) + b"\x86" for i in range(count))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x04})" + b"\x85" * 3_000_000 + b"Ns.", "it has more than 1000000 instructions"),
        (b"\x80\x04})" + b"\x85" * 900_000 + b"Ns.", "keys must be texts or whole numbers, got a tuple"),
        (b"\x80\x04}" + doubled(60) + b"Ns.", "keys must be texts or whole numbers, got a tuple"),
        (b"\x80\x04}(" + doubled(60) + b"Nu.", "keys must be texts or whole numbers, got a tuple"),
        (b"\x80\x04(" + doubled(60) + b"N\x64.", "keys must be texts or whole numbers, got a tuple"),
        (b"\x80\x04\x8f(" + doubled(60) + b"\x90.", "it has the instruction EMPTY_SET"),
        (b"\x80\x04(" + doubled(60) + b"\x91.", "it has the instruction FROZENSET"),
        (b"\x80\x04]" + b"\x94]\x94h\x00a" * 10 + b".", "does not end with one value|as if it were a list"),
        (b"\x80\x04}\x8d" + (2**62).to_bytes(8, "little") + b"x.", "expected 4611686018427387904 bytes"),
        (b"\x80\x04\x8b" + (2**30).to_bytes(4, "little") + b"x.", "not enough data in stream"),
        (b"\x80\x04\x8b" + (2000).to_bytes(4, "little") + bytes(2000) + b".", "it has the instruction LONG4"),
        (b"L" + b"1" * 5000 + b"L\n.", "Exceeds the limit"),
    ],
)
def test_what_overflows_or_never_ends_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"batch is not a pickle of arrays: .*({message})") as error:
        read_array_pickle(stored(tmp_path, content))
    assert len(str(error.value)) < 500


def test_a_value_that_is_long_to_write_is_not_written(tmp_path: Path) -> None:
    dtype = b"cnumpy\ndtype\n"
    with pytest.raises(ValueError, match=r"its arrays must be 'u1', bytes, got tuple$"):
        read_array_pickle(stored(tmp_path, b"\x80\x04" + doubled(60) + b"0" + dtype + b"(h\x3bKZK\x01tR."))


def test_an_array_too_large_for_numpy_is_refused(tmp_path: Path) -> None:
    shape = (0, 2**31 - 1, 2**31 - 1, 2**31 - 1)
    with pytest.raises(ValueError, match=r"an array of shape .* cannot be made"):
        read_array_pickle(stored(tmp_path, forged(shape, b"u1", PLAIN, b"")))


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^/dev/zero is too large: expected at most 167772160 bytes$"):
        read_array_pickle(Path("/dev/zero"))
