"""Device descriptions as files: what is written comes back, and what is wrong is named."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.energy import Component, Quantity, from_toml, to_toml
from retrolux.energy.presets import PAI2023_TABLES, PRESETS

TEXT = to_toml(PAI2023_TABLES)


@pytest.mark.parametrize("device", PRESETS.values())
def test_presets_come_back(device):
    assert from_toml(to_toml(device)) == device


def test_a_file_that_calls_the_link_light_is_read():
    device = replace(PAI2023_TABLES, name="mine")
    assert device.link is not None
    assert from_toml(to_toml(device).replace("[link]", "[light]")) == device


@given(st.floats(1e-30, 1e30), st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_any_component_comes_back(value, name):
    own = Component(energy=Quantity(value, "fJ", name), mvm=value, gradient=1)
    device = replace(PAI2023_TABLES, components={name: own})
    assert from_toml(to_toml(device)) == device


def test_every_number_has_a_line_with_unit_and_source():
    adc = TEXT[TEXT.index("[components.adc]") :].split("\n\n")[0].splitlines()
    assert adc[1].startswith('energy = { value = 1.38, unit = "pJ", source = "Pai et al., Science 380, 398 (2023), ')
    assert adc[2:] == ["mvm = 4.0", "gradient = 8.0", "gradient_per_phase = 0.0"]


def changed(old, new):
    assert len(re.findall(old, TEXT)) > 0
    return re.sub(old, new, TEXT, count=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy 5", r"^a device must be written in TOML: .*line 1"),
        ("", r"^the device must have name, source, components, .*, got no 'name'$"),
        (changed(r"\[shifters\]", "[shifter]"), r"^the device has no 'shifter' \(did you mean 'shifters'\?\); it has "),
        (changed("mzi_loss", "mzi_los"), r"^link has no 'mzi_los' \(did you mean 'mzi_loss'\?\); it has power, "),
        (changed(r"value = 5\.0", "value = -5.0"), r"^components\.dac\.energy: value must be .*, got -5\.0$"),
        (changed('"TOPS"', '"W"'), r"^digital: throughput must be a throughput in GOPS or TOPS, got the unit 'W'$"),
        (changed("value = 5.0, unit", "values = 5.0, unit"), r"^components\.dac\.energy has no 'values' \(did you"),
        (changed(r"mvm = 2\.0", 'mvm = "2"'), r"^components\.modulator: mvm must be a finite number .*, got '2'$"),
        (changed("group_index = .*", "group_index = 4.2"), r"^floorplan\.group_index must be a table .*, got 4\.2$"),
        (changed("group_index = .*", ""), r"^floorplan must have column_pitch, .*, got no 'group_index'$"),
        ("components = 1\n" + TEXT.replace("[components.", "[parts."), r"^the device has no 'parts'"),
    ],
)
def test_bad_files_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        from_toml(text)
