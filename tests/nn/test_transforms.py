"""Layers under torch.func, traced, compiled and exported: what they do there is what they do alone."""

from __future__ import annotations

import io

import pytest
import torch
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from retrolux import analog, mesh, nn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*complex operators")  # torch's own
DOUBLE = torch.complex128
MODELS = {
    "mesh": lambda: torch.nn.Sequential(
        nn.Mesh(mesh.rectangular(4), DOUBLE, seed=0),
        nn.Modulus(),
        nn.Mesh(mesh.triangular(4), DOUBLE, seed=1),
        nn.Intensity(),
    ),
    "activations": lambda: torch.nn.Sequential(
        nn.Mesh(mesh.rectangular(4), DOUBLE, seed=0), nn.ElectroOptic(), nn.ModReLU(modes=4), nn.SaturableAbsorber()
    ),
    "Linear": lambda: nn.Linear(4, 3, seed=0, dtype=torch.float64),
    "complex Linear": lambda: nn.Linear(4, 3, seed=0, dtype=DOUBLE),
    "IntensityLinear": lambda: nn.IntensityLinear(4, 3, mesh=nn.Mesh(mesh.rectangular(4), DOUBLE, seed=0)),
    "UnitaryRNN": lambda: First(nn.UnitaryRNN(4, 4, nn.Mesh(mesh.rectangular(4), DOUBLE, seed=0), batch_first=True)),
}
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


class First(torch.nn.Module):
    """The last state of a recurrence over two steps of the same input."""

    def __init__(self, recurrence):
        super().__init__()
        self.recurrence = recurrence

    def forward(self, x):
        return self.recurrence(torch.stack([x, x], dim=-2))[1]


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().double()


@pytest.fixture
def x():
    return torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def params(model):
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@pytest.fixture
def loss(model):
    def of(params, x):
        y = functional_call(model, params, (x,))
        return (y.abs() ** 2 * torch.arange(1, y.shape[-1] + 1)).sum()

    return of


def test_gradients_in_all_and_of_each_sample(model, x, params, loss):
    loss(dict(model.named_parameters()), x).backward()
    together = grad(loss)(params, x)
    each = vmap(grad(loss), in_dims=(None, 0))(params, x.unsqueeze(1))
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(together[name], parameter.grad, **CLOSE)
        torch.testing.assert_close(each[name].sum(0), parameter.grad, **CLOSE)


@pytest.mark.parametrize("recorded", [False, True])
def test_an_ensemble(model, x, params, recorded):
    """Many models at once; without gradients too, where layers keep what they may keep."""
    shifted = {name: value + 0.1 for name, value in params.items()}
    stacked = {name: torch.stack([value, shifted[name]]) for name, value in params.items()}
    with torch.set_grad_enabled(recorded):
        expected = [functional_call(model, values, (x,)) for values in (params, shifted)]
        both = vmap(lambda values: functional_call(model, values, (x,)))(stacked)
        for got, wanted in zip(both, expected, strict=True):
            torch.testing.assert_close(got, wanted, **CLOSE)
        alone = vmap(lambda sample: functional_call(model, params, (sample.unsqueeze(0),)).squeeze(0))(x)
        torch.testing.assert_close(alone, expected[0], **CLOSE)


def test_slopes_and_hessians_agree_with_differences(x, params, loss):
    step = 1e-6
    towards = {name: torch.linspace(-1, 1, p.numel()).reshape(p.shape).to(p.dtype) for name, p in params.items()}

    def moved(sign):
        return {name: p + sign * step * towards[name] for name, p in params.items()}

    _, slope = jvp(lambda p: loss(p, x), (params,), (towards,))
    torch.testing.assert_close(slope, (loss(moved(1), x) - loss(moved(-1), x)) / (2 * step), rtol=1e-6, atol=1e-6)
    before, after = (grad(loss)(moved(sign), x) for sign in (-1, 1))
    _, bent = jvp(lambda p: grad(loss)(p, x), (params,), (towards,))
    _, twice = jvp(lambda p: jvp(lambda q: loss(q, x), (p,), (towards,))[1], (params,), (towards,))
    together = sum((bent[name] * towards[name].conj()).real.sum() for name in params)
    torch.testing.assert_close(twice, together, rtol=1e-9, atol=1e-9)
    for name in params:
        torch.testing.assert_close(bent[name], (after[name] - before[name]) / (2 * step), rtol=1e-5, atol=1e-5)
    real = {name: p for name, p in params.items() if not p.is_complex()}
    name = next(iter(real))
    by_torch_func = hessian(lambda value: loss({**params, name: value}, x))(params[name])
    by_autograd = torch.autograd.functional.hessian(lambda value: loss({**params, name: value}, x), params[name])
    torch.testing.assert_close(by_torch_func, by_autograd, **CLOSE)
    assert by_autograd.abs().max() > 1e-3


