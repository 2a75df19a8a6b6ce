"""Derivatives of every kind that torch can ask for, of light through every kind of mesh.

Numerical derivatives in complex128 are the judge; where torch has two ways to one derivative, they agree.
"""

from __future__ import annotations

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from retrolux import _textbook, mesh
from retrolux.functional import matrices, propagate
from retrolux.mesh.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:DeprecationWarning")  # torch's own
ROUTES = ["mesh", "matrix"]
WAYS = [("mesh", False), ("mesh", True), ("matrix", True)]  # without losses the input is found again from the output
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def through(topology, route):
    def run(x, theta, phi, gamma, *imperfections):
        return propagate(x, theta, phi, gamma, topology, *imperfections, route=route)

    return run


def of_theta(tensors, topology, route, reduce):
    """Return a real function of theta alone."""
    x, _, *others = tensors
    return lambda theta: reduce(through(topology, route)(x, theta, *others))


def weighed_powers(y):
    return (y.abs() ** 2 * torch.arange(y.shape[-1])).sum()


def asked_for(tensors):
    return [tensor.requires_grad_() for tensor in tensors]


@pytest.mark.slow
@pytest.mark.parametrize(("route", "imperfect"), WAYS)
def test_first_derivatives_backwards_forwards_and_batched(topology, route, imperfect, draw):
    tensors = asked_for(draw(topology, imperfect=imperfect))
    every = {"check_batched_grad": True, "check_forward_ad": True, "check_batched_forward_grad": True}
    assert gradcheck(through(topology, route), tensors, fast_mode=True, **every)


@pytest.mark.slow
@pytest.mark.parametrize(("route", "imperfect"), WAYS)
def test_second_derivatives(topology, route, imperfect, draw):
    tensors = asked_for(draw(topology, shape=(1,), imperfect=imperfect))
    assert gradgradcheck(through(topology, route), tensors, fast_mode=True)
    forwards = {"check_fwd_over_rev": True, "check_rev_over_rev": False, "check_undefined_grad": False}
    assert gradgradcheck(through(topology, route), tensors, fast_mode=True, **forwards)


@pytest.mark.slow
@pytest.mark.parametrize("imperfect", [False, True])
def test_second_derivatives_of_stacked_matrices(topology, imperfect, draw):
    stack = [draw(topology, imperfect=imperfect)[1:] for _ in range(2)]
    settings = asked_for([torch.stack(settings) for settings in zip(*stack, strict=True)])
    function = lambda theta, phi, gamma, *imperfections: matrices(theta, phi, gamma, topology, *imperfections)  # noqa: E731
    assert gradcheck(function, settings, check_forward_ad=True, check_batched_grad=True, fast_mode=True)
    assert gradgradcheck(function, settings, fast_mode=True)


@pytest.mark.slow
def test_second_derivatives_element_by_element(draw):
    """As above without the random projections that make it fast."""
    topology = mesh.rectangular(3)
    assert gradgradcheck(through(topology, "mesh"), asked_for(draw(topology, shape=(1,))))


@pytest.mark.parametrize("route", ROUTES)
def test_third_derivatives(route, draw):
    topology = mesh.rectangular(3)
    loss = of_theta(draw(topology), topology, route, weighed_powers)

    def slope_of_slopes(theta):
        (slope,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), theta, create_graph=True)[0]

    assert gradcheck(slope_of_slopes, draw(topology)[1].requires_grad_())


