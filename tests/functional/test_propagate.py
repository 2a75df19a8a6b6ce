"""`propagate` as a torch function: values, gradients, routes, views, compilation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.functional import choose_route, propagate
from retrolux.mesh import reference

ROUTES = ["mesh", "matrix"]


def leaves(tensors):
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


def run(tensors, topology, route="auto"):
    x, theta, phi, gamma, *imperfections = tensors
    return propagate(x, theta, phi, gamma, topology, *imperfections, route=route)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("imperfect", [False, True])
def test_gradcheck(topology, route, imperfect, draw):
    tensors = leaves(draw(topology, imperfect=imperfect))
    assert torch.autograd.gradcheck(lambda *t: run(t, topology, route), tensors)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (31,), (2, 0, 3), (2, 3, 4)])
def test_any_batch_shape(route, dtype, shape, draw, tolerance):
    topology = mesh.rectangular(5)
    tensors = draw(topology, dtype, shape)
    x, theta, phi, gamma, coupler_error, loss_db = (t.numpy() for t in tensors)
    expected = reference.propagate(topology, x, theta, phi, gamma, coupler_error=coupler_error, loss_db=loss_db)
    y = run(tensors, topology, route)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=4 * tolerance(theta.dtype, topology.depth))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("shape", [(0,), (1,), (200,)])
def test_gradients_equal_the_reference(topology, route, shape, draw):
    tensors = leaves(draw(topology, shape=shape))
    y = run(tensors, topology, route)
    grad_y = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    y.backward(grad_y)
    x, theta, phi, gamma, coupler_error, loss_db = (t.detach().numpy() for t in tensors)
    expected = reference.gradients(
        topology, x, theta, phi, gamma, grad_y=grad_y.numpy(), coupler_error=coupler_error, loss_db=loss_db
    )
    for tensor, wanted, name in zip(tensors, expected, expected._fields, strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), wanted, rtol=0, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("imperfect", [False, True])
def test_routes_agree_to_rounding(topology, dtype, imperfect, draw, tolerance):
    tensors = draw(topology, dtype, (40,), imperfect)
    results = []
    for route in ROUTES:
        inputs = leaves(tensors)
        y = run(inputs, topology, route)
        (y.abs() ** 2 * torch.arange(topology.modes)).sum().backward()
        results.append([y.detach(), *(t.grad for t in inputs)])
    for by_mesh, by_matrix in zip(*results, strict=True):
        scale = max(1.0, float(by_mesh.abs().max()))
        error = float((by_mesh - by_matrix).abs().max())
        assert error <= 4 * scale * tolerance(dtype.to_real().__str__().removeprefix("torch."), topology.depth)


def test_each_gradient_can_be_had_alone(draw):
    topology = mesh.rectangular(4)
    tensors = draw(topology)
    everything = leaves(tensors)
    run(everything, topology, "mesh").abs().sum().backward()
    for i in range(len(tensors)):
        alone = [t.clone().requires_grad_(i == j) for j, t in enumerate(tensors)]
        run(alone, topology, "mesh").abs().sum().backward()
        torch.testing.assert_close(alone[i].grad, everything[i].grad, rtol=0, atol=1e-13)
        assert all(t.grad is None for j, t in enumerate(alone) if j != i)


@pytest.mark.parametrize("route", ROUTES)
def test_views_of_every_kind(route, draw):
    """Strided, conjugate, negated and expanded inputs, and non-contiguous gradients, give what copies give."""
    topology = mesh.rectangular(4)
    x, *settings = draw(topology, shape=(6,))
    wide = torch.stack([x, x.flip(0)], dim=-1)
    views = [
        (wide[..., 0], x),
        (x.mT.contiguous().mT, x),
        (x.conj(), x.conj().resolve_conj()),
        (x.conj().imag.to(x.dtype), -x.imag.to(x.dtype)),
        (x[0].expand(5, 4), x[0].repeat(5, 1)),
        (x[::2], x[::2].clone()),
    ]
    for view, copy in views:
        assert torch.equal(run([view, *settings], topology, route), run([copy, *settings], topology, route))
    negated = [torch.complex(s, -s).conj().imag for s in settings]
    assert all(s.is_neg() for s in negated)
    assert torch.equal(run([x, *negated], topology, route), run([x, *settings], topology, route))
    strided = [torch.stack([s, s], dim=-1)[..., 0] for s in settings]
    inputs = leaves([x, *settings])
    run(inputs, topology, route).mT.abs().sum().backward()
    again = leaves([x, *strided])
    run(again, topology, route).mT.abs().sum().backward()
    for a, b in zip(inputs, again, strict=True):
        assert torch.equal(a.grad, b.grad)


def test_real_light_has_phase_zero(draw):
    topology = mesh.rectangular(4)
    x, *settings = draw(topology, torch.complex64)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        real = x.real.to(dtype)
        y = run([real, *settings], topology)
        assert y.dtype == torch.complex64
        torch.testing.assert_close(y, run([real.to(torch.complex64), *settings], topology))


def test_gradients_of_real_light_are_real(draw):
    topology = mesh.rectangular(4)
    x, *settings = draw(topology)
    real = x.real.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda light: run([light, *settings], topology), [real])


def strong_and_weak(topology, draw, dtype):
    """Return strong light without losses in modes 0 and 1, and weak light behind 104 dB in modes 2 and 3."""
    x, *settings, coupler_error, loss_db = draw(topology, dtype, (2,))
    x[:] = torch.tensor([[100, 100, 0, 0], [0, 0, 1, 0.5]])
    loss_db[:] = 0
    loss_db[1:, 0], loss_db[1:, 2] = 4, 48
    return [x, *settings, torch.zeros_like(coupler_error), loss_db]


def very_unequal(topology, draw, dtype):
    """Return light behind 50 dB in one arm of every second MZI."""
    *tensors, loss_db = draw(topology, dtype, (20,))
    loss_db[:] = 0
    loss_db[::2, 0] = 50
    return [*tensors, loss_db]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("topology", "lossy"),
    [
        (mesh.from_columns(4, [[(0, 1), (2, 3)], [(2, 3)], [(2, 3)]]), strong_and_weak),
        (mesh.rectangular(6), very_unequal),
        (mesh.triangular(20), very_unequal),
    ],
)
def test_gradients_are_right_for_any_losses(topology, lossy, route, draw):
    """In single precision as in double: unequal losses, and strong samples, hide nothing."""
    tensors = lossy(topology, draw, torch.complex64)
    weights = torch.arange(1.0, topology.modes + 1)

    def gradients(dtype):
        inputs = leaves([t.to(dtype if t.is_complex() else dtype.to_real()) for t in tensors])
        power = run(inputs, topology, route).abs() ** 2
        (power @ weights.to(power.dtype) / power.sum(-1)).sum().backward()
        return [t.grad.double() for t in inputs[1:3]]

    for found, expected in zip(gradients(torch.complex64), gradients(torch.complex128), strict=True):
        torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-6 * float(expected.abs().max()) + 1e-9)
    x, theta, phi, gamma, coupler_error, loss_db = (
        t.double().numpy() if not t.is_complex() else t.numpy() for t in tensors
    )
    imperfections = {"coupler_error": coupler_error, "loss_db": loss_db}
    power = np.abs(y := reference.propagate(topology, x, theta, phi, gamma, **imperfections)) ** 2
    total = power.sum(axis=-1, keepdims=True)
    grad_y = 2 * y * (weights.numpy() / total - (power @ weights.numpy())[:, None] / total**2)
    exact = reference.gradients(topology, x, theta, phi, gamma, grad_y=grad_y, **imperfections)
    np.testing.assert_allclose(gradients(torch.complex128)[0], exact.theta, rtol=1e-8, atol=1e-14)


def test_uniform_loss_can_always_be_traced_back(draw):
    """A hundred decibels that all light shares lose no information."""
    topology = mesh.rectangular(50)
    tensors = draw(topology, torch.complex64)
    tensors[-2] *= 0
    tensors[-1][:] = 1.0
    run(leaves(tensors), topology, "mesh").abs().sum().backward()


def test_threads_do_not_change_a_bit(draw):
    topology = mesh.rectangular(32)
    tensors = draw(topology, torch.complex64, (601,))
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            inputs = leaves(tensors)
            y = run(inputs, topology, "mesh")
            y.abs().sum().backward()
            results.append([y.detach(), *(t.grad for t in inputs)])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_auto_prefers_the_mesh_for_small_batches_and_the_matrix_for_large_ones():
    topology = mesh.rectangular(64)
    assert choose_route(topology, 1) == "mesh"
    assert choose_route(topology, 100_000) == "matrix"
    assert choose_route(topology, 1, torch.device("cuda")) == "matrix"
    # Few MZIs: the matrix never pays.
    assert choose_route(mesh.cascade(64), 100_000) == "mesh"


def test_autocast_leaves_light_alone(draw):
    topology = mesh.rectangular(4)
    tensors = draw(topology, torch.complex64, (200,))
    for route in ROUTES:
        expected = run(tensors, topology, route)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(run(tensors, topology, route), expected)