def test_a_traced_model(model, x):
    other = torch.randn(7, 4, dtype=torch.float64)
    with torch.no_grad():
        model(x)  # keeps what it may keep between calls
        traced = torch.jit.trace(model, x)
        torch.testing.assert_close(traced(other), model(other), **CLOSE)
        for parameter in model.parameters():
            parameter.add_(0.1)
        torch.testing.assert_close(traced(other), model(other), **CLOSE)  # the program has parameters, not their values


@pytest.mark.parametrize(
    "build",
    [
        nn.Modulus,
        lambda: nn.ModReLU(0.1),
        lambda: torch.nn.Sequential(nn.Mesh(mesh.rectangular(4), seed=0), nn.Modulus(), analog.ReducePrecision(7)),
        lambda: torch.nn.Sequential(analog.Clamp(gradient="straight_through"), nn.ModReLU(-0.1), nn.Intensity()),
        lambda: First(nn.UnitaryRNN(4, 4, nn.Mesh(mesh.rectangular(4), seed=0), batch_first=True)),
    ],
)
def test_a_traced_model_is_saved_and_learns_as_before(build):
    model = build()
    z = torch.randn(5, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(2))
    z[0, 0] = 0
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(model, z[:3]), file)
    file.seek(0)
    results = []
    for run in (model, torch.jit.load(file)):
        x = z.clone().requires_grad_()
        y = run(x)
        (y.abs() ** 2).sum().backward()
        results.append((y.detach(), x.grad))
    torch.testing.assert_close(*results)


@pytest.mark.slow
def test_a_compiled_model_is_one_graph(model, x):
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for run in (compiled, model):
        (run(x).abs() ** 2).sum().backward()
        if run is compiled:
            gradients = [parameter.grad.clone() for parameter in model.parameters()]
            model.zero_grad()
    for got, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(got, parameter.grad, **CLOSE)


@pytest.mark.slow
def test_the_matrix_of_a_mesh_compiles():
    torch.compiler.reset()
    layer = nn.Mesh(mesh.rectangular(4), DOUBLE, seed=0)
    compiled = torch.compile(layer.matrix, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(), layer.matrix(), **CLOSE)


def test_an_exported_model_takes_any_batch(model, x):
    program = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},)).module()
    many = torch.randn(2000, 4, dtype=torch.float64)
    torch.testing.assert_close(program(many), model(many), **CLOSE)


@pytest.mark.parametrize("outer", [jacfwd, jacrev])
@pytest.mark.parametrize("inner", [jacfwd, jacrev])
@pytest.mark.parametrize("build", [nn.Modulus, lambda: nn.ModReLU(0.3), nn.ElectroOptic])
def test_nested_derivatives_of_activations(build, inner, outer):
    layer = build().double()

    def value(r):
        return (layer(torch.complex(r, torch.ones_like(r))).abs() ** 3).sum()

    r = torch.tensor([0.5, -1.0], dtype=torch.float64)
    expected = torch.autograd.functional.hessian(value, r)
    torch.testing.assert_close(outer(inner(value))(r), expected, **CLOSE)
    assert expected.diagonal().abs().min() > 0.01


def test_the_third_derivative_of_the_modulus_forwards():
    def size(r):
        return nn.Modulus()(torch.complex(r, torch.ones_like(r)))

    r = torch.tensor(0.5, dtype=torch.float64)  # of √(1 + r²)
    torch.testing.assert_close(jacfwd(jacfwd(size))(r), (1 + r**2) ** -1.5)
    torch.testing.assert_close(jacfwd(jacfwd(jacfwd(size)))(r), -3 * r * (1 + r**2) ** -2.5)


def test_the_modulus_of_darkness_under_transforms():
    z = torch.tensor([0, 1e-320, 3 + 4j], dtype=DOUBLE)
    slope = vmap(grad(nn.Modulus()))(z)
    torch.testing.assert_close(slope[[0, 2]], torch.tensor([0, 0.6 + 0.8j], dtype=DOUBLE))
    assert torch.isfinite(torch.view_as_real(slope)).all()
    _, forwards = jvp(nn.Modulus(), (z,), (torch.ones_like(z),))
    torch.testing.assert_close(forwards[[0, 2]], torch.tensor([0, 0.6], dtype=torch.float64))
    bent = vmap(hessian(lambda parts: nn.Modulus()(torch.complex(*parts))))(torch.view_as_real(z))
    assert not bent[:2].any()
    torch.testing.assert_close(bent[2], torch.tensor([[0.128, -0.096], [-0.096, 0.072]], dtype=torch.float64))
