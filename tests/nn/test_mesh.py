"""The Mesh layer: what it starts from, what it computes, and what torch's users do to layers."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.functional import propagate
from retrolux.nn import Intensity, Mesh, Modulus


@pytest.fixture
def x():
    return torch.randn(7, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


def test_it_does_what_propagate_does(x):
    rng = np.random.default_rng(0)
    topology = mesh.rectangular(4)
    errors, losses = rng.normal(0, 0.1, (6, 2)), rng.uniform(0, 0.2, (6, 4))
    layer = Mesh(topology, seed=1, coupler_error=errors, loss_db=losses)
    y = propagate(
        x,
        layer.theta,
        layer.phi,
        layer.gamma,
        topology,
        torch.tensor(errors, dtype=torch.float32),
        torch.tensor(losses, dtype=torch.float32),
    )
    assert torch.equal(layer(x), y)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_matrix_is_what_light_sees(x, dtype):
    layer = Mesh(mesh.triangular(4), dtype=dtype, seed=1)
    x = x.to(dtype)
    torch.testing.assert_close(layer(x), x @ layer.matrix().mT)
    by_numpy = mesh.matrix(layer.topology, *(p.detach().numpy() for p in layer.parameters()))
    torch.testing.assert_close(layer.matrix().detach(), torch.from_numpy(by_numpy))


def test_gradients_flow_through_the_matrix():
    layer = Mesh(mesh.rectangular(3), dtype=torch.complex128, seed=1)
    target = torch.tensor(mesh.haar_unitary(3, np.random.default_rng(0)))

    def distance(*phases):
        return (
            (
                torch.func.functional_call(
                    layer,
                    dict(zip(("theta", "phi", "gamma"), phases, strict=True)),
                    torch.eye(3, dtype=torch.complex128),
                )
                - target.mT
            )
            .abs()
            .square()
            .sum()
        )

    assert torch.autograd.gradcheck(distance, [p.detach().clone().requires_grad_() for p in layer.parameters()])


@pytest.mark.parametrize("topology", [mesh.rectangular(6), mesh.triangular(6)])
@pytest.mark.parametrize(("dtype", "error"), [(torch.complex64, 5e-6), (torch.complex128, 1e-12)])
def test_load_matrix(topology, dtype, error):
    layer = Mesh(topology, dtype=dtype, seed=0)
    for unitary in (mesh.haar_unitary(6, np.random.default_rng(0)), np.eye(6)[[3, 1, 0, 2, 5, 4]]):
        layer.load_matrix(unitary)
        assert np.abs(layer.matrix().detach().numpy() - unitary).max() < error
    layer.load_matrix(Mesh(topology, dtype=dtype, seed=5).matrix())  # a tensor that wants gradients will do


def test_load_matrix_takes_numbers_of_few_digits():
    rounded = np.round(mesh.haar_unitary(4, np.random.default_rng(0)), 8)
    coupler = np.array([[0.70710678, 0.70710678], [0.70710678, -0.70710678]])
    for unitary, n in ((rounded, 4), (coupler, 2), (torch.from_numpy(coupler), 2)):
        layer = Mesh(mesh.rectangular(n), torch.complex128, seed=0)
        before = layer.theta.detach().clone()
        with pytest.raises(ValueError, match=r"unitary must satisfy \|U U† − 1\| ≤ 1e-10, got [0-9.]+e-0[89]"):
            layer.load_matrix(unitary)
        assert torch.equal(layer.theta, before)
        layer.load_matrix(unitary, tolerance=1e-7)
        np.testing.assert_allclose(layer.matrix().detach().numpy(), np.asarray(unitary), rtol=0, atol=3e-8)
    with pytest.raises(ValueError, match=r"≤ 1e-12, got"):
        Mesh(mesh.rectangular(4)).load_matrix(rounded.astype(np.complex64), tolerance=1e-12)


def test_load_matrix_needs_an_ideal_mesh():
    with pytest.raises(ValueError, match="load_matrix needs an ideal mesh"):
        Mesh(mesh.rectangular(4), loss_db=np.zeros((6, 4))).load_matrix(np.eye(4))


def test_seeds():
    topology = mesh.rectangular(4)
    same = [Mesh(topology, seed=3).theta for _ in range(2)]
    assert torch.equal(*same)
    assert not torch.equal(same[0], Mesh(topology, seed=4).theta)
    drawn = []
    for _ in range(2):
        torch.manual_seed(11)
        drawn.append(Mesh(topology).theta)
    assert torch.equal(*drawn)
    assert not torch.equal(drawn[0], Mesh(topology).theta)


def test_given_phases_and_frozen_gamma(x):
    topology = mesh.rectangular(4)
    phases = [np.arange(6) / 10, np.arange(6) / 7, np.arange(4) / 3]
    layer = Mesh(topology, phases=tuple(phases), train_gamma=False)
    for parameter, values in zip(layer.parameters(), phases, strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), values, rtol=1e-7)
    layer(x).abs().sum().backward()
    assert layer.gamma.grad is None
    assert layer.theta.grad is not None
    assert torch.equal(Mesh(topology, seed=0, train_gamma=False).gamma, torch.zeros(4))
    assert Mesh(topology, seed=0).gamma.abs().min() > 0


def test_real_light(x):
    layer = Mesh(mesh.rectangular(4), seed=0)
    torch.testing.assert_close(layer(x.abs()), layer(x.abs().to(torch.complex64)))


def test_double_makes_it_double(x):
    layer = Mesh(mesh.rectangular(4), seed=0)
    single = layer(x)
    layer.double()
    assert layer.dtype == torch.complex128
    torch.testing.assert_close(layer(x.to(torch.complex128)), single.to(torch.complex128), rtol=0, atol=1e-5)
    with pytest.raises(TypeError, match=r"x must be torch.complex128 or torch.float64 .*, got torch.complex64"):
        layer(x)


@pytest.mark.parametrize("imperfect", [False, True])
def test_copies_and_saved_states(x, imperfect, tmp_path):
    imperfections = {"coupler_error": np.full((6, 2), 0.1), "loss_db": np.full((6, 4), 0.2)} if imperfect else {}
    layer = Mesh(mesh.rectangular(4), seed=0, train_gamma=False, **imperfections)
    expected = layer(x)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x), expected)
        assert not twin.gamma.requires_grad
    torch.save(layer.state_dict(), tmp_path / "state.pt")
    other = Mesh(mesh.rectangular(4), seed=1, **{name: 0 * value for name, value in imperfections.items()})
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(x), expected)


def test_repr():
    topology = mesh.rectangular(4)
    assert repr(Mesh(topology)) == "Mesh(rectangular: 4 modes, 6 MZIs in 4 columns, torch.complex64, ideal)"
    layer = Mesh(topology, loss_db=np.zeros((6, 4)), coupler_error=np.zeros((6, 2)), train_gamma=False, route="mesh")
    assert "with coupler errors and losses, gamma frozen, route=mesh" in repr(layer)


@pytest.mark.parametrize("topology", [8, "rectangular", None, mesh.rectangular])
def test_a_topology_is_made_first(topology):
    with pytest.raises(TypeError, match=r"topology must be one of retrolux.mesh, as mesh.rectangular\(8\), got "):
        Mesh(topology)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"dtype": torch.float32},
            TypeError,
            "dtype must be torch.complex64 or torch.complex128, got torch.float32",
        ),
        ({"route": "best"}, ValueError, "route must be 'auto', 'mesh' or 'matrix', got 'best'"),
        ({"phases": ([0] * 5, [0] * 6, [0] * 4)}, ValueError, r"theta must have shape \(6,\), got \(5,\)"),
        (
            {"phases": ([0] * 6, [0] * 6, [0] * 4), "seed": 1},
            ValueError,
            "give seed or phases, not both, got seed=1",
        ),
        ({"coupler_error": np.zeros(6)}, ValueError, r"coupler_error must have shape \(6, 2\), got \(6,\)"),
        ({"loss_db": np.zeros((4, 6))}, ValueError, r"loss_db must have shape \(6, 4\), got \(4, 6\)"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Mesh(mesh.rectangular(4), **options)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators")  # torch.compile's own
def test_compiled_network(x):
    """fullgraph: nothing of ours makes torch.compile give up; through the default compiler, C++ and all."""
    network = torch.nn.Sequential(
        Mesh(mesh.rectangular(4), seed=0), Modulus(), Mesh(mesh.triangular(4), seed=1), Intensity([0, 1])
    )
    results = []
    for function in (torch.compile(network, fullgraph=True), network):
        network.zero_grad()
        y = function(x)
        y.sum().backward()
        results.append([y.detach(), *(p.grad.clone() for p in network.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_autocast(x):
    network = torch.nn.Sequential(
        Mesh(mesh.rectangular(4), seed=0), Modulus(), torch.nn.Linear(4, 4), Mesh(mesh.rectangular(4), seed=1)
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = network(x)
    assert y.dtype == torch.complex64
    y.abs().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_training_finds_a_matrix_nearby():
    layer = Mesh(mesh.rectangular(4), dtype=torch.complex128, seed=0)
    target = layer.matrix().detach()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02)
    for _ in range(500):
        optimizer.zero_grad()
        loss = (layer.matrix() - target).abs().square().sum()
        loss.backward()
        optimizer.step()
    assert loss < 1e-5
