"""The generator: same seed, same bits; copies, saved states, threads, processes, torch.compile and vmap."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import grad, vmap

from retrolux import analog
from retrolux.analog.draws import draw

X = torch.linspace(-1, 1, 60).reshape(4, 15)


def outputs(layer, count=3):
    return torch.stack([layer(X) for _ in range(count)])


def test_a_seed_gives_the_same_noise_and_every_call_its_own(build_drawing):
    first, second = outputs(build_drawing()), outputs(build_drawing())
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_layers_without_a_seed_take_theirs_from_torch():
    torch.manual_seed(3)
    seeds = [analog.UniformNoise(width=1, precision=1).seed for _ in range(2)]
    torch.manual_seed(3)
    assert [analog.UniformNoise(width=1, precision=1).seed for _ in range(2)] == seeds
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_goes_on_as_the_original(build_drawing, copied):
    layer = build_drawing()
    outputs(layer)
    assert torch.equal(outputs(copied(layer)), outputs(layer))


def test_a_saved_layer_goes_on_with_the_same_bits(build_drawing):
    layer = build_drawing()
    outputs(layer)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    expected = outputs(layer)
    file.seek(0)
    other = build_drawing()
    other.seed = 12345
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(outputs(other), expected)


def test_states_can_be_cloned_and_those_of_old_load(build_drawing):
    layer = build_drawing()
    outputs(layer)
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    expected, old = outputs(layer), {"seed": layer.seed, "draws": 3}
    key = next(name for name in state if name.endswith("_extra_state"))
    for given in (state, state | {key: old}):
        other = build_drawing()
        other.seed = 12345
        other.load_state_dict(given)
        assert torch.equal(outputs(other), expected)
    for damaged in (torch.zeros(2), torch.zeros(3, dtype=torch.int64), {"seed": 1}, {"seed": "1", "draws": 0}, None):
        with pytest.raises(ValueError, match="the state must be a seed and a number of draws, got"):
            layer.load_state_dict(state | {key: damaged})
    with pytest.raises(ValueError, match="the number of draws must be between 0 and 2"):
        layer.load_state_dict(state | {key: torch.tensor([1, -1])})


def test_threads_other_draws_and_modes_change_nothing(build_drawing):
    expected = outputs(build_drawing(), 1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        layer = build_drawing()
        layer.eval()(X)
        torch.rand(7)
        assert torch.equal(outputs(layer.train(), 1), expected)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_process_draws_its_own(monkeypatch, dtype):
    alone = draw("normal", X.to(dtype), 1, 0)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    results = []
    for rank in range(2):
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        results.append(draw("normal", X.to(dtype), 1, 0))
    assert torch.equal(results[0], alone)
    assert not torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_seeds_and_steps_do_not_meet(dtype):
    keys = [(seed, step) for seed in (0, 1, 2**32, 2**62) for step in (0, 1, 2**32)]
    draws = {tuple(draw("uniform", torch.empty(4, dtype=dtype), seed, step).tolist()) for seed, step in keys}
    assert len(draws) == len(keys)


def test_vmap_draws_for_each_sample():
    noise = torch.func.vmap(lambda row: analog.gaussian_noise(row, 1.0, seed=0))(torch.zeros(3, 50))
    assert len(noise[:, 0].unique()) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_layers_draw_and_count_under_transforms(build_drawing):
    """The draws are those of a layer alone, in order, whatever the nesting."""
    loss = lambda layer: lambda x: layer(x).square().sum()  # noqa: E731
    layer, alone = build_drawing(), build_drawing()
    expected = 2 * outputs(alone, 4)
    torch.testing.assert_close(grad(loss(layer))(X), expected[0])
    torch.testing.assert_close(vmap(grad(loss(layer)))(X), expected[1])
    torch.testing.assert_close(vmap(grad(loss(layer)), randomness="different")(X), expected[2])
    pushed = torch.func.jvp(loss(layer), (X,), (torch.ones_like(X),))[1]
    torch.testing.assert_close(pushed, expected[3].sum())
    assert layer.draws == 4
    torch.testing.assert_close(outputs(layer), outputs(alone))


def test_vmap_with_the_same_randomness_and_with_steps_of_their_own(build_drawing):
    layer, alone = build_drawing(), build_drawing()
    same = vmap(layer, randomness="same")(X[:1].expand(3, -1))
    torch.testing.assert_close(same, alone(X[0]).expand(3, -1))
    each = vmap(lambda step: draw("uniform", X[0], 1, step))(torch.arange(3))
    torch.testing.assert_close(each, torch.stack([draw("uniform", X[0], 1, step) for step in range(3)]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_traces_refuse_to_keep_one_draw(build_drawing):
    layer = build_drawing()
    with pytest.raises(RuntimeError, match=r"draws anew in every call, which torch\.jit\.trace does not"):
        torch.jit.trace(layer, X, check_trace=False)
    assert layer.draws == 0
    traced = torch.jit.trace(layer.eval(), X)
    file = io.BytesIO()
    torch.jit.save(traced, file)
    assert torch.equal(traced(2 * X), layer(2 * X))


@pytest.mark.slow
def test_an_exported_layer_draws_anew(build_drawing):
    program = torch.export.export(build_drawing(), (X,)).module()
    expected = outputs(build_drawing(), 4)[1:]  # to export is to draw once
    torch.testing.assert_close(torch.stack([program(X) for _ in range(3)]), expected)


def test_a_default_device_does_not_move_the_noise(build_drawing):
    for dtype in (torch.float32, torch.float64):
        expected = build_drawing()(X.to(dtype))
        with torch.device("meta"):
            drawn = build_drawing()(X.to(dtype))
        assert torch.equal(drawn, expected)


@pytest.mark.slow
@pytest.mark.parametrize("distribution", ["normal", "uniform", "poisson"])
def test_the_operator_is_well_formed(distribution):
    torch.library.opcheck(torch.ops.retrolux.draw, (X.abs(), distribution, 1, torch.tensor(2)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own
@pytest.mark.parametrize("gradient", ["true", "straight_through", lambda x, grad_y: grad_y * torch.cos(x)])
def test_compiled_layers_give_the_same_call_after_call(gradient):
    names = ("Clamp", "Clamp01", "LPNorm", "LPNormM", "LPNormW", "LPNormWM")
    chain = [getattr(analog, name)(gradient=gradient) for name in names] + [
        analog.ReducePrecision(63, gradient=gradient),
        analog.StochasticReducePrecision(31, seed=1, gradient=gradient),
        *(
            getattr(analog, f"{name}Noise")(leakage=0.3, precision=31, seed=2, gradient=gradient)
            for name in ("Gaussian", "Laplacian", "Uniform", "Poisson")
        ),
    ]
    eager = torch.nn.Sequential(*chain)
    compiled = torch.compile(copy.deepcopy(eager), fullgraph=True, backend="aot_eager")
    for _ in range(3):
        results = []
        for network in (eager, compiled):
            x = X.clone().requires_grad_()
            y = network(x)
            y.square().sum().backward()
            results.append((y.detach(), x.grad))
        torch.testing.assert_close(*results)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own
def test_compiled_through_the_default_compiler():
    eager = torch.nn.Sequential(
        torch.nn.Linear(15, 8),
        analog.Clamp(),
        analog.ReducePrecision(15),
        analog.GaussianNoise(leakage=0.2, precision=15, seed=1),
    )
    twin = copy.deepcopy(eager)
    compiled = torch.compile(twin, fullgraph=True)
    for _ in range(3):
        torch.testing.assert_close(compiled(X), eager(X))
    assert twin[3].draws == 3


def test_other_devices_draw_where_they_are(build_drawing):
    """Fake tensors carry a device and no numbers."""
    layer = build_drawing()
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert layer(torch.empty(4, 5, device="cuda")).device.type == "cuda"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_resumes_as_a_cpu_does(build_drawing):
    layers = [build_drawing().to("cuda") for _ in range(2)]
    results = [torch.stack([layer(X.to("cuda")) for _ in range(3)]) for layer in layers]
    assert results[0].device.type == "cuda"
    assert torch.equal(*results)
