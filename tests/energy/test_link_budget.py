"""Light: what loss and noise ask of it, against the chip that is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy import MeshSize, insertion_loss, laser_power, noise_from_power, on_chip, optical_power
from retrolux.energy.link_budget import laser_energy
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES
from retrolux.hardware import Imperfections, explain

CHIP = Imperfections(loss_db=0.2, column_loss_db=0.1, tap_noise=0.02)
TAP = {"bandwidth": 0.5e9, "responsivity": 1.0, "tap_fraction": 0.03}


def test_insertion_loss_is_that_of_the_longest_path():
    size = MeshSize.of(mesh.triangular(5))  # 7 columns, an MZI in each on the longest path
    loss = insertion_loss(on_chip(PAI2023_TABLES, CHIP), size)
    assert f"loss: {loss:.3g} dB on the longest path, 7 MZIs" in explain(CHIP, mesh.triangular(5))
    assert loss == pytest.approx(7 * 0.4 + 7 * 0.1)
    assert insertion_loss(PAI2023_TABLES, 64) == 0


def test_stated_power_is_wanted_at_the_detectors():
    device = PAI2023_TABLES.changed("link.mzi_loss", 1.0).changed("link.fixed_loss", 10.0)
    device = device.changed("link.laser_efficiency", 0.2)
    assert optical_power(device, 20) == pytest.approx(1e-3 * 100)
    assert laser_power(device, 20) == pytest.approx(1e-3 * 100 * 10 / 0.2)
    assert laser_power(device, [20, 30]).shape == (2,)


def test_loss_beyond_all_bounds_needs_infinite_light():
    lossy = PAI2023_TABLES.changed("link.mzi_loss", 100.0)
    assert np.isinf(laser_power(lossy, 64))
    assert np.isinf(laser_power(PAI2023_TABLES.changed("link.fixed_loss", 1e30), 64))
    assert laser_power(lossy.changed("link.power", 0.0), 64) == 0
    assert laser_energy(lossy.changed("link.mvm", 0.0), "mvm", 64, 1) == 0


def test_noise_sets_the_power_that_enters():
    device = on_chip(PAI2023_TABLES, CHIP)
    n = np.array([4, 64])
    assert noise_from_power(optical_power(device, n) * n, n, **TAP) == pytest.approx(0.02)
    lossless = on_chip(PAI2023_TABLES, Imperfections(tap_noise=0.02))
    np.testing.assert_allclose(
        optical_power(device, n), optical_power(lossless, n)
    )  # photons only: p says what is left


def test_thermal_noise_asks_for_more_where_taps_see_less():
    quiet = PAI2023_TABLES.changed("link.tap_noise", 0.02).changed("receiver.thermal_current", 10)
    lossy = quiet.changed("link.column_loss", 1.0)
    total = optical_power(quiet, 8) * 8
    assert noise_from_power(total, 8, **TAP, thermal_current=1e-11) == pytest.approx(0.02)
    # 8 dB spread evenly: the mean over the length, by the midpoint rule.
    seen = np.mean(10 ** (-0.8 * (np.arange(1000) + 0.5) / 1000))
    total = optical_power(lossy, 8) * 8
    assert noise_from_power(total, 8 / seen, **TAP, thermal_current=1e-11) == pytest.approx(0.02, rel=1e-6)


def test_the_more_demanding_noise_counts():
    taps = PAI2023_TABLES.changed("link.tap_noise", 0.02)
    outputs = PAI2023_TABLES.changed("link.detector_noise", 0.001)
    both = taps.changed("link.detector_noise", 0.001)
    assert optical_power(outputs, 64) > optical_power(taps, 64)
    assert optical_power(both, 64) == optical_power(outputs, 64)
    assert optical_power(both.changed("link.detector_noise", 1.0), 64) == optical_power(taps, 64)


def test_light_that_is_not_described_is_told():
    message = r"^pai2023_figure does not tell the energy of the light from that of the rest$"
    for ask in (optical_power, laser_power, insertion_loss):
        with pytest.raises(ValueError, match=message):
            ask(PAI2023_FIGURE, 64)
    with pytest.raises(ValueError, match=message):
        on_chip(PAI2023_FIGURE, CHIP)