@pytest.mark.slow
@pytest.mark.parametrize("reduce", [weighed_powers, lambda y: y.real.sum(), lambda y: y[..., 0].angle().sum()])
@pytest.mark.parametrize(("route", "imperfect"), WAYS)
def test_hessians_agree_with_finite_differences(topology, route, imperfect, reduce, draw):
    """Also of losses whose gradient by the output is constant, where nothing but the mesh bends."""
    tensors = draw(topology, imperfect=imperfect)
    loss, theta = of_theta(tensors, topology, route, reduce), tensors[1]
    hessian = torch.autograd.functional.hessian(loss, theta)
    step = 1e-5 * torch.eye(len(theta), dtype=theta.dtype)

    def slope(at):
        at = at.clone().requires_grad_()
        return torch.autograd.grad(loss(at), at)[0]

    differences = torch.stack([(slope(theta + d) - slope(theta - d)) / 2e-5 for d in step])
    torch.testing.assert_close(hessian, differences, rtol=1e-6, atol=1e-7)
    jacfwd, jacrev = torch.func.jacfwd, torch.func.jacrev
    for outer, inner in ((jacfwd, jacrev), (jacfwd, jacfwd), (jacrev, jacrev), (jacrev, jacfwd)):
        torch.testing.assert_close(outer(inner(loss))(theta), hessian, **CLOSE)
    v = torch.linspace(-1, 1, len(theta), dtype=theta.dtype)
    torch.testing.assert_close(torch.autograd.functional.hvp(loss, theta, v)[1], hessian @ v, **CLOSE)
    torch.testing.assert_close(torch.autograd.functional.vhp(loss, theta, v)[1], v @ hessian, **CLOSE)


@pytest.mark.parametrize("route", ROUTES)
def test_a_gradient_penalty_reaches_the_light_before(route, draw):
    """The second derivative by x goes on through what made x."""
    topology = mesh.triangular(4)
    x, *settings = draw(topology)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def penalty(scale):
        light = scale.sin() * x
        loss = weighed_powers(propagate(light, *settings[:3], topology, *settings[3:], route=route))
        return torch.autograd.grad(loss, light, create_graph=True)[0].abs().square().sum()

    assert gradcheck(penalty, scale)


@pytest.mark.parametrize(("route", "imperfect"), WAYS)
def test_gradients_of_each_sample(topology, route, imperfect, draw):
    x, *settings = draw(topology, shape=(4,), imperfect=imperfect)
    loss = lambda x, *s: weighed_powers(through(topology, route)(x, *s))  # noqa: E731
    which = tuple(range(1, 1 + len(settings)))
    samples = torch.func.vmap(torch.func.grad(loss, which), in_dims=(0, *[None] * len(settings)))(x, *settings)
    for i, sample in enumerate(x):
        alone = asked_for([s.clone() for s in settings])
        for got, wanted in zip(samples, torch.autograd.grad(loss(sample, *alone), alone), strict=True):
            torch.testing.assert_close(got[i], wanted, **CLOSE)


@pytest.mark.parametrize(("route", "imperfect"), WAYS)
def test_vmap_over_light_over_settings_and_over_both(topology, route, imperfect, draw):
    run = through(topology, route)
    many = [draw(topology, imperfect=imperfect) for _ in range(3)]
    stacked = [torch.stack(tensors) for tensors in zip(*many, strict=True)]
    one, rest = many[0], [None] * (len(stacked) - 1)
    each = torch.stack([run(*tensors) for tensors in many])
    torch.testing.assert_close(torch.func.vmap(run)(*stacked), each, **CLOSE)
    by_light = torch.func.vmap(run, in_dims=(0, *rest))(stacked[0], *one[1:])
    torch.testing.assert_close(by_light, run(stacked[0], *one[1:]), **CLOSE)
    by_last = torch.func.vmap(run, in_dims=(1, *rest), out_dims=1)(one[0].mT, *one[1:])
    torch.testing.assert_close(by_last.mT, run(*one), **CLOSE)
    by_theta = torch.func.vmap(run, in_dims=(None, 0, *rest[1:]))(one[0], stacked[1], *one[2:])
    torch.testing.assert_close(by_theta, torch.stack([run(one[0], t, *one[2:]) for t in stacked[1]]), **CLOSE)


@pytest.mark.parametrize("route", ROUTES)
def test_jacobians_of_every_kind_agree(topology, route, draw):
    tensors = draw(topology)
    function = of_theta(tensors, topology, route, torch.view_as_real)
    theta = tensors[1]
    expected = torch.autograd.functional.jacobian(function, theta)
    for jacobian in (
        torch.autograd.functional.jacobian(function, theta, vectorize=True),
        torch.autograd.functional.jacobian(function, theta, vectorize=True, strategy="forward-mode"),
        torch.func.jacrev(function)(theta),
        torch.func.jacfwd(function)(theta),
    ):
        torch.testing.assert_close(jacobian, expected, **CLOSE)


