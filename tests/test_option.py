"""Facts of options: what a class with some makes of them."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from retrolux.option import Option, check_options, documented, option, options_of


@documented
@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Some settings.

    Attributes
    ----------
    {options}
    """

    power: float = option(1.0, about="what a laser gives", unit="mW", above=True, source="Maiman 1960")
    part: float = option(0.5, most=1.0, below=True, unit="rad/s^(1/2)", lifetime="drift", about="what is left")
    bits: int | None = option(None, least=1, most=32, about="levels")
    name: str = option("red", about="what it is called")

    def __post_init__(self):
        check_options(self)


def test_numbers_are_kept_as_those_of_python():
    made = Settings(power=np.float32(2), part=0, bits=np.int8(3))
    assert [type(value) for value in vars(made).values()] == [float, float, int, str]
    assert Settings().bits is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"power": 0}, "power must be a finite number above 0, got 0"),
        ({"power": 2e15}, "power must be at most 1e+15, got 2000000000000000.0"),
        ({"part": 1.0}, "part must be below 1, got 1.0"),
        ({"part": -0.1}, "part must be a finite number of at least 0, got -0.1"),
        ({"bits": 0}, "bits must be an integer of at least 1 or None, got 0"),
        ({"bits": 33}, "bits must be at most 32, got 33"),
        ({"bits": 8.0}, "bits must be an integer of at least 1 or None, got 8.0"),
        ({"part": "much"}, "part must be a finite number of at least 0, got 'much'"),
    ],
)
def test_what_is_out_of_range_is_named(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Settings(**values)


def test_a_docstring_has_every_fact():
    assert [line.strip() for line in Settings.__doc__.splitlines() if line.strip()][3:] == [
        "power : float > 0",
        "In mW, what a laser gives (Maiman 1960).",
        "part : float, at least 0 and below 1",
        "Drift: in rad/√s, what is left.",
        "bits : int, 1 to 32, or None",
        "Levels.",
        "name : str",
        "What it is called.",
    ]


@pytest.mark.parametrize("source", ["(2021)", "1247", "± 3 dB", "−1/λ"])
def test_no_line_begins_a_paragraph_by_chance(source):
    for words in range(12, 30):
        about = Option(about=f"{'word ' * words}{source} and more {source}")
        _, *lines = about.entry("power").splitlines()
        assert " ".join(line.strip() for line in lines) == f"W{about.about[1:]}."
        assert all(line.strip()[0].isalpha() and len(line) <= 116 for line in lines)


def test_a_field_without_facts_is_checked_by_its_default():
    @dataclasses.dataclass(frozen=True)
    class Bare:
        width: float = 2.0
        count: int = 1
        name: str = "red"
        part: Settings = Settings()

    assert [about.kind for about in options_of(Bare).values()] == ["number", "integer", "text", "text"]
    with pytest.raises(ValueError, match=r"^count must be an integer of at least 0, got 1\.5$"):
        check_options(Bare(count=1.5))
