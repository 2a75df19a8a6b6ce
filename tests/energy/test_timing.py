"""Time and area against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy import MeshSize, area, digital_latency, latency, time_of_flight
from retrolux.energy.presets import PAI2023_TABLES

# 10 columns of 300 µm at a group index of 4 and c = 299 792 458 m/s.
DEVICE = PAI2023_TABLES.changed("floorplan.column_pitch", 300).changed("floorplan.group_index", 4)
DEVICE = DEVICE.changed("floorplan.mode_pitch", 50).changed("timing.conversion_delay", 2)
FLIGHT = 10 * 300e-6 * 4 / 299_792_458


def test_time_of_flight_is_that_of_all_columns():
    assert time_of_flight(DEVICE, 10) == pytest.approx(FLIGHT, rel=1e-14)
    assert time_of_flight(DEVICE, MeshSize.triangular(10)) == pytest.approx(1.7 * FLIGHT, rel=1e-14)


def test_a_batch_streams_and_a_gradient_passes_three_times():
    once = 100e-9 + FLIGHT + 2e-9
    assert latency(DEVICE, "mvm", 10, 100) == pytest.approx(once, rel=1e-14)
    assert latency(DEVICE, "gradient", 10, 100) == pytest.approx(3 * once, rel=1e-14)
    slower = DEVICE.changed("timing.conversion_rate", 0.5)
    assert latency(slower, "mvm", 10, 100) == pytest.approx(once + 100e-9, rel=1e-14)


def test_times_broadcast():
    assert latency(DEVICE, "mvm", [8, 16, 32], [[1], [2]]).shape == (2, 3)
    assert digital_latency(DEVICE, "mvm", [8, 16, 32], [[1], [2]]).shape == (2, 3)


def test_the_digital_rival_computes_at_its_throughput():
    assert digital_latency(DEVICE, "mvm", 64, 600) == pytest.approx(6 * 600 * 64**2 / 92e12)
    assert digital_latency(DEVICE, "gradient", 64, 600) == pytest.approx(12 * 600 * 64**2 / 92e12)


def test_area_is_columns_by_modes():
    assert area(DEVICE, 10) == pytest.approx(10 * 300e-6 * 10 * 50e-6)
    assert area(DEVICE, MeshSize.of(mesh.butterfly(16))) == pytest.approx(4 * 300e-6 * 16 * 50e-6)
    np.testing.assert_allclose(area(DEVICE, [10, 20]) / area(DEVICE, 10), [1, 4])
