"""Settings that torch computes: pruned, normed or parametrized, through every way in which light or a matrix is got."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm

from retrolux import mesh
from retrolux.hardware import Imperfections
from retrolux.nn import Conv2d, IntensityLinear, Linear, Mesh, UnitaryRNN
from retrolux.nn.blocks import Blocks

TOPOLOGY = mesh.rectangular(4)
MODELS = {
    "linear": (lambda seed=0: Linear(4, 4, seed=seed), "blocks", "sigma", (3, 4)),
    "conv": (lambda seed=0: Conv2d(1, 4, 2, seed=seed), "blocks", "sigma", (3, 1, 3, 3)),
    "chips": (lambda seed=0: Linear(4, 4, seed=seed, imperfections=Imperfections()), "blocks", "sigma", (3, 4)),
    "mesh": (lambda seed=0: Mesh(TOPOLOGY, seed=seed), "", "theta", (3, 4)),
    "rnn": (lambda seed=0: UnitaryRNN(4, 4, Mesh(TOPOLOGY, seed=seed)), "cell.mesh", "theta", (3, 1, 4)),
}


def old_weight_norm(module, name, dim=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch would have the parametrization
        return torch.nn.utils.weight_norm(module, name, dim)


class Same(torch.nn.Module):
    """Returns a new tensor."""

    def forward(self, x):
        return x * 1.0


class Affine(torch.nn.Module):
    def forward(self, x):
        return 2 * x + 1

    def right_inverse(self, y):
        return (y - 1) / 2


class Double(torch.nn.Module):
    """Says nothing of an inverse."""

    def forward(self, x):
        return 2 * x


# How a setting comes to be computed, and what it is then, from the tensors behind it.
WAYS = {
    "pruned": (
        lambda m, name: prune.l1_unstructured(m, name, amount=0.5),
        lambda m, name: getattr(m, f"{name}_orig") * getattr(m, f"{name}_mask"),
    ),
    "weight_norm": (
        old_weight_norm,
        lambda m, name: getattr(m, f"{name}_g") * getattr(m, f"{name}_v") / getattr(m, f"{name}_v").norm(),
    ),
    "spectral_norm": (
        spectral_norm,
        lambda m, name: (
            (orig := getattr(m, f"{name}_orig"))
            / (getattr(m, f"{name}_u") @ orig.reshape(len(orig), -1) @ getattr(m, f"{name}_v"))
        ),
    ),
    "parametrized": (
        lambda m, name: parametrize.register_parametrization(m, name, Affine()),
        lambda m, name: 2 * m.parametrizations[name].original + 1,
    ),
}


def out(layer, x):
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


def same_as_plain(layer, make, where, name, expected):
    """Return a layer without anything computed, that has the settings which are expected."""
    plain = make()
    plain.load_state_dict({k: v for k, v in layer.state_dict().items() if k in plain.state_dict()}, strict=False)
    plain.get_submodule(where).get_parameter(name).data.copy_(expected(layer.get_submodule(where), name))
    return plain


@pytest.mark.parametrize(("wrap", "expected"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("make", "where", "name", "shape"), MODELS.values(), ids=MODELS)
def test_computed_settings_are_never_stale(make, where, name, shape, wrap, expected):
    layer, other = make(), make(seed=1)
    for each in (layer, other):
        wrap(each.get_submodule(where), name)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    behind = [p for key, p in layer.get_submodule(where).named_parameters() if name in key]
    before = [parameter.detach().clone() for parameter in behind]
    optimizer = torch.optim.SGD(layer.parameters(), 0.05)
    for _ in range(3):
        optimizer.zero_grad()
        y = out(layer, x)
        ((y if y.ndim != 4 else y.movedim(1, -1)).abs().square() * torch.arange(4.0)).sum().backward()
        optimizer.step()
    assert not any(map(torch.equal, behind, before))
    layer.eval(), other.eval()
    with torch.no_grad():
        plain = same_as_plain(layer, make, where, name, expected)
        torch.testing.assert_close(out(layer, x), out(plain, x))
        if where == "":
            torch.testing.assert_close(layer.matrix(), plain.matrix())
        if where == "blocks":
            torch.testing.assert_close(layer.blocks.transmission(), plain.blocks.transmission())
        for parameter in layer.get_submodule(where).parameters():
            parameter.mul_(0.75)
        torch.testing.assert_close(out(layer, x), out(same_as_plain(layer, make, where, name, expected), x))
        out(other, x)
        other.load_state_dict(layer.state_dict())
        assert torch.equal(out(other, x), out(layer, x))


def test_pruned_settings_stay_zero():
    layer = Mesh(TOPOLOGY, seed=0)
    prune.l1_unstructured(layer, "theta", amount=0.5)
    optimizer = torch.optim.AdamW(layer.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer.matrix()[0, 0].abs().backward()
        optimizer.step()
    layer.matrix()
    assert torch.equal(layer.theta == 0, layer.theta_mask == 0)
    assert (layer.theta == 0).sum() == 3


def test_a_hook_of_the_user_that_may_compute_a_setting_is_refused_where_it_would_not_run():
    layer = Linear(4, 4, seed=0)
    layer.blocks.register_forward_pre_hook(lambda module, arguments: None)
    layer(torch.ones(4))  # it computes nothing
    raw = layer.blocks.sigma
    del layer.blocks.sigma
    layer.blocks.sigma = raw * 1.0
    with pytest.raises(RuntimeError, match=r"sigma of Blocks may be computed by the forward pre-hook .*parametrize"):
        layer(torch.ones(4))
    with pytest.raises(RuntimeError, match="sigma is computed by the user and cannot be set"):
        layer.reset_parameters()


def unitary(modes=4):
    rng = np.random.default_rng(0)
    return np.linalg.qr(rng.normal(size=(modes, modes)) + 1j * rng.normal(size=(modes, modes)))[0]


TAKES = {
    "identity": prune.identity,
    "pruned twice": lambda m, name: [prune.identity(m, name) for _ in range(2)],
    "same": lambda m, name: parametrize.register_parametrization(m, name, Same()),
    "affine": lambda m, name: parametrize.register_parametrization(m, name, Affine()),
    "affine twice": lambda m, name: [parametrize.register_parametrization(m, name, Affine()) for _ in range(2)],
    "weight_norm": lambda m, name: old_weight_norm(m, name, None),
    "weight_norm of each": lambda m, name: old_weight_norm(m, name, 0),
    "weight_norm parametrization": parametrizations.weight_norm,
    "behind what is pruned": lambda m, name: (
        prune.identity(m, name),
        parametrize.register_parametrization(m, f"{name}_orig", Affine()),
    ),
}


@pytest.mark.parametrize("wrap", TAKES.values(), ids=TAKES)
def test_a_matrix_is_loaded_through_what_can_take_it(wrap):
    wanted = unitary()
    layer = Mesh(TOPOLOGY, torch.complex128, seed=1)
    for name in ("theta", "gamma"):
        wrap(layer, name)
    layer.load_matrix(wanted)
    np.testing.assert_allclose(layer.matrix().detach(), wanted, atol=1e-13)
    np.testing.assert_allclose(layer(torch.eye(4, dtype=torch.complex128)).detach().T, wanted, atol=1e-13)

    blocks = Blocks(4, 6, 1, torch.float64, block=4, seed=1)
    wrap(blocks, "sigma")
    wrap(blocks, "phi")
    real = np.random.default_rng(1).normal(size=(1, 4, 6))
    blocks.load_matrix(real)
    np.testing.assert_allclose(blocks.matrix().detach(), real, atol=1e-12)


REFUSES = {
    "pruned": (WAYS["pruned"][0], r"theta is pruned and .* off by up to .*utils.prune.remove for 'theta'"),
    "spectral_norm": (spectral_norm, r"theta is spectrally normed .*utils.remove_spectral_norm for 'theta'"),
    "no inverse": (
        lambda m, name: parametrize.register_parametrization(m, name, Double()),
        r"theta is parametrized .*utils.parametrize.remove_parametrizations for 'theta' first",
    ),
}


@pytest.mark.parametrize(("wrap", "message"), REFUSES.values(), ids=REFUSES)
@pytest.mark.parametrize("kind", ["mesh", "blocks"])
@pytest.mark.parametrize("training", [False, True])
def test_a_matrix_that_cannot_be_taken_is_refused_and_nothing_changes(kind, wrap, message, training):
    layer = Mesh(TOPOLOGY, torch.complex128, seed=1) if kind == "mesh" else Blocks(4, 4, dtype=torch.float64, seed=1)
    wrap(layer, "theta")
    layer.train(training).matrix()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items() if isinstance(tensor, torch.Tensor)}
    theta = layer.theta.clone()
    with pytest.raises(RuntimeError, match=message):
        layer.load_matrix(unitary() if kind == "mesh" else np.eye(4)[None] + 0.1)
    assert all(torch.equal(layer.state_dict()[name], tensor) for name, tensor in before.items())
    if not training:  # where a spectral norm goes on with every computation
        assert torch.equal(layer.theta, theta)


def test_a_matrix_is_loaded_after_pruning_is_removed():
    layer = Mesh(TOPOLOGY, torch.complex128, seed=1)
    prune.l1_unstructured(layer, "theta", amount=0.5)
    prune.remove(layer, "theta")
    layer.load_matrix(unitary())
    np.testing.assert_allclose(layer.matrix().detach(), unitary(), atol=1e-13)


RESETS = {
    **{key: (make, where, name) for key, (make, where, name, _) in MODELS.items()},
    "bias": (MODELS["linear"][0], "", "bias"),
    "intensity": (lambda: IntensityLinear(4, 4, mesh=Mesh(TOPOLOGY, seed=0)), "", "gain"),
    "intensity bias": (lambda: IntensityLinear(4, 4, mesh=Mesh(TOPOLOGY, seed=0)), "", "bias"),
}


@pytest.mark.parametrize("wrap", [*(TAKES[k] for k in ("identity", "same", "affine")), WAYS["pruned"][0]])
@pytest.mark.parametrize(("make", "where", "name"), RESETS.values(), ids=RESETS)
def test_reset_is_as_computed_from_a_new_layer(make, where, name, wrap):
    layer, new = make(), make()
    for each in (layer, new):
        wrap(each.get_submodule(where), name)
    found, wanted = (getattr(each.get_submodule(where), name).detach().clone() for each in (layer, new))
    assert torch.equal(found, wanted)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.5)
    layer.reset_parameters()
    assert torch.equal(getattr(layer.get_submodule(where), name), wanted)


def test_reset_of_a_weight_norm_sets_size_and_direction():
    layer, new = (Mesh(TOPOLOGY, seed=0) for _ in range(2))
    old_weight_norm(layer, "theta")
    with torch.no_grad():
        layer.theta_g.mul_(2)
        layer.theta_v.add_(1)
    layer.reset_parameters()
    torch.testing.assert_close(layer.theta, new.theta.detach())
    torch.testing.assert_close(layer.matrix(), new.matrix())


def test_a_digital_layer_gets_the_pruned_bias_of_now():
    layer = Linear(4, 4, seed=0)
    prune.l1_unstructured(layer, "bias", amount=2)
    with torch.no_grad():
        layer.bias_orig.fill_(7)
    digital = layer.to_linear()
    assert torch.equal(digital.bias, 7 * layer.bias_mask)
    torch.testing.assert_close(digital(torch.eye(4)), layer(torch.eye(4)))
