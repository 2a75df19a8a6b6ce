"""The settings: what they accept and refuse, how they are written and read again."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.hardware import Imperfections
from retrolux.option import options_of

OPTIONS = options_of(Imperfections)
BITS = [name for name, about in OPTIONS.items() if about.or_none]
NUMBERS = [name for name in OPTIONS if name not in BITS]


def allowed(name):
    """Return a strategy of all values of an imperfection."""
    about = OPTIONS[name]
    if about.or_none:
        return st.none() | st.integers(about.least, about.most)
    return st.floats(about.least, about.most, exclude_min=about.above, exclude_max=about.below)


settings = st.builds(Imperfections, **{name: allowed(name) for name in OPTIONS})


@pytest.mark.parametrize("name", OPTIONS)
def test_every_imperfection_is_documented(name):
    """With its lifetime, unit, range and source: all that stands beside its field."""
    about = OPTIONS[name]
    entry = Imperfections.__doc__.split(f"\n{name} : ", 1)[1].split(" : ")[0]
    told = " ".join(entry.split())
    for fact in (about.lifetime.capitalize(), about.unit_text, about.source, about.about[-20:]):
        assert fact in told
    assert about.lifetime or name == "detuning_nm"
    assert about.about


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-2e15, math.nan, math.inf, -math.inf, 10**400, "0.1", None, True, 1j, [0.1]])
def test_a_number_is_finite_and_large_enough(name, value):
    message = f"{name} must be a finite number of at least {OPTIONS[name].least:g}, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Imperfections(**{name: value})


@pytest.mark.parametrize("name", BITS)
@pytest.mark.parametrize("value", [0, -1, 8.0, math.nan, "8", True])
def test_bits_are_whole_numbers(name, value):
    message = f"{name} must be an integer of at least 1 or None, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Imperfections(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("coupler_std", -1e-9, "coupler_std must be a finite number of at least 0, got -1e-09"),
        ("coupler_dispersion", math.nan, "coupler_dispersion must be a finite number of at least -1e+15, got nan"),
        ("crosstalk", 1, "crosstalk must be below 1, got 1"),
        ("crosstalk", 2.5, "crosstalk must be below 1, got 2.5"),
        ("crosstalk_range", 0.99, "crosstalk_range must be a finite number of at least 1, got 0.99"),
        ("phase_bits", 33, "phase_bits must be at most 32, got 33"),
    ],
)
def test_ranges_are_those_of_the_physics(name, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Imperfections(**{name: value})


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "crosstalk"])
@pytest.mark.parametrize("value", [1e308, 1.1e15, 10**16])
def test_what_no_chip_has_is_refused(name, value):
    message = f"{name} must be at most 1e+15, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Imperfections(**{name: value})
    assert getattr(Imperfections(**{name: 1e15}), name) == 1e15


@pytest.mark.parametrize("value", [1, np.float32(1), np.int16(1), np.float64(1), np.array(1.0)[()]])
def test_numbers_of_any_kind_become_plain_ones(value):
    made = Imperfections(loss_db=value, phase_bits=np.int64(8))
    assert type(made.loss_db) is float
    assert type(made.phase_bits) is int
    assert made == Imperfections(loss_db=1.0, phase_bits=8)


def test_settings_never_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Imperfections().loss_db = 1.0
    changed = dataclasses.replace(Imperfections(loss_db=1.0), tap_noise=0.5)
    assert (changed.loss_db, changed.tap_noise) == (1.0, 0.5)
    with pytest.raises(ValueError, match="loss_db must be a finite number of at least 0, got -1"):
        dataclasses.replace(changed, loss_db=-1)


def test_arguments_go_by_name():
    with pytest.raises(TypeError, match="positional"):
        Imperfections(0.1)


@given(settings)
def test_toml_round_trip_is_exact(made):
    again = Imperfections.from_toml(made.to_toml())
    assert again == made
    assert again.to_toml() == made.to_toml()


@given(settings)
def test_json_round_trip_is_exact(made):
    again = Imperfections.from_json(made.to_json())
    assert again == made
    assert json.loads(made.to_json()) == dataclasses.asdict(made)


@given(settings)
def test_repr_is_the_call_that_makes_it(made):
    again = eval(repr(made), {"Imperfections": Imperfections})
    assert again == made


def test_repr_shows_what_is_not_ideal():
    assert repr(Imperfections()) == "Imperfections()"
    assert repr(Imperfections(tap_noise=0.01, phase_bits=8)) == "Imperfections(phase_bits=8, tap_noise=0.01)"


def test_files_say_each_setting_once():
    lines = Imperfections(coupler_std=0.02, adc_bits=6).to_toml().splitlines()
    assert lines[0] == "coupler_std = 0.02"
    assert "adc_bits = 6" in lines
    assert [line.split(" = ")[0] for line in lines] == [name for name in OPTIONS if name != "phase_bits"]


def test_what_a_file_leaves_out_is_ideal():
    assert Imperfections.from_toml("# a comment\nloss_db = 1\n") == Imperfections(loss_db=1)
    assert Imperfections.from_json('{"loss_db": 1, "adc_bits": null}') == Imperfections(loss_db=1)
    assert Imperfections.from_toml("") == Imperfections.from_json("{}") == Imperfections()


@pytest.mark.parametrize("read", [Imperfections.from_toml, Imperfections.from_json])
def test_an_unknown_name_is_told_with_the_nearest(read):
    def text(name):
        return f"{name} = 0.1" if read is Imperfections.from_toml else json.dumps({name: 0.1})

    message = rf"^there is no imperfection 'tap_nois' \(did you mean 'tap_noise'\?\); there are {', '.join(OPTIONS)}$"
    with pytest.raises(ValueError, match=message):
        read(text("tap_nois"))
    with pytest.raises(ValueError, match=r"^there is no imperfection 'zzz'; there are coupler_std, "):
        read(text("zzz"))
    with pytest.raises(ValueError, match=r"^there is no imperfection 'chip'; there are "):
        read("[chip]\nloss_db = 1" if read is Imperfections.from_toml else '{"chip": {"loss_db": 1}}')


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (Imperfections.from_toml, "loss_db = -1", r"^loss_db must be a finite number of at least 0, got -1$"),
        (Imperfections.from_toml, "loss_db = nan", r"^loss_db must be .*, got nan$"),
        (Imperfections.from_toml, "phase_bits = 8.0", r"^phase_bits must be an integer .*, got 8\.0$"),
        (Imperfections.from_toml, "loss_db 1", r"^imperfections must be written in TOML: .*line 1"),
        (Imperfections.from_json, '{"loss_db": Infinity}', r"^loss_db must be .*, got inf$"),
        (Imperfections.from_json, '{"loss_db": null}', r"^loss_db must be .*, got None$"),
        (Imperfections.from_json, "{", r"^imperfections must be written in JSON: .*line 1"),
        (Imperfections.from_json, "[1]", r"^imperfections must be a JSON object of names and values, got \[1\]$"),
    ],
)
def test_bad_files_are_refused(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


IDLE = ["coupler_dispersion", "phase_dispersion", "detuning_nm", "crosstalk_range"]  # without another one


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in IDLE])
def test_any_one_imperfection_spoils_the_ideal(name):
    assert not Imperfections(**{name: 4 if name in BITS else 0.5}).is_ideal


def test_what_has_no_effect_is_ideal():
    assert Imperfections().is_ideal
    assert Imperfections(crosstalk_range=9).is_ideal
    assert Imperfections(coupler_dispersion=1, phase_dispersion=1).is_ideal
    assert Imperfections(detuning_nm=1).is_ideal
    assert not Imperfections(detuning_nm=1, coupler_dispersion=1).is_ideal
    assert not Imperfections(detuning_nm=1, phase_dispersion=1).is_ideal


def test_imports_neither_torch_nor_scipy():
    code = "import sys, retrolux.hardware; print({'torch', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
