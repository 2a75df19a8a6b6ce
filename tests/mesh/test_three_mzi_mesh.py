"""The 3-MZI mesh: its layout, the states that a single one reaches, and what a whole mesh gains."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.mesh import decompose_on, haar_unitary, matrix, rectangular, three_mzi, three_mzi_couplers
from retrolux.mesh.convention import coupler, mzi
from retrolux.mesh.reference import propagate

STD = 0.1


def fabricated(couplers, rng):
    """Add errors to the couplers that exist."""
    exists = couplers.coupler_error == 0
    return couplers.coupler_error + np.where(exists, rng.normal(0, STD, exists.shape), 0)


def fit(topology, unitary, coupler_error, trainable, rng):
    """Return the least ‖U_mesh − U‖_F / √modes that Levenberg-Marquardt finds from a few random starts."""
    modes, mzis, free = topology.modes, topology.mzis, np.tile(trainable, 2)

    def residuals(values):
        phases = np.zeros(2 * mzis)
        phases[free] = values[:-modes]
        difference = matrix(topology, phases[:mzis], phases[mzis:], values[-modes:], coupler_error) - unitary
        return difference.view(float).ravel()

    def climb(values):
        now, damping = residuals(values), 1e-2
        for _ in range(150):
            # Each phase enters as a + b e^{iφ}, so its derivative is half the difference over half a turn.
            steps = np.pi / 2 * np.eye(len(values))
            jacobian = np.stack([(residuals(values + step) - residuals(values - step)) / 2 for step in steps], axis=1)
            normal, slope = jacobian.T @ jacobian, jacobian.T @ now
            improved = False
            while not improved and damping < 1e6:
                trial = values - np.linalg.solve(normal + damping * np.eye(len(values)), slope)
                improved = np.sum(residuals(trial) ** 2) < np.sum(now**2)
                damping *= 0.2 if improved else 4
            if not improved:
                break
            values, now = trial, residuals(trial)
            if np.linalg.norm(now) < 1e-11:
                break
        return np.linalg.norm(now) / np.sqrt(modes)

    best = np.inf
    for _ in range(3):
        best = min(best, climb(rng.uniform(0, 2 * np.pi, free.sum() + modes)))
        if best < 1e-10:
            break
    return best


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_every_column_stands_twice(n):
    topology, single = three_mzi(n), rectangular(n)
    assert topology.name == "three_mzi"
    assert (topology.modes, topology.mzis, topology.depth) == (n, 2 * single.mzis, 2 * single.depth)
    for column, pairs in enumerate(topology.columns):
        np.testing.assert_array_equal(pairs, single.columns[column // 2])


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_the_first_of_two_columns_has_no_phase_shifters(n):
    topology, (coupler_error, trainable) = three_mzi(n), three_mzi_couplers(n)
    assert coupler_error.shape == (topology.mzis, 2)
    assert trainable.sum() == rectangular(n).mzis
    for column in range(topology.depth):
        entries = slice(topology.starts[column], topology.starts[column + 1])
        assert (trainable[entries] == (column % 2 == 1)).all()
        np.testing.assert_array_equal(coupler_error[entries, 1], 0)
        np.testing.assert_array_equal(coupler_error[entries, 0], 0 if column % 2 else -np.pi / 4)


def test_light_meets_the_lone_coupler_first(rng):
    theta, phi, (first, second, third) = 0.7, 2.1, rng.normal(0, STD, 3)
    wanted = mzi(theta, phi, [first, second]) @ coupler(np.pi / 4 + third)
    errors = three_mzi_couplers(2).coupler_error + np.array([[0, third], [first, second]])
    found = propagate(three_mzi(2), np.eye(2), [0, theta], [0, phi], [0, 0], coupler_error=errors).T
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("errors", [(0.1, 0.1, 0.1), (-0.1, -0.1, -0.1), (0.1, -0.1, 0.1), (0.15, 0.05, -0.1)])
def test_a_single_one_bars_and_crosses_where_an_mzi_cannot(errors):
    first, second, third = errors
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 601), np.linspace(0, 2 * np.pi, 1201))
    plain = mzi(theta, phi, [first, second])
    triple = plain @ coupler(np.pi / 4 + third)
    shortfall = max(abs(np.sin(first + second)), abs(np.sin(first - second)))
    missed = [np.abs(plain[..., 0, 0]).min(), np.abs(plain[..., 0, 1]).min()]
    assert max(missed) == pytest.approx(shortfall, abs=1e-5)
    assert shortfall > 0.09
    # The step of the scan is 5e-3 rad, and an amplitude changes by at most half of it.
    assert np.abs(triple[..., 0, 0]).min() < 4e-3
    assert np.abs(triple[..., 0, 1]).min() < 4e-3


@pytest.mark.slow
def test_what_it_cannot_reach_lies_at_half_power_with_a_quarter_turn():
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 801), np.linspace(0, 2 * np.pi, 1601))
    triple = mzi(theta, phi, [0.1, 0.1]) @ coupler(np.pi / 4 + 0.1)
    # Up to the phases of the outputs a state is the ratio of the light that the upper output draws from the two inputs.
    upper, lower = triple[..., 0, 0], triple[..., 0, 1]

    def distance_to(share, phase):
        overlap = np.sqrt(share) * upper.conj() * np.exp(1j * phase) + np.sqrt(1 - share) * lower.conj()
        return np.sqrt(np.maximum(0, 1 - np.abs(overlap) ** 2)).min()

    states = [(share, turn) for share in (0, 0.2, 0.5, 0.8, 1) for turn in range(4)]
    missed = {(share, turn) for share, turn in states if distance_to(share, turn * np.pi / 2) > 0.05}
    assert len(missed) == 1
    assert missed < {(0.5, 1), (0.5, 3)}


@pytest.mark.parametrize("target", ["identity", "reversal"])
def test_a_mesh_of_them_performs_what_a_rectangular_mesh_cannot(target, rng):
    unitary = {"identity": np.eye(4), "reversal": np.eye(4)[::-1]}[target].astype(complex)
    triple, plain, couplers = three_mzi(4), rectangular(4), three_mzi_couplers(4)
    plain_error = np.full((plain.mzis, 2), STD) * ([1, 1] if target == "reversal" else [1, -1])
    best_plain = fit(plain, unitary, plain_error, np.ones(plain.mzis, dtype=bool), rng)
    best_triple = fit(triple, unitary, fabricated(couplers, rng), couplers.trainable, rng)
    assert best_plain > 0.02
    assert decompose_on(unitary, plain, plain_error).error >= best_plain - 1e-9
    assert best_triple < 1e-10


def test_haar_unitaries_are_performed_in_spite_of_the_errors(rng):
    triple, couplers = three_mzi(4), three_mzi_couplers(4)
    for _ in range(3):
        assert fit(triple, haar_unitary(4, rng), fabricated(couplers, rng), couplers.trainable, rng) < 1e-10


@pytest.mark.parametrize("function", [three_mzi, three_mzi_couplers])
def test_a_single_mode_is_refused(function):
    with pytest.raises(ValueError, match=r"^n must be at least 2, got 1$"):
        function(1)
    with pytest.raises(TypeError):
        function(2.5)
