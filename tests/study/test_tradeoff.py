"""Costs of the points of a sweep against the report of a network, and the front of the best."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest

from retrolux import energy
from retrolux.energy.presets import PAI2023_FIGURE, PAI2023_TABLES, PAI2023_TABLES_REAL_LIGHT
from retrolux.gradient import METHODS
from retrolux.study import Network, Sweep
from retrolux.study.results import empty_results
from retrolux.study.tradeoff import DEVICES, base_config, costs, front, with_costs

SWEEP = Sweep(
    settings={"gradient": "three_measurement", "batch": 50},
    lists={"modes": (10, 16), "optimizer": ("sgd", "adam"), "tap_noise": (0.0, 0.02), "loss_db_std": (0.0, 0.02)},
)


@pytest.fixture(scope="module")
def results():
    return empty_results(SWEEP)


def test_costs_are_those_of_the_network(results):
    found = costs(results, DEVICES)
    assert found["energy_step"].dims == ("device", "modes", "tap_pd_shot_noise", "loss_db_std")
    for name, config in itertools.product(DEVICES, SWEEP.configs):
        imperfections = config.imperfections
        here = found.sel(device=name, modes=config.modes, tap_pd_shot_noise=imperfections.tap_noise)
        here = here.sel(loss_db_std=imperfections.loss_db_std)
        # Haar-random phases, as in the costs: these devices hold phases for nothing.
        batch = energy.energy_report(Network(config), config.batch, DEVICES[name])
        one = energy.energy_report(Network(config), 1, DEVICES[name])
        expected = {
            "energy_step": batch.step.energy,
            "energy_step_digital": batch.step.digital,
            "energy_inference": one.inference.energy,
            "energy_inference_digital": one.inference.digital,
            "latency_step": batch.step.seconds,
            "latency_step_digital": batch.step.digital_seconds,
            "latency_inference": one.latency,
            "area": batch.area,
        }
        for variable, value in expected.items():
            assert float(here[variable]) == pytest.approx(value, rel=1e-12), variable


@pytest.mark.parametrize("meshes", [1, 3])
def test_each_gradient_costs_its_own_light(meshes):
    sweep = Sweep(settings={"batch": 50, "modes": 10, "meshes": meshes}, lists={"gradient": tuple(METHODS)})
    found = costs(empty_results(sweep), {"tables": PAI2023_TABLES})
    for config in sweep.configs:
        step = energy.energy_report(Network(config), 50).step
        here = found.sel(device="tables", gradient=config.gradient)
        assert float(here["energy_step"]) == pytest.approx(step.energy, rel=1e-12)
        assert float(here["latency_step"]) == pytest.approx(step.seconds, rel=1e-12)
    assert len(np.unique(found["energy_step"])) >= 5


def test_less_noise_takes_more_light(results):
    found = costs(results, DEVICES)
    assert np.isinf(found["light_per_mode"].sel(tap_pd_shot_noise=0)).all()
    assert np.isinf(found["energy_step_noise"].sel(tap_pd_shot_noise=0)).all()
    noisy = found.sel(tap_pd_shot_noise=0.02, loss_db_std=0, modes=16)
    receiver = PAI2023_TABLES_REAL_LIGHT.receiver
    power = energy.power_from_noise(
        0.02,
        16,
        bandwidth=0.5e9,
        responsivity=receiver.responsivity.si,
        tap_fraction=receiver.tap_fraction.si,
        thermal_current=10e-12,
    )
    assert float(noisy["light_per_mode"].sel(device=PAI2023_TABLES_REAL_LIGHT.name)) == pytest.approx(float(power) / 16)
    # The rest of the energy is what the device takes without light; light is lit six times per gradient, twice forward.
    dark = energy.gradient(PAI2023_TABLES.changed("link.power", 0.0), energy.MeshSize.triangular(16), 50)
    dark = dark + energy.mvm(PAI2023_TABLES.changed("link.power", 0.0), energy.MeshSize.triangular(16), 50)
    lit = 8 * 50 * 16 * float(power) / 16 * 10**0.3 / 0.15 * 1e-9
    step = float(noisy["energy_step_noise"].sel(device=PAI2023_TABLES_REAL_LIGHT.name))
    assert step == pytest.approx(2 * (float(dark) + lit), rel=1e-9)


def test_loss_of_the_chips_takes_more_light_where_receivers_have_thermal_noise(results):
    light = costs(results, DEVICES).sel(tap_pd_shot_noise=0.02)["light_per_mode"]
    more = light.sel(loss_db_std=0.02) / light.sel(loss_db_std=0)
    assert (more.sel(device=PAI2023_TABLES_REAL_LIGHT.name) > 1.01).all()
    np.testing.assert_allclose(more.sel(device=PAI2023_TABLES.name), 1)


def test_a_device_without_light_has_no_energy_of_it(results):
    found = costs(results, {"figure": PAI2023_FIGURE})
    assert np.isnan(found["energy_step_noise"]).all()
    assert np.isnan(found["light_per_mode"]).all()
    assert (found["energy_step"] > 0).all()


def test_a_sweep_without_any_option_that_matters():
    found = costs(empty_results(Sweep(lists={"lr": (0.1, 0.2)})), {"figure": PAI2023_FIGURE})
    assert found["area"].dims == ("device",)


def test_results_keep_the_devices_they_were_counted_with(results):
    counted = with_costs(results, {"mine": PAI2023_TABLES})
    assert energy.from_toml(json.loads(counted.attrs["devices"])["mine"]) == PAI2023_TABLES
    assert with_costs(counted, DEVICES) is counted
    assert base_config(counted) == dataclasses.replace(SWEEP.configs[0])


def test_the_front_is_what_nobody_beats():
    rng = np.random.default_rng(0)
    cost, error = rng.integers(0, 12, size=(2, 60)).astype(float)
    cost[:3], error[3:5] = np.inf, np.nan
    chosen = front(cost, error)
    for i in np.flatnonzero(np.isfinite(cost) & np.isfinite(error)):
        no_worse = (cost <= cost[i]) & (error <= error[i])
        better = no_worse & ((cost < cost[i]) | (error < error[i]))
        twin = any(cost[i] == cost[j] and error[i] == error[j] for j in chosen)
        assert twin == (not better.any())
    assert (np.diff(cost[chosen]) > 0).all()
    assert (np.diff(error[chosen]) < 0).all()


def test_no_point_no_front():
    assert front(np.array([np.inf, np.nan]), np.array([0.1, 0.1])).tolist() == []
