"""The scaling laws of the study, on Haar-random triangular meshes: error ε = 1 − cosine of measured and exact gradient.

Each law is compared with the mean of many random chips; the count makes the statistical error of the mean (quoted by
`mean_within`) a few times smaller than what the law is allowed to be off.
"""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.gradient import Adjoint, LossCorrection, Passage, SumDifference, ThreeMeasurement, Wanted
from retrolux.gradient.interference import send
from retrolux.hardware import Fabrication, Imperfections, SimulatedChip, fabricate


def unit_light(rng, batch, modes):
    light = rng.normal(size=(batch, modes)) + 1j * rng.normal(size=(batch, modes))
    return light / np.linalg.norm(light, axis=1, keepdims=True)


def gradients(topology, imperfections, methods, seed, fabrication=None):
    """Return theta and phi gradients of each method, one sample of unit power each way."""
    rng = np.random.default_rng(seed)
    chip = SimulatedChip(topology, imperfections, seed, np.complex128, fabrication=fabrication)
    theta, phi, _ = mesh.haar_phases(topology, rng)
    phases = theta, phi, np.zeros(topology.modes)
    x, grad_y = unit_light(rng, 1, topology.modes), unit_light(rng, 1, topology.modes)
    chip.write(*phases)
    passage = Passage(chip, x, send(chip.forward, x).output, *phases)
    wanted = Wanted(False, np.ones(topology.mzis, bool), np.ones(topology.mzis, bool), False)
    found = [method.gradients(passage, grad_y, wanted) for method in methods]
    return [np.concatenate([g.theta, g.phi]) for g in found]


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def mean_within(values, expected, relative):
    """Assert that the mean is within `relative` of the law, and that the sample can tell."""
    standard_error = np.std(values) / np.sqrt(len(values))
    assert standard_error < relative * expected / 2.5, "too few chips to tell"
    assert np.mean(values) == pytest.approx(expected, rel=relative)


