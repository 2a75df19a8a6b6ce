"""Noise and power: against counted photoelectrons, and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.energy import (
    detector_noise_from_power,
    noise_from_power,
    power_from_detector_noise,
    power_from_noise,
)

CHARGE = 1.602176634e-19
TAP = {"bandwidth": 0.5e9, "responsivity": 0.9, "tap_fraction": 0.03}
DRAWS = 200_000
# Four standard errors of a variance from so many draws: wrong by chance once in 16 000.
TOLERANCE = 4 * np.sqrt(2 / DRAWS)


def electrons(power, seconds=1e-9):
    """Return the mean number of photoelectrons of a tap that sees all light during one sample."""
    return TAP["responsivity"] * TAP["tap_fraction"] * power * seconds / CHARGE


@pytest.mark.parametrize("p", [0.02, 0.3, 1.0])
def test_shot_noise_is_that_of_poisson_counts(p, rng):
    power = 50e-6
    readings = rng.poisson(p * electrons(power), DRAWS) / electrons(power)
    s = noise_from_power(power, 1, **TAP)
    # A Poisson number of mean λ has a kurtosis of 3 + 1/λ.
    tolerance = TOLERANCE * np.sqrt(1 + 1 / (2 * p * electrons(power)))
    assert np.var(readings) == pytest.approx(s**2 * p, rel=tolerance)
    assert np.mean(readings) == pytest.approx(p, abs=4 * s * np.sqrt(p / DRAWS))


def test_with_thermal_noise_the_sum_over_the_taps_of_a_column_is_right(rng):
    power, current = 50e-6, 3e-12
    p = np.array([0.6, 0.25, 0.1, 0.05, 0.0])
    per_watt = TAP["responsivity"] * TAP["tap_fraction"]
    thermal = current * np.sqrt(TAP["bandwidth"]) / (per_watt * power)
    counts = rng.poisson(p * electrons(power), (DRAWS, len(p))) / electrons(power)
    readings = counts + thermal * rng.standard_normal(counts.shape)
    s = noise_from_power(power, len(p), **TAP, thermal_current=current)
    assert s**2 > 1.5 * noise_from_power(power, len(p), **TAP) ** 2
    assert np.var(readings.sum(axis=1)) == pytest.approx(s**2, rel=TOLERANCE)
    # Tap by tap it is not: the dark one has thermal noise, of which s √p knows nothing.
    assert np.var(readings[:, -1]) > 0.9 * thermal**2 > s**2 * p[-1]


def test_output_noise_is_that_of_two_beats_with_a_local_oscillator(rng):
    # Each quadrature takes half the signal and half the local oscillator to a pair of detectors.
    power, oscillator, z = 20e-9, 1e-3, 0.4 - 0.3j
    per_joule = 0.9 * 1e-9 / CHARGE  # photoelectrons of 1 W in one sample
    scale = per_joule * np.sqrt(power * oscillator)
    for part in (z.real, z.imag):
        mean = per_joule * (abs(z) ** 2 * power / 2 + oscillator / 2) / 2
        beat = scale * part / 2
        readings = (rng.poisson(mean + beat, DRAWS) - rng.poisson(mean - beat, DRAWS)) / scale
        sigma = detector_noise_from_power(power, 0.5e9, 0.9)
        assert np.mean(readings) == pytest.approx(part, abs=4 * sigma / np.sqrt(DRAWS))
        assert np.var(readings) == pytest.approx(sigma**2, rel=TOLERANCE)


@given(
    st.floats(1e-6, 10),
    st.integers(2, 1024),
    st.floats(1e3, 1e11),
    st.floats(0.01, 1),
    st.sampled_from([0, 1e-12, 1e-9]),
)
def test_there_and_back(noise, modes, bandwidth, fraction, current):
    receiver = {"bandwidth": bandwidth, "responsivity": 1.1, "tap_fraction": fraction, "thermal_current": current}
    power = power_from_noise(noise, modes, **receiver)
    assert noise_from_power(power, modes, **receiver) == pytest.approx(noise, rel=1e-12)
    power = power_from_detector_noise(noise, bandwidth, 1.1)
    assert detector_noise_from_power(power, bandwidth, 1.1) == pytest.approx(noise, rel=1e-12)


def test_arrays_broadcast():
    assert power_from_noise([[0.01], [0.02]], [4, 16, 64], **TAP).shape == (2, 3)
    np.testing.assert_allclose(power_from_noise([0.01, 0.02], 4, **TAP)[0] / power_from_noise(0.02, 4, **TAP), 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tap_fraction": 1.5}, r"^tap_fraction must be above 0 and at most 1, got 1\.5$"),
        ({"responsivity": 0}, r"^responsivity must be finite and above 0, got 0\.0$"),
        ({"bandwidth": np.inf}, r"^bandwidth must be finite and above 0, got inf$"),
        ({"thermal_current": -1}, r"^thermal_current must be finite and at least 0, got -1$"),
    ],
)
def test_bad_receivers_are_refused(change, message):
    for function in (noise_from_power, power_from_noise):
        with pytest.raises(ValueError, match=message):
            function(0.01, 4, **(TAP | change))


def test_bad_noise_and_power_are_refused():
    with pytest.raises(ValueError, match=r"^noise must be finite and above 0, got 0\.0$"):
        power_from_noise([0.1, 0.0], 4, **TAP)
    with pytest.raises(ValueError, match=r"^power must be finite and above 0, got -1\.0$"):
        detector_noise_from_power(-1, 1e9, 1)
