"""Blocks: the matrix against NumPy's product of the meshes, attenuators, chips, what is kept, and options."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrolux import mesh
from retrolux.gradient import METHODS, method_named
from retrolux.hardware import Imperfections
from retrolux.nn import Blocks, Linear

IMPERFECTIONS = Imperfections(coupler_std=0.05, phase_std=0.01, tap_noise=0.01, io_phase_std=0.01, loss_db=0.02)
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def product(blocks):
    """Return the matrices by one mesh after the other, in NumPy."""
    theta, phi, gamma = (p.detach().double().numpy() for p in (blocks.theta, blocks.phi, blocks.gamma))
    sigma, k = blocks.sigma.detach().numpy(), blocks.topology.modes
    groups, rows, columns = blocks.grid
    whole = np.empty((groups, rows * k, columns * k), complex)
    for at in np.ndindex(groups, rows, columns):
        u, v = (mesh.matrix(blocks.topology, theta[side][at], phi[side][at], gamma[side][at]) for side in (0, 1))
        g, p, q = at
        whole[g, p * k : (p + 1) * k, q * k : (q + 1) * k] = blocks.gain.item() * u @ np.diag(sigma[at]) @ v
    return whole[:, : blocks.rows, : blocks.columns]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_matrix_is_the_product_of_its_meshes(dtype, tolerance):
    blocks = Blocks(5, 7, 2, dtype, block=3, seed=0)
    assert blocks.grid == (2, 2, 3)
    expected = product(blocks)
    found = blocks.matrix().detach().numpy()
    assert found.shape == (2, 5, 7)
    error = tolerance(found.real.dtype, 2 * 3)
    np.testing.assert_allclose(found, expected if dtype.is_complex else expected.real, rtol=0, atol=error)


class MatrixOf(torch.nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = blocks

    def forward(self):
        return self.blocks.matrix()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_gradients_of_the_matrix_equal_finite_differences(dtype):
    module = MatrixOf(Blocks(2, 3, dtype=dtype, block=2, seed=0))
    names, values = zip(*module.named_parameters(), strict=True)

    def evaluate(*settings):
        return torch.func.functional_call(module, dict(zip(names, settings, strict=True)), ())

    assert torch.autograd.gradcheck(evaluate, [value.detach().clone().requires_grad_() for value in values])


@pytest.mark.parametrize(
    ("rows", "columns", "block", "modes", "grid"),
    [
        (1024, 1024, 64, 64, (16, 16)),
        (100, 100, 64, 50, (2, 2)),  # two equal parts, not 64 and 36
        (10, 16384, 64, 10, (1, 1639)),  # no mesh is larger than the shorter side
        (1, 9, 64, 2, (1, 5)),
        (10, 100, mesh.triangular(16), 16, (1, 7)),
    ],
)
def test_sizes_of_the_meshes(rows, columns, block, modes, grid):
    blocks = Blocks(rows, columns, block=block, seed=0)
    assert (blocks.topology.modes, blocks.grid[1:]) == (modes, grid)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_initial_weights_spread_as_torchs(dtype):
    ours = Blocks(96, 128, dtype=dtype, block=16, seed=0).matrix().detach()
    torch.manual_seed(0)
    theirs = torch.nn.Linear(128, 96, dtype=dtype).weight.detach()
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.05)
    assert abs(ours.mean()) < 5 * theirs.std() / np.sqrt(ours.numel())


@pytest.mark.parametrize("dtype", DTYPES)
def test_load_matrix(dtype, rng):
    blocks = Blocks(5, 7, 2, dtype, block=3, seed=0)
    wanted = rng.normal(size=(2, 5, 7)) + 1j * rng.normal(size=(2, 5, 7)) * dtype.is_complex
    wanted = wanted if dtype.is_complex else wanted.real
    blocks.load_matrix(wanted)
    error = 64 * torch.finfo(dtype.to_real()).eps * np.abs(wanted).max()
    np.testing.assert_allclose(blocks.matrix().detach().numpy(), wanted, rtol=0, atol=error)
    assert blocks.transmission().max() == 1
    blocks.load_matrix(np.zeros((2, 5, 7)))
    assert not blocks.matrix().any()


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=2))
def test_attenuators_never_amplify_and_always_have_a_slope(values):
    blocks = Blocks(2, 2, seed=0)
    blocks.sigma.data[:] = torch.tensor(values)
    transmission = blocks.transmission()
    assert ((transmission >= 0) & (transmission <= 1)).all()
    transmission.sum().backward()
    assert (blocks.sigma.grad.abs() == 1).all()
    expected = np.abs(np.arcsin(np.sin(np.pi / 2 * np.float64(values)))) / (np.pi / 2)
    np.testing.assert_allclose(transmission.detach().double().numpy().ravel(), expected, rtol=0, atol=1e-5)


def test_open_and_closed_attenuators_still_learn():
    """A target beyond both ends holds them there; when it moves inside they follow."""
    blocks = Blocks(2, 2, dtype=torch.float64, train="sigma", seed=0)
    blocks.gain.requires_grad_(False)
    blocks.sigma.data[:] = torch.tensor([0.0, 1.0])
    optimizer = torch.optim.SGD([blocks.sigma], lr=0.05, momentum=0.9)
    for target, expected in (([-0.5, 1.5], [0.0, 1.0]), ([0.7, 0.2], [0.7, 0.2])):
        for _ in range(300):
            loss = (blocks.transmission() - torch.tensor(target)).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        np.testing.assert_allclose(blocks.transmission().detach().numpy().ravel(), expected, rtol=0, atol=0.1)


def test_subspace_learning_trains_singular_values_alone():
    blocks = Blocks(4, 4, block=2, train="sigma", seed=0)
    assert {name for name, p in blocks.named_parameters() if p.requires_grad} == {"sigma", "gain"}
    before = copy.deepcopy(blocks.state_dict())
    optimizer = torch.optim.Adam(blocks.parameters(), lr=0.1)
    blocks.matrix().square().sum().backward()
    optimizer.step()
    moved = {name for name, value in blocks.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"sigma", "gain"}


@pytest.mark.parametrize("gradient", [name for name in METHODS if method_named(name).accuracy != "random"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_on_ideal_chips_every_method_measures_the_exact_gradient(gradient, dtype):
    exact = Blocks(3, 5, 2, dtype, block=2, seed=0)
    chips = Blocks(3, 5, 2, dtype, block=2, seed=0, imperfections=Imperfections(), gradient=gradient)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 2, 5, dtype=dtype, generator=generator, requires_grad=True)
    upstream = torch.randn(4, 2, 3, dtype=dtype, generator=generator)
    results = []
    for blocks, y in ((exact, torch.einsum("grc,bgc->bgr", exact.matrix(), x)), (chips, chips(x))):
        results.append([y, *torch.autograd.grad(y, [x, *blocks.parameters()], upstream)])
    exact_to = 1e-4 if method_named(gradient).accuracy == "step" else 1e-11
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=exact_to)


def test_every_mesh_is_a_chip_of_its_own():
    one, two = (Blocks(4, 4, block=2, seed=0, imperfections=IMPERFECTIONS, chip_seed=seed) for seed in (0, 1))
    assert len(one.experiments) == 8
    assert len({experiment.chip.seed for experiment in (*one.experiments, *two.experiments)}) == 16
    x = torch.ones(1, 1, 4)
    assert torch.equal(Blocks(4, 4, block=2, seed=0, imperfections=IMPERFECTIONS)(x), one(x))
    assert not torch.equal(two(x), one(x))
    exact = (x @ one.matrix().mT).detach()
    assert 1e-3 < (two(x).detach() - exact).norm() / exact.norm() < 1


def test_chips_are_saved_copied_and_pickled_with_their_history():
    blocks = Blocks(4, 4, block=2, seed=0, imperfections=IMPERFECTIONS)
    x = torch.ones(3, 1, 4)
    blocks(x)
    file = io.BytesIO()
    torch.save(blocks.state_dict(), file)
    file.seek(0)
    other = Blocks(4, 4, block=2, seed=5, imperfections=Imperfections(), chip_seed=5)
    other.load_state_dict(torch.load(file, weights_only=True))
    twins = [copy.deepcopy(blocks), pickle.loads(pickle.dumps(blocks)), other]
    expected = blocks(x)
    for twin in twins:
        assert torch.equal(twin(x), expected)
        assert twin.experiments[0].chip is not blocks.experiments[0].chip


def test_the_matrix_is_kept_until_a_parameter_changes():
    blocks = Blocks(4, 4, block=2, seed=0)
    other = Blocks(4, 4, block=2, seed=1)
    with torch.no_grad():
        kept = blocks.matrix()
        assert blocks.matrix() is kept
        blocks.sigma.data[0, 0, 0, 0] += 0.25  # past the version counter
        assert not torch.equal(blocks.matrix(), kept)
        blocks.load_state_dict(other.state_dict())
        assert torch.equal(blocks.matrix(), other.matrix())
        assert torch.equal(copy.deepcopy(blocks).matrix(), other.matrix())
        blocks.double()
        assert blocks.matrix().dtype == blocks.dtype == torch.float64
    assert blocks.matrix().requires_grad
    assert pickle.loads(pickle.dumps(blocks))._built is None


def test_other_meshes():
    blocks = Blocks(8, 8, block=mesh.butterfly(4), seed=0)
    assert repr(blocks) == "Blocks(8 butterfly meshes of 4 modes)"
    np.testing.assert_allclose(blocks.matrix().detach().numpy(), product(blocks).real, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"topology must equal rectangular\(4\) or triangular\(4\)"):
        blocks.load_matrix(np.eye(8)[None])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3, 0), {}, ValueError, "a matrix must have at least one row and one column, got 3 × 0"),
        ((3, 4, 1, torch.float16), {}, TypeError, "dtype must be float32, .* got torch.float16"),
        ((3, 4), {"block": 1}, ValueError, "block must be at least 2 modes, got 1"),
        ((3, 4), {"train": "phases"}, ValueError, "train must be 'all' or 'sigma', got 'phases'"),
        ((3, 4), {"gradient": "guess"}, ValueError, r"gradient must be one of adjoint, .* got 'guess'"),
        ((3, 4), {"chip_seed": -1}, ValueError, "chip_seed must be at least 0, got -1"),
        ((3, 4), {"blok": 8}, TypeError, "unexpected keyword argument 'blok'"),
    ],
)
def test_bad_options(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Blocks(*arguments, **options)


def test_bad_matrices_and_light():
    blocks = Blocks(3, 4, seed=0)
    with pytest.raises(ValueError, match=r"matrix must have shape .* = \(1, 3, 4\), got \(3, 4\)"):
        blocks.load_matrix(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="matrix must be finite, got nan"):
        blocks.load_matrix(np.full((1, 3, 4), np.nan))
    with pytest.raises(RuntimeError, match=r"blocks without chips are a matrix; multiply by matrix\(\)"):
        blocks(torch.ones(1, 1, 4))


def test_a_matrix_that_somebody_writes_to_is_made_again():
    layer, x = Linear(6, 5, seed=0), torch.randn(3, 6)
    with torch.no_grad():
        before = layer(x)
        layer.weight.zero_()
        assert torch.equal(layer(x), before)
        layer.blocks.matrix().mul_(2)
        assert torch.equal(layer(x), before)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), before)
