"""Texts and files of others: what is read, and what would take forever or overflow is refused in one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from retrolux.reading import parse_json, parse_toml, read_bytes, read_text, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.mark.parametrize(
    "text",
    [
        "",
        'a = 1\nb.c."d.e" = [1, [2, 3]]\n[t]\nx = {y = 1e-3}  # [[[[',
        'a = """[[[[ "" \\""" ]"""\nb = "\\"[[["\nc = \'[[[\'\nd = """x""""\n',
        "a = '''[[ ''[ '''\n[[list]]\nb = 1979-05-27\n",
        f"a = '{'[' * 1000}'\nb = \"{'.' * 1000}\"\n# {'.' * 1000}{'9' * 1000}\n",
        f"a = [{', '.join(['0.5'] * 1000)}]\n",
        "a = 18446744073709551615\nb = -18446744073709551615\nc = 0.1000000000000000055511151231257827\n",
        f"{'.'.join('a' * 32)} = {'[' * 30}{']' * 30}",
    ],
)
def test_toml_is_read_as_the_library_reads_it(text):
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "value",
    [1, "[[[[" * 100, {"a": [1.5, None, True, {"b": '"[{\\'}]}, {"x": 2**64 - 1}, {str(k): k for k in range(10_000)}],
)
def test_json_is_read_as_the_library_reads_it(value):
    assert parse_json(json.dumps(value)) == value


LONG = [
    ("a = " + "[" * 3000 + "]" * 3000, "nested at most 32 deep"),
    ("a = " + "{b = " * 3000 + "1" + "}" * 3000, "nested at most 32 deep"),
    ("a = " + "[" * 500_000, "nested at most 32 deep"),
    (".".join(["a"] * 50_000) + " = 1", "at most 32 parts with dots between them, got 50000"),
    (" . ".join(['"a b"'] * 50_000) + " = 1", "at most 32 parts with dots between them, got 50000"),
    ("[" + ".".join(["a"] * 50_000) + "]", "at most 32 parts with dots between them, got 50000"),
    ("".join(f"a.b{i} = 1\n" for i in range(50_000)), "at most 10000 values, got 50000"),
    ("a = " + "9" * 5000, "a number must have at most 64 digits, got 5000"),
    ("a = 0x" + "f" * 5000, "whole numbers must have at most 64 bits, got 0xf"),
    ("a = [1, 18446744073709551616]", "whole numbers must have at most 64 bits, got 18446744073709551616"),
    ("a = '" + "x" * 2**20, "at most 1048576 characters"),
    ('"\\"' * 300_000, "Invalid|Expected|Unterminated|after a key"),
    ("'''" * 300_001, "Invalid|Expected|after a key"),
    ('a = "' + "\\" * 500_001, "escape|Unterminated|Expected"),
    ("a" * 1_000_000, "Expected '=' after a key"),
]


@pytest.mark.parametrize(("text", "message"), LONG, ids=range(len(LONG)))
def test_toml_that_would_take_forever_or_overflow(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_toml(text)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 3000 + "]" * 3000, "nested at most 32 deep"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "nested at most 32 deep"),
        ("9" * 5000, "a number must have at most 64 digits, got 5000"),
        ("-1e" + "9" * 5000, "a number must have at most 64 digits, got 5000"),
        ("[18446744073709551616]", "at most 64 bits"),
        (json.dumps({f"k{i}": 1 for i in range(110_000)}), "the text must have at most 1048576 characters"),
        ('{"a":1,"b":' * 90_000, "nested at most 32 deep"),
        ('["' + '\\"' * 500_000, "Unterminated string"),
    ],
)
def test_json_that_would_take_forever_or_overflow(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_json(text)
    assert len(str(error.value)) < 700


def test_files_are_read_up_to_a_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(ValueError, match=r"a is too large: expected at most 4 bytes$"):
        read_bytes(tmp_path / "a", 4)
    with pytest.raises(ValueError, match=r"^/dev/zero is too large: expected at most 1048576 bytes$"):
        read_text(Path("/dev/zero"))
    (tmp_path / "a").write_bytes(b"abc\xe9")
    with pytest.raises(ValueError, match=r"a is not text in UTF-8: byte 3 is 0xe9$"):
        read_text(tmp_path / "a")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that can be opened and not read")
def test_what_fails_while_it_is_read_is_named():
    with pytest.raises(OSError, match="/proc/self/mem"):
        read_bytes(Path("/proc/self/mem"))


def test_what_is_long_is_cut_in_messages():
    assert shown("ab") == "'ab'"
    assert shown([1] * 1000) == repr([1] * 1000)[:500] + "…"
    assert shown(10**5000).startswith("0x")
    assert len(shown(10**5000)) == 501
