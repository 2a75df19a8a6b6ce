"""The published numbers come out of the presets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retrolux.energy import Quantity, from_toml, gradient, mvm, presets, to_toml, tops_per_watt
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES, PAI2023_TABLES_DIGITAL_CONTROL, PRESETS

N = np.arange(4, 257)
M = np.arange(1, 256)[:, None]


@pytest.mark.parametrize(
    ("device", "per_mvm", "per_gradient"),
    [(PAI2023_TABLES, 21.5, 56.2), (PAI2023_TABLES_DIGITAL_CONTROL, 11.55, 26.3)],
)
def test_the_tables_add_up_to_the_published_sums(device, per_mvm, per_gradient):
    def digits(joules):
        return np.round(1e12 * joules, 2 if per_mvm == 11.55 else 1)

    assert digits(mvm(device, 64, 1) / 64) == per_mvm
    slope = (gradient(device, 64, 101) - gradient(device, 64, 1)) / (100 * 64)
    assert np.round(1e12 * slope, 1) == per_gradient
    assert 1e12 * (gradient(device, 64, 1) / 64 - slope) / 64 == pytest.approx(2.82, rel=1e-9)


def test_the_tables_are_the_published_formulas():
    op, mod, dac, adc, tia, mode, switch = 0.1e-12, 1e-15, 5e-12, 1.38e-12, 0.7e-12, 1e-12, 1e-15
    per_mvm = 12 * op + 2 * mod + 2 * dac + 4 * adc + 4 * tia + 2 * mode
    per_gradient = 36 * op + 6 * mod + 6 * dac + 8 * adc + 8 * tia + 6 * mode
    np.testing.assert_allclose(mvm(PAI2023_TABLES, N, M), M * N * per_mvm, rtol=1e-13)
    expected = M * N * per_gradient + N**2 * (4 * tia + 20 * switch)
    np.testing.assert_allclose(gradient(PAI2023_TABLES, N, M), expected, rtol=1e-13)


def test_the_figure_is_the_published_one():
    assert np.round(tops_per_watt(PAI2023_FIGURE, "mvm", 100, 7) / 100, 5) == 0.63519
    np.testing.assert_allclose(
        tops_per_watt(PAI2023_FIGURE, "mvm", N, M), (6 / 9.446 * N) * np.ones_like(M), rtol=1e-13
    )
    expected = 6 * N**2 / (28.372 * N + 0.206 * N**2 / M)
    np.testing.assert_allclose(tops_per_watt(PAI2023_FIGURE, "gradient", N, M), expected, rtol=1e-13)


def quantities(part):
    if isinstance(part, Quantity):
        yield part
    elif isinstance(part, dict):
        for inside in part.values():
            yield from quantities(inside)
    elif dataclasses.is_dataclass(part):
        yield from quantities(vars(part))


@pytest.mark.parametrize("device", PRESETS.values())
def test_every_number_has_a_source(device):
    numbers = list(quantities(device))
    assert len(numbers) > 10
    assert all(len(number.source) > 10 for number in numbers)


def test_names_are_those_of_the_devices():
    assert all(device.name == name for name, device in PRESETS.items())


@pytest.mark.parametrize("rival", presets.DIGITAL.values())
def test_other_digital_processors_fit_into_a_device(rival):
    device = dataclasses.replace(PAI2023_TABLES, digital=rival)
    assert from_toml(to_toml(device)).digital == rival
    assert 1e-14 <= rival.operation.si <= 1e-12
