"""The chosen gradient against its definition, for every layer; what every layer does with shapes and dtypes."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.autograd import forward_ad

from retrolux import analog
from retrolux.analog.gradient import with_gradient

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]


def halved(x, grad_y):
    return grad_y * x.abs() / 2


def values(rng, dtype=torch.float64, shape=(3, 4)):
    z = torch.complex(*torch.from_numpy(rng.normal(size=(2, *shape))))
    return (z if dtype.is_complex else z.real).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_straight_through_is_the_identity_and_a_callable_is_called(build, rng, dtype):
    x, grad_y = values(rng, dtype).requires_grad_(), values(rng, dtype)
    outputs = []
    for gradient, expected in (("straight_through", grad_y), (halved, grad_y * x.detach().abs() / 2)):
        y = build(gradient=gradient)(x)
        outputs.append(y.detach())
        torch.testing.assert_close(torch.autograd.grad(y, x, grad_y)[0], expected, rtol=0, atol=0)
    outputs.append(build(gradient="true")(x.detach()))
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])  # the gradient changes nothing that is computed


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gradient", ["true", "straight_through"])
def test_shapes_and_dtypes_are_kept(build, rng, dtype, gradient):
    for shape in ((), (0,), (3, 0), (5,), (2, 3, 4)):
        x = values(rng, dtype, shape).requires_grad_()
        y = build(gradient=gradient)(x)
        assert (y.shape, y.dtype) == (x.shape, x.dtype)
        y.abs().sum().backward()
        assert x.grad.shape == x.shape
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("parts", ["cartesian", "polar"])
def test_strided_and_conjugate_views_give_what_their_copies_give(rng, parts):
    x = values(rng, torch.complex128, (6, 4)).mT.conj()[:, ::2]
    layers = [
        analog.Clamp(parts=parts),
        analog.ReducePrecision(3, parts=parts),
        analog.PoissonNoise(scale=4, precision=3, seed=0, parts=parts),
        analog.LPNorm(),
    ]
    for layer in layers:
        step = getattr(layer, "draws", torch.tensor(0)).clone()
        strided = layer(x)
        getattr(layer, "draws", torch.tensor(0)).copy_(step)
        assert torch.equal(strided, layer(x.resolve_conj().contiguous()))


def test_nan_stays_nan_and_reaches_its_row_alone(build):
    x = torch.tensor([[0.1, float("nan")], [0.2, 0.3]])
    y = build()(x)
    assert y[0, 1].isnan()
    whole = isinstance(build(), (analog.LPNormW, analog.LPNormM, analog.LPNormWM))
    assert y[1].isnan().all() if whole else y[1].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-38, 1e-30, 1e-20, 1e-310, 1e-170])
def test_weak_light_has_finite_gradients(build, dtype, size):
    for parts in ("cartesian", "polar"):
        layer = build(gradient="true")
        if hasattr(layer, "parts"):
            layer.parts = parts
        z = torch.tensor([size * (1 + 1j), 0.5], dtype=dtype, requires_grad=True)
        y = layer(z)
        torch.view_as_real(y).sum().backward()
        assert torch.view_as_real(y).isfinite().all()
        assert torch.view_as_real(z.grad).isfinite().all()


def test_a_callable_made_of_torch_operations_is_differentiated_again(rng):
    x = values(rng).requires_grad_()
    (first,) = torch.autograd.grad(
        with_gradient(torch.round, x, lambda x, grad_y: grad_y * x.square()).sum(), x, None, True, True
    )
    torch.testing.assert_close(first, x.square())
    torch.testing.assert_close(torch.autograd.grad(first.sum(), x)[0], 2 * x)


def test_vmap_takes_each_sample_as_its_own(rng):
    x = values(rng)
    each = torch.func.vmap(torch.func.grad(lambda row: analog.lp_norm(row, gradient=halved).sum()))(x)
    torch.testing.assert_close(each, x.abs() / 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_straight_through_forwards_and_nested(build, rng, dtype):
    """Of y = f(x)·a the derivative is a in every mode, and of y², whose slope depends on y, once more."""
    x, along = values(rng, dtype, (4,)), values(rng, dtype, (4,))
    expected = build(gradient="straight_through")(x)
    y, pushed = torch.func.jvp(build(gradient="straight_through"), (x,), (along,))
    assert torch.equal(y, expected)
    assert torch.equal(pushed, along)
    with forward_ad.dual_level():
        dual = build(gradient="straight_through")(forward_ad.make_dual(x, along))
        assert torch.equal(forward_ad.unpack_dual(dual).tangent, along)
    if not dtype.is_complex:
        for outer, inner in itertools.product((torch.func.jacfwd, torch.func.jacrev), repeat=2):
            layer = build(gradient="straight_through")
            bent = outer(inner(lambda x, layer=layer: layer(x).square().sum()))(x)
            torch.testing.assert_close(bent, 2 * torch.eye(4, dtype=dtype))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_straight_through_under_transforms_keeps_infinity_and_nan():
    x = torch.tensor([float("inf"), float("-inf"), float("nan"), 0.4])
    for layer in (analog.ReducePrecision(5), analog.PoissonNoise(scale=3, precision=5, seed=1)):
        y, _ = torch.func.jvp(layer, (x,), (torch.ones(4),))
        torch.testing.assert_close(y[:3], x[:3], equal_nan=True)
        assert y[3].isfinite()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_a_callable_says_nothing_forwards(rng):
    def layer(x):
        return analog.reduce_precision(x, 5, gradient=halved)

    for run in (torch.func.jacfwd(layer), torch.func.jacfwd(torch.func.jacfwd(layer)), torch.func.hessian(layer)):
        with pytest.raises(NotImplementedError, match=r"a gradient that is a function of \(x, grad_y\) goes backwards"):
            run(values(rng))


def test_integers_are_refused(build):
    with pytest.raises(TypeError, match=r"x must be real or complex floating point, got torch.int64"):
        build()(torch.arange(3))


def test_unknown_choices_are_named(build):
    with pytest.raises(ValueError, match=r"gradient must be 'true', 'straight_through' or a function .*, got 'ste'"):
        build(gradient="ste")
    if hasattr(build(), "parts"):
        with pytest.raises(ValueError, match="parts must be 'cartesian' or 'polar', got 'real'"):
            build(parts="real")


def test_repr_shows_the_choice(build):
    assert "gradient=true" in repr(build(gradient="true"))
    assert "gradient=halved" in repr(build(gradient=halved))