@pytest.mark.slow
@pytest.mark.parametrize(("modes", "chips"), [(4, 1500), (16, 300), (64, 40)])
def test_tap_noise(modes, chips):
    """ε = N s² and N s² / 4 where both lights interfere at their natural power of 2; above, 1 − 1/√(1 + 2 N s²).

    The law is that of the ratio of noise to signal, each averaged over chips: at N = 4 the gradients of single chips
    vary so much that the mean of ε itself does not settle.
    """
    s, topology = 0.02, mesh.triangular(modes)
    noise, signal = np.zeros(2), 0.0
    for seed in range(chips):
        methods = [Adjoint(), ThreeMeasurement(power=None), SumDifference(power=None)]
        exact, *measured = gradients(topology, Imperfections(tap_noise=s), methods, seed)
        signal += exact @ exact
        noise += [np.sum((g - exact) ** 2) for g in measured]
    np.testing.assert_allclose(noise / signal / 2, [modes * s**2, modes * s**2 / 4], rtol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("modes", [16, 64])
def test_tap_noise_of_a_laser_with_a_budget(modes):
    """Brought back to power 1 the interfering light is half as bright: 3/2 and 2 times the error."""
    s, topology = 0.02, mesh.triangular(modes)
    errors = []
    for seed in range(3000 // modes):
        methods = [Adjoint(), ThreeMeasurement(), SumDifference()]
        exact, *measured = gradients(topology, Imperfections(tap_noise=s), methods, seed)
        errors.append([1 - cosine(g, exact) for g in measured])
    laws = modes * s**2 * np.array([3 / 2, 1 / 2])
    for values, law in zip(np.transpose(errors), laws, strict=True):
        mean_within(values, 1 - 1 / np.sqrt(1 + 2 * law), 0.15)


@pytest.mark.slow
@pytest.mark.parametrize(("modes", "chips"), [(16, 150), (32, 60), (64, 40)])
def test_random_loss(modes, chips):
    """ε = 1.15 N δ² of sum and difference, for zero-mean loss on the upper arms, δ = ln(10)/20 σ.

    Loss is never gain here: a common loss of every path is added, which is known and corrected for.
    """
    sigma, topology = 0.02, mesh.triangular(modes)
    common = fabricate(topology, Imperfections(column_loss_db=20 * sigma), 0)
    corrected = SumDifference(loss=LossCorrection(arm_loss_db=10 * sigma))
    errors = []
    for seed in range(chips):
        draws = sigma * np.random.default_rng(seed + 10_000).normal(size=(topology.mzis, 4)) * [1, 0, 1, 0]
        # Half of each column's common loss moves from the first arms of an MZI to its second.
        shift = 10 * sigma * np.array([-1, -1, 1, 1])
        arrays = vars(common) | {"loss_db": common.loss_db + shift + draws}
        measured, exact = gradients(topology, Imperfections(), [corrected, Adjoint()], seed, Fabrication(**arrays))
        errors.append(1 - cosine(measured, exact))
    mean_within(errors, 1.15 * modes * (np.log(10) / 20 * sigma) ** 2, 0.15)


@pytest.mark.parametrize(("modes", "chips"), [(8, 400), (32, 60), (64, 30)])
def test_coupler_errors(modes, chips):
    """‖ΔU‖_F / √N = √(2N) σ, in the root mean square over rectangular meshes, where light meets N columns."""
    sigma, topology = 1e-3, mesh.rectangular(modes)
    squares = []
    for seed in range(chips):
        rng = np.random.default_rng(seed)
        phases = mesh.haar_phases(topology, rng)
        errors = sigma * rng.normal(size=(topology.mzis, 2))
        change = mesh.matrix(topology, *phases, errors) - mesh.matrix(topology, *phases)
        squares.append(np.sum(np.abs(change) ** 2) / modes)
    # N − 1 of N modes meet an MZI in a column on average.
    mean_within(squares, 2 * (modes - 1) * sigma**2, 0.05)


@pytest.mark.parametrize(("modes", "chips"), [(8, 400), (32, 80), (64, 50)])
def test_phase_errors(modes, chips):
    """‖ΔU‖_F / √N = √N σ, likewise; the output phases are left alone."""
    sigma, topology = 1e-3, mesh.rectangular(modes)
    squares = []
    for seed in range(chips):
        rng = np.random.default_rng(seed)
        theta, phi, gamma = mesh.haar_phases(topology, rng)
        d_theta, d_phi = sigma * rng.normal(size=(2, topology.mzis))
        change = mesh.matrix(topology, theta + d_theta, phi + d_phi, gamma) - mesh.matrix(topology, theta, phi, gamma)
        squares.append(np.sum(np.abs(change) ** 2) / modes)
    mean_within(squares, (modes - 1) * sigma**2, 0.05)


def lossy_errors(method, chips=200):
    """Return relative errors and cosines at 0.1 dB per column on 8 modes, over many random chips."""
    imperfection = Imperfections(column_loss_db=0.1)
    relative, cosines = [], []
    for seed in range(chips):
        measured, exact = gradients(mesh.rectangular(8), imperfection, [method, Adjoint()], seed)
        relative.append(np.linalg.norm(measured - exact) / np.linalg.norm(exact))
        cosines.append(cosine(measured, exact))
    return np.array(relative), np.array(cosines)


@pytest.mark.slow
def test_loss_breaks_the_protocol():
    """At 0.1 dB per column three measurements err by tens of per cent, sum/difference by about 9 %, mostly scale."""
    relative, cosines = lossy_errors(ThreeMeasurement())
    assert 0.2 < np.median(relative) < 0.6
    assert 0.85 < np.median(cosines) < 0.98
    relative, cosines = lossy_errors(SumDifference())
    assert 0.06 < np.quantile(relative, 0.05) < np.median(relative) < np.quantile(relative, 0.95) < 0.14
    assert (cosines > 0.995).all()


@pytest.mark.parametrize("method", [ThreeMeasurement, SumDifference])
def test_known_loss_can_be_corrected(method):
    relative, _ = lossy_errors(method(loss=LossCorrection(column_loss_db=0.1)), chips=20)
    assert relative.max() < 1e-10
    relative, _ = lossy_errors(method(loss=LossCorrection(column_loss_db=0.05)), chips=20)
    assert relative.max() > 1e-3  # half of the loss is not enough


def test_loss_of_the_arms_can_be_corrected_where_no_mode_is_idle():
    """Two modes: every column has an MZI for both, so the arms' common loss is a loss of every path."""
    topology = mesh.from_columns(2, [[(0, 1)]] * 6)
    for method in (ThreeMeasurement, SumDifference):
        corrected = method(loss=LossCorrection(column_loss_db=0.02, arm_loss_db=0.05))
        imperfection = Imperfections(loss_db=0.05, column_loss_db=0.02)
        measured, exact = gradients(topology, imperfection, [corrected, Adjoint()], 0)
        np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-12)
