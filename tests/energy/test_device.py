"""Device descriptions: what may stand where, and how one number is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrolux.energy import Quantity
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES, PRESETS


def test_one_number_is_changed_and_nothing_else():
    changed = PAI2023_TABLES.changed("components.adc.energy", 15.9)
    assert changed.components["adc"].energy == Quantity(15.9, "pJ", "set by the user")
    assert PAI2023_TABLES.components["adc"].energy.value == 1.38
    assert replace(changed, components=PAI2023_TABLES.components) == PAI2023_TABLES


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("link.laser_efficiency", 0.1, lambda device: device.link.laser_efficiency.si),
        ("components.dac.mvm", 1, lambda device: device.components["dac"].mvm),
        ("digital.operation", 0.01, lambda device: device.digital.operation.value),
    ],
)
def test_any_number_can_be_changed(path, value, read):
    assert read(PAI2023_TABLES.changed(path, value)) == value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("link.colour", 1, r"^there is no link\.colour: no 'colour'; there are power, tap_noise, "),
        ("dac.energy", 1, r"^there is no dac\.energy: no 'dac'; there are name, source, components, "),
        ("components", 1, r"^components must lead to a number, as components\.adc\.energy does, got dict$"),
        ("name", 1, r"^name must lead to a number, .*, got str$"),
        ("components.adc.energy.value", 1, r"^there is no components\.adc\.energy\.value: no 'value'; nothing is"),
        ("components.adc.energy", -1, r"^components\.adc\.energy: value must be .*, got -1$"),
        ("link.laser_efficiency", 1.5, r"^laser_efficiency must be at most 1, got 1\.5$"),
        ("link.laser_efficiency", 0, r"^laser_efficiency must be above 0, got 0\.0$"),
        ("components.adc.mvm", -1, r"^mvm must be a finite number of at least 0, got -1$"),
    ],
)
def test_bad_changes_are_refused(path, value, message):
    with pytest.raises(ValueError, match=message):
        PAI2023_TABLES.changed(path, value)


def test_light_that_is_not_described_cannot_be_changed():
    with pytest.raises(ValueError, match=r"^there is no link\.tap_noise: no 'tap_noise'; nothing is described there$"):
        PAI2023_FIGURE.changed("link.tap_noise", 0.01)


@pytest.mark.parametrize("device", PRESETS.values())
def test_units_must_fit(device):
    with pytest.raises(ValueError, match=r"^power_per_pi must be a power in W or mW or uW or nW, got the unit 'pJ'$"):
        replace(device.shifters, power_per_pi=Quantity(1, "pJ", "test"))
    with pytest.raises(ValueError, match=r"^power_per_pi must have a value, a unit and a source, got 1\.0$"):
        replace(device.shifters, power_per_pi=1.0)
    with pytest.raises(ValueError, match=r"^name must be a text, got 5$"):
        replace(device, name=5)


def test_something_must_take_energy():
    with pytest.raises(ValueError, match=r"^components of .* must take energy in gradient, got none that does$"):
        PAI2023_FIGURE.changed("components.gradient.energy", 0)


def test_the_slower_one_of_modulation_and_conversion_sets_the_clock():
    assert PAI2023_TABLES.timing.clock == 1e9
    assert PAI2023_TABLES.changed("timing.conversion_rate", 0.25).timing.clock == 0.25e9
    assert PAI2023_TABLES.changed("timing.modulation_rate", 0.5).timing.clock == 0.5e9
