"""Activations: formulas against NumPy, gradients against finite differences, limits, and the dark mode."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import retrolux
from retrolux.nn import activations

GAIN, PHI_B, ALPHA = 0.75, 2.125, 0.3  # parameters start as float32


def electro_optic(z):
    half = (GAIN * np.abs(z) ** 2 + PHI_B) / 2
    return 1j * np.sqrt(1 - ALPHA) * np.exp(-1j * half) * np.cos(half) * z


def unit_phase(z):
    return np.exp(1j * np.angle(z)) if np.iscomplexobj(z) else np.sign(z)


def rectified(x):
    return np.maximum(x, 0)


# Options, and what comes out with them.
FORMULAS = {
    "modulus": [((), np.abs)],
    "power": [((), lambda z: np.abs(z) ** 2)],
    "mod_relu": [
        ((-0.5,), lambda z: rectified(np.abs(z) - 0.5) * unit_phase(z)),
        ((0.25,), lambda z: (np.abs(z) + 0.25) * unit_phase(z)),
    ],
    "z_relu": [((), lambda z: z * ((np.real(z) >= 0) & (np.imag(z) >= 0)))],
    "c_relu": [((), lambda z: rectified(z.real) + 1j * rectified(z.imag) if np.iscomplexobj(z) else rectified(z))],
    "saturable_absorber": [((3.0, 0.5), lambda z: z * np.exp(-1.5 / (1 + np.abs(z) ** 2 / 0.5)))],
    "electro_optic": [((ALPHA, GAIN, PHI_B), electro_optic)],
}
MADE = {
    f"{name}{options}": (name, options) for name, cases in FORMULAS.items() for options in [(), *(c[0] for c in cases)]
}


def test_every_activation_has_a_formula_and_is_a_layer_of_the_package():
    assert FORMULAS.keys() == activations.ACTIVATIONS.keys()
    for named in activations.ACTIVATIONS.values():
        assert getattr(retrolux.nn, named.make.__name__) is named.make


@pytest.fixture(params=MADE)
def made(request):
    """Return the output of an activation, and what makes it."""
    name, options = MADE[request.param]
    named = activations.ACTIVATIONS[name]
    return named.output, lambda: named.make(*options)


def fields(rng, dtype):
    z = rng.normal(size=(2, 3, 5)) + 1j * rng.normal(size=(2, 3, 5))
    return torch.from_numpy(z).to(dtype) if dtype.is_complex else torch.from_numpy(z.real).to(dtype)


@pytest.mark.parametrize("dtype", [torch.complex128, torch.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_equals_the_published_formula(name, rng, dtype):
    z = fields(rng, dtype)
    for options, formula in FORMULAS[name]:
        module = activations.ACTIVATIONS[name].make(*options).double()
        np.testing.assert_allclose(module(z).detach().numpy(), formula(z.numpy()), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.float32, torch.float64])
def test_shape_and_dtype(made, rng, dtype):
    output, make = made
    real = torch.empty((), dtype=dtype).abs().dtype
    out = make().to(real)(fields(rng, dtype))
    assert out.shape == (2, 3, 5)
    assert out.dtype == {"real": real, "complex": real.to_complex(), "same": dtype}[output]


@pytest.mark.parametrize("dtype", [torch.complex128, torch.float64])
def test_gradients_equal_finite_differences(made, rng, dtype):
    module = made[1]().double()
    z = fields(rng, dtype).requires_grad_()
    trained = tuple(module.parameters())

    def evaluate(z, *values):
        named = dict(zip(dict(module.named_parameters()), values, strict=True))
        return torch.func.functional_call(module, named, (z,))

    assert torch.autograd.gradcheck(evaluate, (z, *trained))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-38, 1e-30, 1e-19])
def test_dark_modes_have_finite_values_and_gradients(made, dtype, size):
    module = made[1]()
    z = torch.full((4,), size, dtype=dtype, requires_grad=True)
    out = module(z)
    (activations.power(out) + out.real).sum().backward()
    assert torch.isfinite(torch.view_as_real(out + 0j)).all()
    assert torch.isfinite(torch.view_as_real(z.grad + 0j)).all()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())
    if size == 0:
        assert not out.any()


@pytest.mark.parametrize("module", [activations.Modulus(), activations.ModReLU(0.5), activations.Power()])
def test_undefined_derivatives_are_zero_in_the_dark(module):
    z = torch.zeros(3, dtype=torch.complex64, requires_grad=True)
    module(z).real.sum().backward()
    assert not z.grad.any()


def test_modulus_in_batched_and_second_derivatives(rng):
    z = fields(rng, torch.complex128)
    per_sample = torch.func.vmap(torch.func.grad(lambda row: activations.modulus(row).sum()))(z)
    torch.testing.assert_close(per_sample, z / z.abs())
    assert torch.autograd.gradgradcheck(activations.modulus, z.requires_grad_())


@given(st.floats(-50, 50, width=32), st.floats(-math.pi, math.pi), st.floats(1e-6, 1e3))
def test_modrelu_keeps_the_phase_and_moves_the_modulus(bias, phase, modulus):
    z = torch.polar(torch.tensor(modulus, dtype=torch.float64), torch.tensor(phase, dtype=torch.float64))
    out = activations.ModReLU(bias).double()(z)
    expected = torch.polar(torch.tensor(max(modulus + bias, 0.0), dtype=torch.float64), z.angle())
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)


def test_modrelu_without_bias_is_the_identity(rng):
    z = fields(rng, torch.complex128)
    torch.testing.assert_close(activations.ModReLU().double()(z), z, rtol=1e-15, atol=0)


def test_zrelu_and_crelu_on_the_four_quadrants():
    z = torch.tensor([1 + 2j, -1 + 2j, -1 - 2j, 1 - 2j, 3, 3j, -3, -3j])
    assert activations.ZReLU()(z).tolist() == [1 + 2j, 0, 0, 0, 3, 3j, 0, 0]
    assert activations.CReLU()(z).tolist() == [1 + 2j, 2j, 0, 1, 3, 3j, 0, 0]


def test_absorber_limits():
    absorber = activations.SaturableAbsorber(optical_depth=4.0, saturation_power=2.0)
    z = torch.tensor([1e-6, math.sqrt(2.0), 1e6], dtype=torch.float64)
    expected = [math.exp(-2.0), math.exp(-1.0), 1.0]  # unsaturated, at the saturation power, bleached
    np.testing.assert_allclose((absorber(z) / z).numpy(), expected, rtol=1e-9)


def test_electro_optic_transmission_is_raised_cosine_of_power():
    power = torch.linspace(0, 40, 81, dtype=torch.float64)
    module = activations.ElectroOptic().double()
    transmitted = module(power.sqrt() * 1j).abs().square()
    gain = float(np.float32(0.05 * math.pi))
    expected = 0.9 * power * ((gain * power + float(np.float32(math.pi))) / 2).cos() ** 2
    torch.testing.assert_close(transmitted.detach(), expected, rtol=1e-12, atol=1e-12)


def test_electro_optic_bias_opens_and_closes_for_weak_light():
    weak = torch.tensor([1e-3 + 0j], dtype=torch.complex128)
    assert activations.ElectroOptic(phi_b=math.pi)(weak).abs() < 1e-6 * weak.abs()
    open_ = activations.ElectroOptic(alpha=0.19, phi_b=0.0)(weak)
    torch.testing.assert_close(open_.detach(), 0.9j * weak, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("build", "names"), [(activations.ModReLU, ["bias"]), (activations.ElectroOptic, ["gain", "phi_b"])]
)
def test_parameters_shared_or_per_mode(build, names, rng):
    assert {n: p.shape for n, p in build().named_parameters()} == dict.fromkeys(names, ())
    module = build(modes=5)
    assert {n: p.shape for n, p in module.named_parameters()} == dict.fromkeys(names, (5,))
    module(fields(rng, torch.complex64)).abs().sum().backward()
    assert all(p.grad.shape == (5,) for p in module.parameters())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: activations.ElectroOptic(alpha=1.0), r"alpha must lie in \[0, 1\), got 1.0"),
        (lambda: activations.ElectroOptic(alpha=-0.1), r"alpha must lie in \[0, 1\), got -0.1"),
        (lambda: activations.ElectroOptic(gain=math.inf), "gain must be finite, got inf"),
        (lambda: activations.ElectroOptic(phi_b=math.nan), "phi_b must be finite, got nan"),
        (lambda: activations.ModReLU(modes=0), "modes must be at least 1, got 0"),
        (lambda: activations.ModReLU(math.nan), "bias must be finite, got nan"),
        (
            lambda: activations.SaturableAbsorber(-1.0),
            "optical_depth must be a finite number of at least 0, got -1.0",
        ),
        (
            lambda: activations.SaturableAbsorber(1.0, 0.0),
            "saturation_power must be a finite number above 0, got 0.0",
        ),
    ],
)
def test_bad_values_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_repr_shows_the_device():
    shown = repr(nn.Sequential(activations.SaturableAbsorber(2.0, 0.5), activations.ElectroOptic(0.25)))
    assert "optical_depth=2.0, saturation_power=0.5" in shown
    assert "alpha=0.25" in shown
