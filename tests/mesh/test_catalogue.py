"""What every topology of the catalogue must be, whatever it is for."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh import TOPOLOGIES, reference
from retrolux.mesh.adjoint import adjoint
from retrolux.mesh.settings import Settings

SIZES = range(2, 35)


@pytest.fixture(params=TOPOLOGIES)
def name(request):
    return request.param


@pytest.fixture
def topology(name):
    return TOPOLOGIES[name].at_least(6)


def test_it_exists_for_the_sizes_it_says(name):
    named = TOPOLOGIES[name]
    assert any(named.exists(modes) for modes in SIZES)
    for modes in SIZES:
        if named.exists(modes):
            built = named.build(modes)
            assert (built.name, built.modes) == (name, modes)
        else:
            with pytest.raises(ValueError, match=f" {name}, (at least 2, )?got {modes}$"):
                named.build(modes)


def test_sizes_below_two_and_fractions_are_refused(name):
    with pytest.raises(ValueError, match=r"at least 2, got 1$"):
        TOPOLOGIES[name].build(1)
    with pytest.raises(TypeError, match="integer"):
        TOPOLOGIES[name].build(4.0)


def test_the_smallest_that_is_large_enough(name):
    named = TOPOLOGIES[name]
    for modes in SIZES:
        found = named.at_least(modes).modes
        assert named.exists(found)
        assert not any(map(named.exists, range(modes, found)))


def test_columns_hold_disjoint_pairs(name):
    for modes in filter(TOPOLOGIES[name].exists, SIZES):
        topology = TOPOLOGIES[name].build(modes)
        for column in topology.columns:
            assert len(np.unique(column)) == column.size
            assert column.size == 0 or (column.min() >= 0 and column.max() < modes)


def test_it_is_unitary_as_the_oracle_has_it(topology, rng, tolerance):
    phases = mesh.haar_phases(topology, rng)
    found = mesh.matrix(topology, *phases)
    allowed = tolerance(np.float64, topology.depth)
    np.testing.assert_allclose(found @ found.conj().T, np.eye(topology.modes), rtol=0, atol=allowed)
    oracle = reference.propagate(topology, np.eye(topology.modes), *phases).T
    np.testing.assert_allclose(found, oracle, rtol=0, atol=allowed)


def test_its_adjoint_is_that_of_the_oracle(topology, rng):
    phases = mesh.haar_phases(topology, rng)
    x, grad_y = rng.normal(size=(2, 3, 2 * topology.modes)).view(np.complex128)
    found = adjoint(topology, Settings(*phases), x, grad_y)
    expected = reference.gradients(topology, x, *phases, grad_y=grad_y)
    for which in ("x", "theta", "phi", "gamma"):
        np.testing.assert_allclose(getattr(found, which), getattr(expected, which), rtol=0, atol=1e-12)


def test_decompose_knows_the_universal_ones(name, topology, rng):
    unitary = mesh.haar_unitary(topology.modes, rng)
    if TOPOLOGIES[name].universal:
        phases = mesh.decompose(unitary, topology)
        np.testing.assert_allclose(mesh.matrix(topology, *phases), unitary, rtol=0, atol=1e-12)
    else:
        with pytest.raises(ValueError, match=r"^topology must equal "):
            mesh.decompose(unitary, topology)