@pytest.mark.parametrize("route", ROUTES)
def test_forward_mode_is_not_lost_where_gradients_are_off(route, draw):
    topology = mesh.rectangular(4)
    x, theta, *others = draw(topology)
    tangent = torch.ones_like(theta)
    _, expected = torch.func.jvp(lambda t: through(topology, route)(x, t, *others), (theta,), (tangent,))
    with torch.no_grad(), forward_ad.dual_level():
        y = through(topology, route)(x, forward_ad.make_dual(theta, tangent), *others)
        torch.testing.assert_close(forward_ad.unpack_dual(y).tangent, expected, **CLOSE)
    assert expected.abs().max() > 0.1


def test_third_derivatives_forwards(draw):
    """A derivative forwards of a derivative forwards is not that of a constant."""
    topology = mesh.rectangular(3)
    loss = of_theta(draw(topology), topology, "mesh", weighed_powers)
    theta = draw(topology)[1]
    along = torch.linspace(-1, 1, len(theta), dtype=theta.dtype)

    def bent(t):
        return along @ torch.func.hessian(loss)(theta + t * along) @ along

    zero = torch.zeros((), dtype=theta.dtype)
    _, slope = torch.func.jvp(bent, (zero,), (torch.ones_like(zero),))
    torch.testing.assert_close(slope, (bent(1e-5) - bent(-1e-5)) / 2e-5, rtol=1e-6, atol=1e-7)
    assert slope.abs() > 1e-3


def test_settings_that_are_views(draw):
    """Columns of one matrix: no transform minds that memory is strided."""
    topology = mesh.rectangular(4)
    x, theta, phi, gamma, *_ = draw(topology)
    both = torch.stack([theta, phi], dim=1)

    def of_both(both):
        return weighed_powers(propagate(x, both[:, 0], both[:, 1], gamma, topology))

    def of_apart(theta, phi):
        return weighed_powers(propagate(x, theta, phi, gamma, topology))

    expected = torch.func.hessian(of_apart, argnums=(0, 1))(theta, phi)
    got = torch.func.hessian(of_both)(both)
    for i in range(2):
        for j in range(2):
            torch.testing.assert_close(got[:, i, :, j], expected[i][j], **CLOSE)
    strided = torch.func.vmap(torch.func.grad(of_apart), in_dims=(1, None))(
        torch.stack([theta, phi], dim=1), both[:, 1]
    )
    torch.testing.assert_close(strided[0], torch.func.grad(of_apart)(theta, phi), **CLOSE)


def test_a_mesh_without_mzis(draw):
    topology = mesh.from_columns(3, [])
    x, *settings = draw(topology)
    many = [torch.stack([s, s]) for s in settings]
    assert matrices(*many[:3], topology, *many[3:]).shape == (2, 3, 3)
    hessian = torch.func.hessian(lambda g: propagate(x, *settings[:2], g, topology).real.sum())(settings[2])
    torch.testing.assert_close(hessian, torch.diag(-(x * torch.exp(1j * settings[2])).real.sum(0)), **CLOSE)


def test_single_precision_under_transforms(draw):
    topology = mesh.rectangular(8)
    single = draw(topology, torch.complex64)
    double = [t.to(torch.complex128 if t.is_complex() else torch.float64) for t in single]
    hessians = []
    for tensors in (single, double):
        loss = of_theta(tensors, topology, "mesh", weighed_powers)
        hessians.append(torch.func.hessian(loss)(tensors[1]))
    assert hessians[0].dtype == torch.float32
    torch.testing.assert_close(hessians[0].double(), hessians[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize("imperfect", [False, True])
def test_the_textbook_has_the_matrices_of_the_kernels(topology, imperfect, draw):
    theta, phi, gamma, *imperfections = draw(topology, imperfect=imperfect)[1:]
    imperfections = imperfections or [None, None]
    written_out = _textbook.matrices(topology, Settings(theta, phi, gamma, *imperfections))
    torch.testing.assert_close(written_out.mT, matrices(theta, phi, gamma, topology, *imperfections), **CLOSE)
