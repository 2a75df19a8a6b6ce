"""What is special about ideal meshes: their orders, phases pushed to the outputs, and light in one mode at a time."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from retrolux import mesh
from retrolux._kernels import max_threads
from retrolux.mesh import reference
from retrolux.mesh.settings import Settings

# Several bands of modes and several chains a band, in tiles of every width.
LARGE = {"rectangular": mesh.rectangular(70), "triangular": mesh.triangular(40)}
BATCH = 130


@pytest.fixture(scope="module")
def expected():
    """Return the oracle's output and gradients of a drawn case, computed once for all instruction sets."""

    @functools.cache
    def compute(name, real, draw):
        case = draw(LARGE[name], BATCH, real, np.random.default_rng(5), imperfect=False)
        y = reference.propagate(case.topology, case.x, **case.settings)
        return case, y, reference.gradients(case.topology, case.x, **case.settings, grad_y=case.grad_y)

    return compute


@pytest.mark.parametrize("name", LARGE)
def test_large_meshes_equal_the_reference(kernels, real, name, expected, draw, tolerance):
    case, y, gradients = expected(name, real, draw)
    allowed = tolerance(real, case.topology.depth)
    for threads in (1, 2):
        np.testing.assert_allclose(case.forward(kernels, threads), y, rtol=0, atol=allowed)
    np.testing.assert_allclose(case.reverse(kernels), gradients.x, rtol=0, atol=allowed)
    found = case.adjoint(kernels, y.astype(case.x.dtype))
    for what in ("theta", "phi", "gamma", "x"):
        np.testing.assert_allclose(
            found[what], getattr(gradients, what), rtol=0, atol=4 * allowed * BATCH, err_msg=what
        )


@pytest.mark.parametrize("modes", [256, 258])
def test_chains_and_wide_tiles_change_no_bit(kernels, real, modes, draw, rng):
    """Wide tiles take chains of MZIs up to 256 modes; narrow ones, and larger meshes, go column by column."""
    case = draw(mesh.rectangular(modes, columns=40), 70, real, rng, imperfect=False)
    together = case.forward(kernels)
    case.x = case.x[:7].copy()
    np.testing.assert_array_equal(case.forward(kernels), together[:7])


@pytest.mark.parametrize("imperfect", [False, True])
def test_matrices_are_what_the_mesh_makes_of_the_identity(on_either, kernels, real, imperfect, draw, rng, tolerance):
    """Light that enters in one mode leaves most MZIs of the first columns dark, and those are skipped."""
    topology = mesh.rectangular(150)
    case = draw(topology, topology.modes, real, rng, imperfect)
    case.x[:] = np.eye(topology.modes)
    allowed = tolerance(real, topology.depth)
    expected, transposed = case.forward(kernels), np.full_like(case.x, np.nan)
    on_either.matrices(topology.layout, case.record, transposed, max_threads())
    np.testing.assert_allclose(transposed, expected, rtol=0, atol=allowed)

    gradients = case.adjoint(kernels, expected)
    found = Settings(*(np.full_like(gradients[what], np.nan) for what in ("theta", "phi", "gamma")))
    on_either.matrices_adjoint(topology.layout, case.record, expected, case.grad_y, found, 1)
    for what in ("theta", "phi", "gamma"):
        np.testing.assert_allclose(getattr(found, what), gradients[what], rtol=0, atol=64 * allowed, err_msg=what)


def test_faint_light_becomes_dark_and_nothing_else_does(kernels, rng):
    """Next to bar, light hardly gets from mode to mode, and would be far below the smallest normal number after 200."""
    topology, real = mesh.rectangular(200), np.float32
    theta = np.full(topology.mzis, np.pi - 0.1, real)
    phases = Settings(theta, rng.uniform(0, 6, topology.mzis).astype(real), np.zeros(topology.modes, real))
    transposed = np.empty((topology.modes, topology.modes), np.complex64)
    kernels.matrices(topology.layout, phases, transposed, 1)
    sizes = np.abs(transposed.view(real))
    assert 0 < (sizes == 0).mean() < 0.9
    assert sizes[sizes > 0].min() > 1e-30
    x, y = np.eye(topology.modes, dtype=np.complex64), np.empty((topology.modes, topology.modes), np.complex64)
    kernels.forward(topology.layout, phases, x, y, 1)
    sizes = np.abs(y.view(real))
    assert sizes[sizes > 0].min() >= np.finfo(real).tiny
    # Only while light is under way: the thread computes as before with numbers that small.
    assert np.full(64, 1e-40, real).sum() > 0
