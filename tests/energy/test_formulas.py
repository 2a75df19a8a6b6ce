"""Energies: parts, broadcasting, options, the digital rival, and where the mesh wins."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy import (
    MeshSize,
    advantage,
    breakdown,
    digital_gradient,
    digital_mvm,
    energy_ratio,
    gradient,
    haar_holding_power,
    latency,
    mvm,
    tops_per_watt,
)
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES, PAI2023_TABLES_DIGITAL_CONTROL, PRESETS

BOTH = pytest.mark.parametrize("operation", ["mvm", "gradient"])


@BOTH
@pytest.mark.parametrize("device", PRESETS.values())
def test_the_parts_are_the_whole_for_arrays_and_numbers(device, operation):
    total = {"mvm": mvm, "gradient": gradient}[operation]
    n, m = np.array([4, 16, 64]), np.array([[1], [100]])
    whole, parts = total(device, n, m), breakdown(device, operation, n, m)
    assert whole.shape == (2, 3)
    np.testing.assert_allclose(sum(parts.values()), whole, rtol=1e-15)
    for i, j in itertools.product(range(2), range(3)):
        assert total(device, int(n[j]), int(m[i, 0])) == whole[i, j]


def test_the_published_model_counts_no_option():
    parts = breakdown(PAI2023_TABLES, "gradient", 64, 10)
    assert [name for name, energy in parts.items() if energy == 0] == ["memory", "shifters"]
    assert parts["laser"] == pytest.approx(6 * 10 * 64 * 1e-12)  # 1 mW for 1 ns, six times


def test_shifters_are_held_as_long_as_the_step_takes():
    device = PAI2023_TABLES.changed("shifters.power_per_pi", 25)
    held, seconds = haar_holding_power(device, 64), latency(device, "gradient", 64, 600)
    assert breakdown(device, "gradient", 64, 600)["shifters"] == held * seconds
    assert breakdown(device, "gradient", 64, 600, holding=2.0)["shifters"] == 2.0 * seconds
    np.testing.assert_allclose(gradient(device, 64, 600) - gradient(PAI2023_TABLES, 64, 600), held * seconds)


def test_light_grows_with_loss_and_with_an_inefficient_laser():
    device = PAI2023_TABLES.changed("link.laser_efficiency", 0.1).changed("link.mzi_loss", 0.5)
    device = device.changed("link.fixed_loss", 3.0).changed("link.column_loss", 0.1)
    lossless = breakdown(PAI2023_TABLES, "mvm", 16, 5)["laser"]
    assert breakdown(device, "mvm", 16, 5)["laser"] == pytest.approx(10 * 10 ** ((3 + 16 * 0.6) / 10) * lossless)


def test_memory_is_read_and_written_per_weight():
    device = PAI2023_TABLES.changed("components.memory.energy", 10).changed("digital.memory", 7)
    assert mvm(device, 8, 3) == mvm(PAI2023_TABLES, 8, 3)  # the mesh is the memory
    assert gradient(device, 8, 3) - gradient(PAI2023_TABLES, 8, 3) == pytest.approx(2 * 64 * 10e-12)
    assert digital_mvm(device, 8, 3) - digital_mvm(PAI2023_TABLES, 8, 3) == pytest.approx(2 * 64 * 7e-12)
    assert digital_gradient(device, 8, 3) - digital_gradient(PAI2023_TABLES, 8, 3) == pytest.approx(4 * 64 * 7e-12)


def test_the_digital_rival_counts_six_operations_per_complex_product():
    assert digital_mvm(PAI2023_TABLES, 64, 600) == pytest.approx(6 * 600 * 64**2 * 1e-13)
    assert digital_gradient(PAI2023_FIGURE, 64, 600) == pytest.approx(12 * 600 * 64**2 / 8e12)


def test_the_contours_of_the_published_figure_are_gains():
    # 8, 16, 32 TOPS/W for a multiplication and 4, 8, 16 for a gradient are 1, 2 and 4 times the digital efficiency.
    n, m = np.arange(4, 257), np.array([[1], [30], [255]])
    for operation, unit in (("mvm", 8), ("gradient", 4)):
        ratio = tops_per_watt(PAI2023_FIGURE, operation, n, m) / energy_ratio(PAI2023_FIGURE, operation, n, m)
        np.testing.assert_allclose(ratio, unit, rtol=1e-13)


def test_a_mesh_with_fewer_phases_reads_fewer_taps():
    device, butterfly = PAI2023_TABLES, MeshSize.of(mesh.butterfly(64))
    assert mvm(device, butterfly, 10) == mvm(device, 64, 10)
    fewer = 64**2 - (2 * 192 + 64)
    assert gradient(device, 64, 10) - gradient(device, butterfly, 10) == pytest.approx(fewer * 2.82e-12)


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize(
    ("device", "per_sample", "operation_pj"),
    [
        (PAI2023_TABLES, 21.522, 0.1),
        (PAI2023_TABLES_DIGITAL_CONTROL, 11.552, 0.1),
        (PAI2023_FIGURE, 9.446, 0.125),
    ],
)
def test_the_crossing_of_a_multiplication_is_where_the_formulas_meet(device, per_sample, operation_pj, factor):
    # factor · per_sample · N = 6 N² operation_pj
    crossing = math.ceil(factor * per_sample / (6 * operation_pj))
    assert advantage(device, "mvm", np.arange(2, 300), 17, factor) == crossing


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_the_crossing_of_a_gradient_is_where_the_formulas_meet(batch):
    # factor · (28.372 N + 0.206 N²/M) = 12 N² / 8
    crossing = 2 * 28.372 / (1.5 - 2 * 0.206 / batch)
    assert advantage(PAI2023_FIGURE, "gradient", np.arange(2, 300), batch, 2) == math.ceil(crossing)


def test_the_smallest_one_is_found_among_those_offered():
    assert advantage(PAI2023_FIGURE, "mvm", [64, 16, 8], 10) == 16
    assert advantage(PAI2023_TABLES, "gradient", np.arange(2, 1025), 1) is None
    assert advantage(PAI2023_TABLES, "gradient", MeshSize.triangular(np.arange(2, 100)), 255) == 48


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mvm", 1, 1), r"^modes must be integers of at least 2, got 1$"),
        (("mvm", 8, 0), r"^batch must be integers of at least 1, got 0$"),
        (("mvm", 8, [1, 2.5]), r"^batch must be integers of at least 1, got 2\.5$"),
        (("step", 8, 1), r"^operation must be one of mvm, gradient, got 'step'$"),
    ],
)
def test_bad_sizes_are_refused(arguments, message):
    for function in (breakdown, latency, energy_ratio, tops_per_watt, advantage):
        with pytest.raises(ValueError, match=message):
            function(PAI2023_TABLES, *arguments)


def test_bad_factor_and_holding_are_refused():
    with pytest.raises(ValueError, match=r"^factor must be above 0, got 0$"):
        advantage(PAI2023_TABLES, "mvm", [4, 8], 1, 0)
    with pytest.raises(ValueError, match=r"^holding must be at least 0 W, got -1\.0$"):
        breakdown(PAI2023_TABLES, "mvm", 8, 1, holding=-1.0)
