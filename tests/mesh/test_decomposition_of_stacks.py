"""Decomposition of stacks: every matrix as the slow decomposition of one, special matrices included."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh import decomposition


def unitaries(n, rng):
    permutation = np.eye(n)[rng.permutation(n)]
    rank_one = np.linalg.svd(np.outer(np.arange(n), np.ones(n)))[0]
    orthogonal = np.linalg.qr(rng.normal(size=(n, n)))[0]
    tiny = np.linalg.qr(np.eye(n) + 1e-200 * rng.normal(size=(n, n)))[0]
    haar = [mesh.haar_unitary(n, rng) for _ in range(3)]
    return np.stack([np.eye(n), np.eye(n)[::-1], permutation, rank_one, orthogonal, tiny, *haar, 1j * haar[0]])


@pytest.mark.parametrize("build", [named.build for named in mesh.TOPOLOGIES.values() if named.universal])
@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_every_mesh_does_its_matrix_with_the_phases_of_the_slow_way(build, n, rng):
    topology, stack = build(n), unitaries(n, rng)
    found = mesh.decompose_many(stack, topology)
    for number, unitary in enumerate(stack):
        phases = [part[number] for part in found]
        np.testing.assert_allclose(mesh.matrix(topology, *phases), unitary, rtol=0, atol=1e-13 * n)
        assert all((phase >= 0).all() and (phase < 2 * np.pi).all() for phase in phases)
    single = mesh.decompose(stack[-2], topology)
    for part, expected in zip(found, single, strict=True):
        np.testing.assert_allclose(np.exp(1j * part[-2]), np.exp(1j * expected), rtol=0, atol=1e-11)


def test_stacks_of_any_shape_and_size(rng, monkeypatch):
    topology = mesh.rectangular(3)
    stack = unitaries(3, rng)
    whole = mesh.decompose_many(stack.reshape(2, 5, 3, 3), topology)
    assert [part.shape for part in whole] == [(2, 5, 3)] * 3
    monkeypatch.setattr(decomposition, "_BYTES", 16 * 9 * 3)  # three at a time
    for part, again in zip(whole, mesh.decompose_many(stack, topology), strict=True):
        np.testing.assert_array_equal(part.reshape(10, -1), again)


@pytest.mark.parametrize("stack", [(0,), (2, 0), (0, 3)])
def test_a_stack_of_none_has_no_phases(stack):
    found = mesh.decompose_many(np.empty((*stack, 3, 3)), mesh.triangular(3))
    assert [part.shape for part in found] == [(*stack, 3)] * 3
    with pytest.raises(ValueError, match="topology must equal rectangular"):
        mesh.decompose_many(np.empty((0, 4, 4)), mesh.butterfly(4))


def test_bad_matrices_are_named(rng):
    with pytest.raises(ValueError, match=r"unitaries must have shape .* = \(…, 3, 3\), got \(2, 4, 4\)"):
        mesh.decompose_many(np.zeros((2, 4, 4)), mesh.rectangular(3))
    with pytest.raises(ValueError, match=r"unitary must satisfy .* got 0.75"):
        mesh.decompose_many(np.stack([np.eye(3), np.eye(3) / 2]), mesh.rectangular(3))
    with pytest.raises(ValueError, match="topology must equal rectangular"):
        mesh.decompose_many(np.eye(4)[None], mesh.butterfly(4))
