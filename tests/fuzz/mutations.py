"""Ways to damage a file, a text, and a value made of tables and lists."""

from __future__ import annotations

import copy
import math

import numpy as np

# What stands where something else should: wrong kinds, the ends of ranges, and what is long or deep.
VALUES = [
    None, True, "", "x", "none", -1, 0, 1, 2, 10**6, 2**31, 2**63, 2**64, 10**400, 0.5, -0.5, 1e308, 1e-320, math.nan,
    math.inf, -math.inf, [], {}, [[]], [1, 2], {"x": 1}, "a" * 5000, "é\n\0", [None] * 50, {"a": {"b": {"c": {}}}},
]  # fmt: skip
TOKENS = [
    "[", "]", "{", "}", '"', "'", '"""', "=", ",", ".", ":", "#", "\n", "\\", "\0", "é", "nan", "inf", "-", "1e999",
    "[" * 50, "[" * 3000, "{a = " * 100, '{"a":' * 3000, "9" * 70, "9" * 5000, "0x" + "f" * 300, ".a" * 100,
    ".a" * 20_000, "a = 1\n" * 3, "null", "true", "NaN", "-Infinity", "1979-05-27", "[[a]]\n", "a" * 20_000,
    "\\u0000", "'''",
]  # fmt: skip


def of_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip bits, cut, zero a range, put other bytes in, repeat a range, or move one: once to three times."""
    for _ in range(rng.integers(1, 4)):
        length = len(content)
        if length < 2:
            return content + rng.bytes(4)
        start, stop = sorted(rng.integers(length, size=2).tolist())
        stop = min(stop, start + int(10 ** rng.uniform(0, 5)))
        way = rng.integers(7)
        if way == 0:
            changed = bytearray(content)
            for place in rng.integers(length, size=rng.integers(1, 5)):
                changed[place] ^= 1 << rng.integers(8)
            content = bytes(changed)
        elif way == 1:
            content = content[: rng.integers(length)]
        elif way == 2:
            content = content[:start] + bytes(stop - start) + content[stop:]
        elif way == 3:
            content = content[:start] + content[stop:]
        elif way == 4:
            content = content[:stop] + content[start:]
        elif way == 5:
            content = content[:start] + rng.bytes(min(stop - start, 64)) + content[stop:]
        else:
            edges = [b"\xff" * 4, b"\x00" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80"]
            edge = edges[rng.integers(len(edges))]
            content = content[:start] + edge + content[start + len(edge) :]
    return content


def of_text(text: str, rng: np.random.Generator) -> str:
    """Damage the lines of a text, or put in what parsers stumble over; sometimes its bytes."""
    for _ in range(rng.integers(1, 4)):
        lines = text.splitlines(keepends=True) or [""]
        line, place = rng.integers(len(lines)), rng.integers(len(text) + 1)
        token = TOKENS[rng.integers(len(TOKENS))]
        way = rng.integers(6)
        if way == 0:
            del lines[line]
            text = "".join(lines)
        elif way == 1:
            lines.insert(rng.integers(len(lines)), lines[line])
            text = "".join(lines)
        elif way == 2:
            head, sign, _ = lines[line].partition("=" if "=" in lines[line] else ":")
            lines[line] = f"{head}{sign} {token}\n"
            text = "".join(lines)
        elif way == 3:
            text = text[:place] + token + text[place:]
        elif way == 4:
            text = text[:place]
        else:
            text = of_bytes(text.encode(errors="replace"), rng).decode(errors="replace")
    return text


def of_value(value: object, rng: np.random.Generator, values: list[object] = VALUES) -> object:
    """Return a copy of tables and lists in which one to three entries are missing, exchanged, or something else."""
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(value))
        if not places:
            return value
        table, key = places[rng.integers(len(places))]
        way = rng.integers(5)
        if way == 0 and isinstance(table, dict):
            del table[key]
        elif way == 1 and isinstance(table, dict):
            table[str(key) + "_"] = table[key]
        elif way == 2:
            other, name = places[rng.integers(len(places))]
            if key in _keys(table) and name in _keys(other):
                table[key] = copy.deepcopy(other[name])
        elif way == 3 and isinstance(table[key], (int, float)):
            table[key] = table[key] * (-1, 0.5, 2, 10**6)[rng.integers(4)]
        else:
            table[key] = copy.deepcopy(values[rng.integers(len(values))])
    return value


def _keys(table):
    return table.keys() if isinstance(table, dict) else range(len(table))


def _places(value, depth=0):
    """Yield every entry of the tables and lists in a value, as what holds it and the key."""
    if isinstance(value, (dict, list)) and depth < 8:
        for key in _keys(value):
            yield value, key
            yield from _places(value[key], depth + 1)
