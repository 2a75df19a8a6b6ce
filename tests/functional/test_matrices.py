"""Matrices of many meshes at once: each is that of its own mesh, and so are the gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from retrolux import mesh
from retrolux.functional import matrices, propagate
from retrolux.mesh.settings import Settings


def drawn(topology, stack, dtype=torch.float64, imperfect=False, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mzis, modes = topology.mzis, topology.modes

    def draw(*shape):
        return torch.randn(*stack, *shape, generator=generator, dtype=dtype)

    settings = [3 * draw(mzis), 3 * draw(mzis), draw(modes), None, None]
    if imperfect:
        settings[3:] = [0.1 * draw(mzis, 2), 0.3 * draw(mzis, 4).abs()]
    return settings


def one_by_one(topology, settings):
    """Return what light in every mode becomes, mesh after mesh."""
    stack = settings[0].shape[:-1]
    flat = [None if s is None else s.reshape(-1, *s.shape[len(stack) :]) for s in settings]
    identity = torch.eye(topology.modes, dtype=settings[0].dtype.to_complex())
    each = [
        propagate(identity, *(s[i] for s in flat[:3]), topology, *(s if s is None else s[i] for s in flat[3:]), "mesh")
        for i in range(len(flat[0]))
    ]
    return torch.stack(each).reshape(*stack, *identity.shape).mT


@pytest.mark.parametrize("imperfect", [False, True])
@pytest.mark.parametrize("stack", [(), (1,), (5,), (2, 3)])
@pytest.mark.parametrize("topology", [mesh.rectangular(6), mesh.triangular(5), mesh.butterfly(8)], ids=str)
def test_values_and_gradients_are_those_of_each_mesh(topology, stack, imperfect):
    settings = drawn(topology, stack, imperfect=imperfect)
    leaves = [s.requires_grad_() for s in settings if s is not None]
    stacked, expected = matrices(*settings[:3], topology, *settings[3:]), one_by_one(topology, settings)
    torch.testing.assert_close(stacked, expected, rtol=0, atol=1e-13)
    weight = torch.randn_like(expected)
    for got, wanted in zip(
        torch.autograd.grad((stacked * weight).real.sum(), leaves),
        torch.autograd.grad((expected * weight).real.sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-11)


@pytest.mark.slow
def test_gradcheck():
    topology = mesh.rectangular(4)
    settings = [s.requires_grad_() for s in drawn(topology, (2,), imperfect=True)]
    assert gradcheck(lambda *s: matrices(*s[:3], topology, *s[3:]), settings)


def test_same_bits_for_any_number_of_threads():
    topology = mesh.triangular(32)
    settings = [s.requires_grad_() for s in drawn(topology, (5,), torch.float32)[:3]]
    results, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):  # fewer and more than meshes
            torch.set_num_threads(threads)
            u = matrices(*settings, topology)
            results.append([u, *torch.autograd.grad((u.abs() ** 4).sum(), settings)])
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_no_mesh_has_no_matrix():
    assert matrices(*drawn(mesh.rectangular(4), (0,))[:3], mesh.rectangular(4)).shape == (0, 4, 4)


@pytest.mark.slow
def test_operators_are_well_behaved():
    topology = mesh.rectangular(4)
    settings = drawn(topology, (3,), imperfect=True)
    mesh_of = (topology.code, *Settings(*settings))
    torch.library.opcheck(torch.ops.retrolux.matrices.default, mesh_of)
    u = matrices(*settings[:3], topology, *settings[3:]).mT.contiguous()
    for errors in (False, True):
        arguments = (*mesh_of, u, torch.randn_like(u), errors)
        torch.library.opcheck(torch.ops.retrolux.matrices_adjoint.default, arguments)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own
def test_compiles_into_one_graph():
    topology = mesh.rectangular(4)
    theta, phi, gamma, *_ = (s for s in drawn(topology, (3,), torch.float32))
    theta.requires_grad_()

    def loss(theta):
        return matrices(theta, phi, gamma, topology)[..., 0, 1].abs().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(theta), loss(theta))
    torch.testing.assert_close(*(torch.autograd.grad(f(theta), theta)[0] for f in (compiled, loss)))


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"theta": torch.ones(3, 6, dtype=torch.float16)}, TypeError, "theta must be float32 or float64"),
        ({"phi": torch.ones(2, 6)}, ValueError, r"phi must have shape \(3, 6\), got \(2, 6\)"),
        ({"gamma": torch.ones(4)}, ValueError, r"gamma must have shape \(3, 4\), got \(4,\)"),
        ({"phi": torch.ones(3, 6, dtype=torch.float64)}, TypeError, "phi must be torch.float32"),
        ({"theta": torch.full((3, 6), np.nan)}, ValueError, r"theta must be finite, got nan at \[0, 0\]"),
        (
            {"loss_db": torch.zeros(3, 6, 4).index_fill_(2, torch.tensor(1), -1.0)},
            ValueError,
            r"loss_db must be finite and at least 0 dB, got -1.0+ at \[0, 0, 1\]",
        ),
    ],
)
def test_bad_input_is_named(change, error, sentence):
    settings = {"theta": torch.ones(3, 6), "phi": torch.ones(3, 6), "gamma": torch.ones(3, 4), **change}
    with pytest.raises(error, match=sentence):
        matrices(**settings, topology=mesh.rectangular(4))
