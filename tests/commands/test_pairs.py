"""NAME=VALUE on the command line."""

from __future__ import annotations

import pytest

from retrolux.commands.pairs import parse_list, parse_pairs


def test_values_are_numbers_where_they_can_be():
    values = parse_list("1,0.5, 1e-3,sgd,none,-2")
    assert values == [1, 0.5, 1e-3, "sgd", "none", -2]
    assert [type(value) for value in values] == [int, float, float, str, str, int]


def test_pairs():
    assert parse_pairs("--change", "NAME=VALUE", ["a=1", "b=c=d"]) == {"a": "1", "b": "c=d"}


@pytest.mark.parametrize("text", ["lr", "lr=", "=1", ""])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(ValueError, match=f"^--change must be NAME=VALUE, got '{text}'$"):
        parse_pairs("--change", "NAME=VALUE", [text])


def test_a_name_given_twice_is_refused():
    with pytest.raises(ValueError, match=r"^--change must name each option once, got 'a' twice$"):
        parse_pairs("--change", "NAME=VALUE", ["a=1", "a=2"])
