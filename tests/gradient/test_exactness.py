"""Without noise and loss every measured gradient is the exact one; each method keeps to its own theory."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import gradient, mesh
from retrolux.gradient import METHODS, Passage, Wanted, method_named
from retrolux.gradient.interference import send
from retrolux.hardware import Imperfections, SimulatedChip
from retrolux.mesh import reference

TOPOLOGIES = {
    **{name: named.at_least(5) for name, named in mesh.TOPOLOGIES.items()},
    "by hand": mesh.from_columns(5, [[(4, 0), (1, 3)], [(2, 4)]]),
}
EXACT = [name for name in METHODS if method_named(name).accuracy == "exact"]


class Experiment:
    """A chip with random phases, random light and a random upstream gradient, both of uneven power."""

    def __init__(self, topology, imperfections=None, seed=0, batch=3, dtype=np.complex128):
        rng = np.random.default_rng(seed)
        self.chip = SimulatedChip(topology, imperfections, seed, dtype)
        real = np.empty(0, dtype).real.dtype
        self.phases = tuple(p.astype(real) for p in mesh.haar_phases(topology, rng))
        light = rng.normal(size=(2, batch, topology.modes)) + 1j * rng.normal(size=(2, batch, topology.modes))
        self.x, self.grad_y = (light * rng.uniform(0.1, 3, (2, batch, 1))).astype(dtype)
        self.chip.write(*self.phases)
        y = send(self.chip.forward, self.x).output
        self.passage = Passage(self.chip, self.x, y, *self.phases)
        self.wanted = Wanted(True, np.ones(topology.mzis, bool), np.ones(topology.mzis, bool), True)

    def measure(self, method, wanted=None):
        return method.gradients(self.passage, self.grad_y, wanted or self.wanted)


def close(found, expected, atol):
    for name in ("x", "theta", "phi", "gamma"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES)
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("power", [None, 1.0, 0.3])
def test_measured_equals_exact(topology, name, power):
    experiment = Experiment(topology, Imperfections(coupler_std=0.1, phase_offset_std=0.3))
    fabrication, phases = experiment.chip.fabrication, experiment.phases
    offsets = fabrication.theta_offset, fabrication.phi_offset, fabrication.gamma_offset
    expected = reference.gradients(
        topology,
        experiment.x,
        *(phase + offset for phase, offset in zip(phases, offsets, strict=True)),
        grad_y=experiment.grad_y,
        coupler_error=fabrication.coupler_error,
    )
    close(experiment.measure(type(METHODS[name]())(power=power)), expected, 1e-10)


@pytest.mark.parametrize("steps", [3, 5, 8])
def test_any_number_of_lock_in_steps(steps):
    experiment = Experiment(mesh.rectangular(5))
    close(experiment.measure(gradient.LockIn(steps)), experiment.measure(gradient.Adjoint()), 1e-10)


def test_finite_differences_err_by_the_square_of_their_step():
    experiment = Experiment(mesh.rectangular(5))
    exact = experiment.measure(gradient.Adjoint())
    errors = [np.abs(experiment.measure(gradient.FiniteDifference(h)).theta - exact.theta).max() for h in (0.02, 0.04)]
    assert errors[1] / errors[0] == pytest.approx(4, rel=0.01)
    # y = A + B e^{iθ}: the central difference is the derivative times sin(h) / h, exactly.
    found = experiment.measure(gradient.FiniteDifference(0.5)).theta
    np.testing.assert_allclose(found, exact.theta * np.sin(0.5) / 0.5, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_spsa_is_unbiased_and_as_good_as_its_directions():
    """The mean of single directions is the gradient, their mean squared cosine is 1 / K: 5 standard errors."""
    experiment = Experiment(mesh.rectangular(4))
    exact = experiment.measure(gradient.Adjoint())
    exact = np.concatenate([exact.theta, exact.phi])
    single = []
    for seed in range(400):
        found = experiment.measure(gradient.Spsa(step=1e-3, seed=seed))
        single.append(np.concatenate([found.theta, found.phi]))
    deviation = np.abs(np.mean(single, axis=0) - exact) / (np.std(single, axis=0) / 20)
    assert deviation.max() < 5
    cosines = np.array([g @ exact / np.linalg.norm(g) / np.linalg.norm(exact) for g in single])
    standard_error = np.std(cosines**2) / 20
    assert np.mean(cosines**2) == pytest.approx(1 / len(exact), abs=5 * standard_error)
    many = experiment.measure(gradient.Spsa(directions=3000, step=1e-3))
    many = np.concatenate([many.theta, many.phi])
    assert many @ exact / np.linalg.norm(many) / np.linalg.norm(exact) > 0.99


def test_physics_aware_is_exact_on_an_ideal_chip_and_not_on_another():
    ideal = Experiment(mesh.rectangular(5))
    close(ideal.measure(gradient.PhysicsAware()), ideal.measure(gradient.Adjoint()), 1e-12)
    imperfect = Experiment(mesh.rectangular(5), Imperfections(coupler_std=0.1))
    difference = imperfect.measure(gradient.PhysicsAware()).theta - imperfect.measure(gradient.Adjoint()).theta
    assert np.abs(difference).max() > 1e-2


@pytest.mark.parametrize("name", METHODS)
def test_shots_and_what_is_not_wanted(name):
    """Frozen phases are not measured: zero gradients, and fewer shots or none."""
    experiment = Experiment(mesh.rectangular(4), batch=2)
    none, some = np.zeros(6, bool), np.arange(6) == 2
    method = METHODS[name]()
    full = experiment.measure(method)
    work = method.work(2 * 6)
    passes = 0 if work is None else work.passes
    assert full.shots == 2 * passes
    partly = experiment.measure(method, Wanted(False, some, none, False))
    assert partly.x is None
    assert not partly.phi.any()
    assert not partly.gamma.any()
    assert np.flatnonzero(partly.theta).tolist() == [2]
    if name in EXACT:
        assert partly.theta[2] == pytest.approx(full.theta[2], abs=1e-10)
    nothing = experiment.measure(method, Wanted(False, none, none, True))
    assert nothing.shots == 0
    only_x = experiment.measure(method, Wanted(True, none, none, False))
    assert only_x.shots == (0 if passes == 0 else 2)
    np.testing.assert_allclose(only_x.x, full.x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "passes"),
    [
        (gradient.ThreeMeasurement(), 3),
        (gradient.SumDifference(), 3),
        (gradient.LockIn(), 5),
        (gradient.LockIn(steps=7), 8),
        (gradient.FiniteDifference(), 25),
        (gradient.ParameterShift(), 25),
        (gradient.Spsa(), 3),
        (gradient.Spsa(directions=4), 9),
        (gradient.PhysicsAware(), 0),
    ],
    ids=repr,
)
def test_passes_by_hand(method, passes):
    assert method.work(12).passes == passes
    of_first = method.work(12, light=False)
    assert of_first.passes == (passes if of_first.taps or of_first.digital else passes - 1)
    experiment = Experiment(mesh.rectangular(4), batch=2)
    assert experiment.measure(method).shots == 2 * passes
    assert experiment.measure(method, experiment.wanted._replace(x=False)).shots == 2 * of_first.passes


def test_dark_samples_are_no_trouble():
    experiment = Experiment(mesh.rectangular(4))
    experiment.x[0] = 0
    experiment.grad_y[1] = 0
    exact = experiment.measure(gradient.Adjoint())
    for name in EXACT:
        found = experiment.measure(METHODS[name]())
        np.testing.assert_allclose(found.theta, exact.theta, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gradient.LockIn(2), "steps must be at least 3, got 2"),
        (lambda: gradient.FiniteDifference(0), "step must be above 0 rad and finite, got 0"),
        (lambda: gradient.Spsa(directions=0), "directions must be at least 1, got 0"),
        (lambda: gradient.Spsa(step=float("nan")), "step must be above 0 rad and finite, got nan"),
        (lambda: gradient.LossCorrection(column_loss_db=-1), "column_loss_db must be at least 0 dB and finite, got -1"),
        (lambda: gradient.method_named("magic"), "gradient must be one of adjoint, three_measurement.* got 'magic'"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
