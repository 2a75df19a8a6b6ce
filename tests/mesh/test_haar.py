"""Statistics of random unitaries.

Every statistic is the mean over independent draws minus its Haar value, in units of its own standard error.
A correct sampler exceeds LIMIT with probability 6e-7 per statistic, which is 2e-4 for this file as a whole.
"""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.mesh import butterfly, from_columns, haar_phases, haar_unitary, rectangular, triangular
from retrolux.mesh.convention import mzi

DRAWS = 3000
LIMIT = 5.0


def deviations(samples, expected):
    """Return |mean − expected| in standard errors; samples are (draws, …)."""
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return np.abs(samples.mean(axis=0) - expected) / error


def haar_deviations(unitaries):
    """Return all deviations of the second and fourth moments of |U_ij| and of E|tr Uᵏ|² = min(k, N)."""
    n = unitaries.shape[-1]
    power = np.abs(unitaries) ** 2
    statistics = [deviations(power, 1 / n), deviations(power**2, 2 / (n * (n + 1)))]
    product = np.eye(n)
    for k in range(1, n + 2):
        product = product @ unitaries
        trace = np.trace(product, axis1=-2, axis2=-1)
        statistics.append(deviations(np.abs(trace) ** 2, min(k, n)))
    return np.concatenate([np.ravel(each) for each in statistics])


def mesh_unitaries(topology, phases):
    """Return the matrices (draws, modes, modes) of `phases`, a list of (theta, phi, gamma)."""
    theta, phi, gamma = (np.stack(each) for each in zip(*phases, strict=True))
    transfers = mzi(theta, phi)
    unitaries = np.tile(np.eye(topology.modes, dtype=complex), (len(theta), 1, 1))
    for k, pair in enumerate(topology.pairs):
        unitaries[:, pair] = transfers[:, k] @ unitaries[:, pair]
    return np.exp(1j * gamma)[:, :, None] * unitaries


@pytest.mark.parametrize("n", [1, 2, 5])
def test_haar_unitary_is_unitary(n, rng, tolerance):
    unitary = haar_unitary(n, rng)
    assert unitary.dtype == np.complex128
    np.testing.assert_allclose(unitary @ unitary.conj().T, np.eye(n), rtol=0, atol=tolerance(np.float64, n))


@pytest.mark.parametrize("n", [2, 5])
def test_haar_unitary_is_haar(n, rng):
    assert haar_deviations(np.stack([haar_unitary(n, rng) for _ in range(DRAWS)])).max() < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize(
    "topology", [rectangular(2), rectangular(4), rectangular(5), triangular(3), triangular(5)], ids=repr
)
def test_haar_phases_are_haar(topology, rng):
    phases = [haar_phases(topology, rng) for _ in range(DRAWS)]
    assert haar_deviations(mesh_unitaries(topology, phases)).max() < LIMIT


def test_statistics_reject_what_is_not_haar(rng):
    raw = rng.standard_normal((DRAWS, 4, 4)) + 1j * rng.standard_normal((DRAWS, 4, 4))
    assert haar_deviations(np.linalg.qr(raw).Q).max() > 2 * LIMIT

    mesh = rectangular(5)
    flat = [(np.arccos(rng.uniform(-1, 1, mesh.mzis)), *haar_phases(mesh, rng)[1:]) for _ in range(DRAWS)]  # α = 1
    assert haar_deviations(mesh_unitaries(mesh, flat)).max() > 2 * LIMIT


@pytest.mark.parametrize("topology", [butterfly(8), rectangular(8, 5), rectangular(8, 12)], ids=repr)
def test_elsewhere_each_mzi_splits_power_uniformly(topology, rng):
    theta = np.concatenate([haar_phases(topology, rng)[0] for _ in range(200)])
    crossed = np.sort(np.cos(theta / 2) ** 2)
    # Kolmogorov: √m D > 2.6 has probability 2 exp(−2·2.6²) = 3e-6.
    distance = np.abs(crossed - (np.arange(crossed.size) + 0.5) / crossed.size).max()
    assert np.sqrt(crossed.size) * distance < 2.6


def test_phases_have_shape_dtype_and_range(rng):
    topology = rectangular(30)
    theta, phi, gamma = haar_phases(topology, rng)
    assert (theta.shape, phi.shape, gamma.shape) == ((435,), (435,), (30,))
    assert theta.dtype == phi.dtype == gamma.dtype == np.float64
    assert theta.min() > 0
    assert theta.max() <= np.pi
    for phase in (phi, gamma):
        assert phase.min() >= 0
        assert np.pi < phase.max() < 2 * np.pi


def test_the_layout_decides_and_not_the_name():
    def theta(topology):
        return haar_phases(topology, np.random.default_rng(1))[0]

    column = rectangular(6).columns
    np.testing.assert_array_equal(theta(from_columns(6, column, "mine")), theta(rectangular(6)))
    shuffled = from_columns(6, [*column[1:], column[0]], "rectangular")
    np.testing.assert_array_equal(theta(shuffled), theta(from_columns(6, shuffled.columns, "mine")))
    assert not np.array_equal(theta(shuffled), theta(rectangular(6)))


def test_equal_seeds_draw_equal_numbers():
    first, again, other = (haar_unitary(4, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_generator_is_required():
    message = r"^rng must be a numpy\.random\.Generator, got 7$"
    with pytest.raises(TypeError, match=message):
        haar_unitary(4, 7)
    with pytest.raises(TypeError, match=message):
        haar_phases(rectangular(4), 7)


def test_a_size_below_one_is_refused(rng):
    with pytest.raises(ValueError, match=r"^n must be at least 1, got 0$"):
        haar_unitary(0, rng)
