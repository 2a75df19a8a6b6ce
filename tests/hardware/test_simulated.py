"""The simulated chip against the oracle: one imperfection at a time, and the time that passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrolux import mesh
from retrolux.hardware import Imperfections, SimulatedChip, fabricate
from retrolux.mesh import reference
from retrolux.option import options_of

TOPOLOGY = mesh.triangular(5)


@pytest.fixture
def phases(rng):
    return mesh.haar_phases(TOPOLOGY, rng)


def chip_with(phases, seed=3, **imperfections):
    chip = SimulatedChip(TOPOLOGY, Imperfections(**imperfections), seed, np.complex128)
    chip.write(*phases)
    return chip


def matrix_of(chip):
    return chip.forward(np.eye(chip.topology.modes, dtype=complex)).output.T


def test_what_fabrication_does(phases):
    chip = chip_with(phases, coupler_std=0.1, loss_db=0.2, loss_db_std=0.1, column_loss_db=0.1, phase_offset_std=0.2)
    made = chip.fabrication
    light = np.eye(5, dtype=complex)
    expected = reference.propagate(
        TOPOLOGY,
        light,
        phases[0] + made.theta_offset,
        phases[1] + made.phi_offset,
        phases[2] + made.gamma_offset,
        coupler_error=made.coupler_error,
        loss_db=made.loss_db,
    ) * 10 ** (-made.output_loss_db / 20)
    np.testing.assert_allclose(chip.forward(light).output, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(chip.backward(light).output, expected.T, rtol=0, atol=1e-13)
    np.testing.assert_allclose(chip.forward(light, taps="each").output, expected, rtol=0, atol=1e-13)


def test_exact_gradients_see_everything_but_noise(phases, rng):
    """Finite differences of written phases, through crosstalk, offsets, dispersion, errors and loss."""
    imperfections = {"coupler_std": 0.1, "column_loss_db": 0.2, "phase_offset_std": 0.2, "crosstalk": 0.1}
    chip = chip_with(phases, **imperfections, phase_dispersion=1e-3, coupler_dispersion=1e-3, detuning_nm=10)
    x, grad_y = rng.normal(size=(2, 3, 5)) + 1j * rng.normal(size=(2, 3, 5))
    exact = chip.exact_gradients(x, grad_y)
    step = 1e-6
    for which, name in enumerate(("theta", "phi", "gamma")):
        losses = []
        for sign in (1, -1):
            moved = [phase.copy() for phase in phases]
            moved[which][2] += sign * step
            chip.write(*moved)
            losses.append(np.vdot(grad_y, chip.forward(x).output).real)
        assert getattr(exact, name)[2] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-7), name
    chip.write(*phases)
    np.testing.assert_allclose(exact.x, grad_y @ matrix_of(chip).conj(), rtol=0, atol=1e-12)


def test_exact_gradients_see_weak_light_beside_strong():
    """In single precision: losses of 104 dB in modes 2 and 3, light of amplitude 100 in modes 0 and 1."""
    topology = mesh.from_columns(4, [[(0, 1), (2, 3)], [(2, 3)], [(2, 3)]])
    rng = np.random.default_rng(5)
    theta, phi, gamma = rng.uniform(0.5, 2.5, 4), rng.uniform(-3, 3, 4), np.zeros(4)
    ideal = fabricate(topology, Imperfections(), 0)
    loss_db = np.zeros((4, 4))
    loss_db[1:, 0], loss_db[1:, 2] = 4, 48
    chip = SimulatedChip(topology, dtype=np.complex64, fabrication=replace(ideal, loss_db=loss_db))
    chip.write(theta, phi, gamma)
    x = np.array([[100, 100, 0, 0], [0, 0, 1, 0.5]], np.complex64)
    grad_y = (rng.normal(size=(2, 4, 2)) @ (1, 1j)) * [[1], [1e4]]
    exact = chip.exact_gradients(x, grad_y)
    expected = reference.gradients(topology, x, theta, phi, gamma, grad_y=grad_y, loss_db=loss_db)
    np.testing.assert_allclose(exact.theta, expected.theta, rtol=1e-3)
    np.testing.assert_allclose(exact.phi, expected.phi, rtol=1e-3)


@pytest.mark.parametrize(
    ("imperfection", "size"), [("io_amplitude_std", 0.1), ("io_phase_std", 0.05), ("detector_noise", 0.1)]
)
def test_noise_at_the_ports(phases, imperfection, size):
    """Mean and variance over 4000 shots at 5 standard errors, of an output that is light straight through."""
    identity = [np.full(TOPOLOGY.mzis, np.pi), np.zeros(TOPOLOGY.mzis), np.zeros(5)]
    chip = chip_with(identity, **{imperfection: size})
    light = np.full((4000, 5), 0.5 + 0j)
    y = chip.forward(light).output / chip_with(identity).forward(light).output
    amplitude, phase = np.abs(y), np.angle(y)
    count = y.size
    # Two independent errors, at the input and at the output; the detector adds to each quadrature of 0.5 once.
    if imperfection == "io_amplitude_std":
        assert amplitude.mean() == pytest.approx(1, abs=5 * np.sqrt(2) * size / np.sqrt(count))
        variance = (1 + size**2) ** 2 - 1
        assert amplitude.var() == pytest.approx(variance, rel=5 * np.sqrt(2.5 / count))
        assert np.abs(phase).max() < 1e-12
    elif imperfection == "io_phase_std":
        assert np.abs(amplitude - 1).max() < 1e-12
        assert phase.var() == pytest.approx(2 * (np.pi * size) ** 2, rel=5 * np.sqrt(2 / count))
    else:
        for part in (y.real, y.imag):
            assert part.var() == pytest.approx((size / 0.5) ** 2, rel=5 * np.sqrt(2 / count))


def test_tap_noise_has_the_stated_mean_and_variance(phases, rng):
    """p + s √p n, over 20 000 samples at 5 standard errors; taps in the dark stay dark."""
    x = np.tile(rng.normal(size=5) + 1j * rng.normal(size=5), (20_000, 1))
    expected = chip_with(phases).forward(x[:1], taps="each").taps[0]
    readings = chip_with(phases, tap_noise=0.1).forward(x, taps="each").taps
    deviation = (readings.mean(axis=0) - expected) / (0.1 * np.sqrt(expected / 20_000))
    assert np.abs(deviation).max() < 5
    np.testing.assert_allclose(readings.var(axis=0), 0.01 * expected, rtol=5 * np.sqrt(2 / 20_000))


def test_aggregated_tap_noise_has_the_law_of_the_sum(phases, rng):
    """Σ w p over a batch, drawn once: 3000 shots, mean and variance at 5 standard errors."""
    x = rng.normal(size=(6, 5)) + 1j * rng.normal(size=(6, 5))
    weights = rng.uniform(0, 2, 6)
    powers = chip_with(phases).forward(x, taps="each").taps
    chip = chip_with(phases, tap_noise=0.1)
    sums = np.array([chip.forward(x, taps="sum", weights=weights).taps for _ in range(3000)])
    mean = np.einsum("b,bkt->kt", weights, powers)
    variance = 0.01 * np.einsum("b,bkt->kt", weights**2, powers)
    assert np.abs((sums.mean(axis=0) - mean) / np.sqrt(variance / 3000)).max() < 5
    np.testing.assert_allclose(sums.var(axis=0), variance, rtol=5 * np.sqrt(2 / 3000))


def test_the_converter_rounds_to_its_levels(phases, rng):
    x = (rng.normal(size=(4, 5)) + 1j * rng.normal(size=(4, 5))) / 4
    exact = chip_with(phases).forward(x, taps="each")
    coarse = chip_with(phases, adc_bits=6).forward(x, taps="each")
    for a, b in ((coarse.output.real, exact.output.real), (coarse.taps, exact.taps)):
        np.testing.assert_array_equal(a * 32, np.rint(a * 32))
        assert np.abs(a - b).max() <= 1 / 64 + 1e-12
    summed = chip_with(phases, adc_bits=6).forward(x, taps="sum", weights=np.full(4, 2.0)).taps
    np.testing.assert_allclose(summed, 2 * coarse.taps.sum(axis=0), rtol=0, atol=1e-12)


def test_phases_drift_with_time_and_a_write_ends_it(phases):
    chip = chip_with(phases, drift_std_per_s=0.01)
    at_once = matrix_of(chip)
    changes = []
    for _ in range(3):
        chip.wait(100.0)
        changes.append(np.linalg.norm(matrix_of(chip) - at_once))
    assert changes[0] > 0
    assert np.linalg.norm(chip.drift) == pytest.approx(0.01 * np.sqrt(300 * len(chip.drift)), rel=0.5)
    chip.write(*phases)
    np.testing.assert_allclose(matrix_of(chip), at_once, rtol=0, atol=1e-5)
    still = chip_with(phases)
    still.wait(1e9)
    np.testing.assert_array_equal(matrix_of(still), matrix_of(chip_with(phases)))


def test_the_clock_counts_samples(phases):
    chip = SimulatedChip(TOPOLOGY, seed=0, sample_s=2e-9)
    chip.write(*phases)
    chip.forward(np.zeros((10, 5)))
    chip.backward(np.zeros((5, 5)))
    assert chip.clock == pytest.approx(30e-9)


def test_a_saved_chip_goes_on(phases):
    imperfections = {"drift_std_per_s": 1.0, "tap_noise": 0.1, "io_phase_std": 0.1, "phase_std": 0.1}
    x = np.ones((3, 5), complex)

    def live(chip, shots):
        readings = []
        for _ in range(shots):
            chip.wait(0.5)
            chip.write(*phases)
            readings += chip.forward(x, taps="sum")
        return readings

    expected = live(chip_with(phases, **imperfections), 4)
    first = chip_with(phases, **imperfections)
    readings = live(first, 2)
    second = chip_with(phases, **imperfections)
    second.load_state(first.state())
    for a, b in zip(readings + live(second, 2), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_precision_is_the_same_chip(phases, everything):
    imperfections = {  # all but what is rounded and what is drawn with every shot
        name: getattr(everything, name)
        for name, about in options_of(Imperfections).items()
        if about.lifetime != "shot" and not about.or_none
    }
    chip, twin = (chip_with(phases, **imperfections | {"drift_std_per_s": 10.0}) for _ in range(2))
    for each in (chip, twin):
        each.wait(0.01)  # phases drift in the next pass, by the same draw
    twin.set_dtype(np.complex64)
    before, after = matrix_of(chip), matrix_of(twin)
    assert (after.dtype, twin.dtype) == (np.complex64, np.complex64)
    np.testing.assert_allclose(after, before, rtol=0, atol=2e-6)
    for name, value in chip.state().items():
        np.testing.assert_array_equal(twin.state()[name], value)
    twin.set_dtype(np.complex128)
    np.testing.assert_array_equal(matrix_of(twin), matrix_of(chip))  # nothing was lost on the way
    with pytest.raises(TypeError, match="dtype must be complex64 or complex128, got float32"):
        twin.set_dtype(np.float32)


def test_the_state_of_another_chip_is_refused(phases):
    chip = chip_with(phases)
    for name in ("drift", "programmed"):
        with pytest.raises(ValueError, match=rf"{name} must have shape \(25,\), got \(7,\)"):
            chip.load_state(chip.state() | {name: np.zeros(7)})


def test_refusals(phases):
    with pytest.raises(RuntimeError, match="write phases before sending light through the chip"):
        SimulatedChip(TOPOLOGY).forward(np.ones((1, 5)))
    with pytest.raises(TypeError, match="dtype must be complex64 or complex128, got float32"):
        SimulatedChip(TOPOLOGY, dtype=np.float32)
    with pytest.raises(ValueError, match="seconds must be at least 0 and finite, got -1"):
        SimulatedChip(TOPOLOGY).wait(-1)
    with pytest.raises(ValueError, match="fabrication must be of 3 MZIs, got 10"):
        SimulatedChip(mesh.rectangular(3), fabrication=SimulatedChip(TOPOLOGY).fabrication)
