"""Gradients under losses of any size, equal or not, against an oracle that keeps the light of every MZI."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh import reference
from retrolux.mesh.convention import mzi
from retrolux.mesh.reference import _mzi_derivatives
from retrolux.mesh.settings import Settings

CHAIN = mesh.from_columns(4, [[(0, 1), (2, 3)], [(2, 3)], [(2, 3)]])


def strong_and_weak_samples(case):
    """Light of amplitude 100 that stays in modes 0 and 1, and faint light that crosses 104 dB in modes 2 and 3."""
    case.x[:] = 0
    case.x[0, :2] = 100
    case.x[1, 2:] = 1, 0.5
    case.settings["loss_db"][:] = 0
    case.settings["loss_db"][1:, 0] = 4
    case.settings["loss_db"][1:, 2] = 48


def strong_and_weak_modes(case):
    """The same in one sample: strong modes must not hide weak ones either."""
    strong_and_weak_samples(case)
    case.x[0, 2:] = case.x[1, 2:]
    case.x[1] = case.x[0, ::-1]


def one_arm(case):
    case.settings["loss_db"][::2, 0] = 50


def below_theta(case):
    case.settings["loss_db"][::3, 3] = 90


def alike_in_each(case):
    """All arms of an MZI alike, so that none by itself is unequal: light that was weakened meets light that was not."""
    case.settings["loss_db"][:] = 0
    case.settings["loss_db"][::2] = 40


def alike_in_all(case):
    """Losses that all light shares, and that leave 1e-30 of it, or 1e-100."""
    case.settings["loss_db"][:] = 60 if case.x.dtype == np.complex64 else 200


def moderate(case):
    """Little enough for light to be traced back."""
    case.settings["loss_db"][:] = 0.3
    case.settings["loss_db"][::5, 2] = 3


CASES = {
    "strong and weak samples": (CHAIN, 2, strong_and_weak_samples),
    "strong and weak modes": (CHAIN, 2, strong_and_weak_modes),
    "one arm": (mesh.rectangular(6), 37, one_arm),
    "below theta": (mesh.triangular(9), 200, below_theta),
    "alike in each": (mesh.butterfly(8), 70, alike_in_each),
    "alike in all": (mesh.rectangular(5), 3, alike_in_all),
    "moderate": (mesh.rectangular(7), 67, moderate),
    "many tiles": (mesh.rectangular(13), 300, one_arm),
}


def gradient_of_normalised_powers(y):
    """Return ∂L/∂y of L = Σ c |y|² / Σ |y|² of every sample, as large for faint light as for bright."""
    weight = np.arange(1, y.shape[1] + 1)
    power = np.abs(y) ** 2
    total = power.sum(axis=1, keepdims=True)
    return 2 * y * (weight / total - (power @ weight)[:, None] / total**2)


def scales(case):
    """Return for every setting of every MZI, (mzis, 8), what its gradient would be if nothing cancelled."""
    pairs, settings = case.topology.pairs, {k: v.astype(float) for k, v in case.settings.items() if k != "gamma"}
    gains = np.linalg.norm(mzi(**settings), 2, axis=(1, 2))
    slopes = np.abs(_mzi_derivatives(*settings.values())).sum(axis=(2, 3))
    light, gradient = np.abs(case.x).astype(float), np.abs(case.grad_y).astype(float)
    entering = np.empty((len(pairs), len(light)))
    for k, pair in enumerate(pairs):
        entering[k] = light[:, pair].max(axis=1)
        light[:, pair] = gains[k] * entering[k][:, None]
    for k, pair in reversed(list(enumerate(pairs))):
        behind = gradient[:, pair].max(axis=1)
        slopes[k] *= behind @ entering[k]
        gradient[:, pair] = gains[k] * behind[:, None]
    return slopes


def assert_right(found, case, expected):
    """No MZI's error is measured by the gradients of another: each is as right as its light and gradient can be."""
    eps, columns = np.finfo(case.settings["theta"].dtype).eps, {"theta": 0, "phi": 1, "coupler_error": slice(2, 4)}
    faint = 1e-29 if eps > 1e-9 else 1e-289  # what passes may take for darkness
    allowed = 4 * eps * (case.topology.depth + 4) * scales(case) + faint
    for what in found.keys() & {*columns, "loss_db"}:
        error = np.abs(found[what] - getattr(expected, what)) / allowed[:, columns.get(what, slice(4, 8))]
        assert (error <= 1).all(), (what, error.max())


@functools.cache
def drawn(name, real, draw):
    """Return a case with the oracle's gradients, computed once for all instruction sets."""
    topology, batch, change = CASES[name]
    case = draw(topology, batch, real, np.random.default_rng(20230428))
    change(case)
    grad_y = gradient_of_normalised_powers(reference.propagate(topology, case.x, **case.settings))
    # Divided by a power of two, which keeps all digits: that of faint light would not fit into single precision.
    case.grad_y = (grad_y / 2.0 ** np.ceil(np.log2(np.abs(grad_y).max()))).astype(case.x.dtype)
    return case, reference.gradients(topology, case.x, **case.settings, grad_y=case.grad_y)


@pytest.mark.parametrize("error_gradients", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_right_for_any_losses(kernels, real, name, error_gradients, draw):
    case, expected = drawn(name, real, draw)
    found = case.adjoint(kernels, case.forward(kernels), threads=2, error_gradients=error_gradients)
    assert_right(found, case, expected)
    allowed = 4 * np.finfo(real).eps * (case.topology.depth + 4) * np.abs(case.grad_y).max()
    np.testing.assert_allclose(found["x"], expected.x, rtol=0, atol=allowed)


@functools.cache
def drawn_stack(change, real, draw):
    """Return two cases, of which one has the losses of `change`, with the oracle's gradients of their matrices."""
    rng, topology = np.random.default_rng(5), mesh.rectangular(18)
    cases = [draw(topology, topology.modes, real, rng) for _ in range(2)]
    change(cases[1])
    for case in cases:
        case.x[:] = np.eye(topology.modes)
    return cases, [reference.gradients(topology, c.x, **c.settings, grad_y=c.grad_y) for c in cases]


@pytest.mark.parametrize("error_gradients", [False, True])
@pytest.mark.parametrize("change", [one_arm, below_theta, alike_in_each, moderate])
def test_gradients_of_matrices_are_right_for_any_losses(kernels, real, change, error_gradients, draw):
    """Also where meshes of a stack differ: some can be reversed, some cannot."""
    cases, expected = drawn_stack(change, real, draw)
    layout = cases[0].topology.layout
    stacked = Settings(**{name: np.stack([case.settings[name] for case in cases]) for name in cases[0].settings})
    grad = np.stack([case.grad_y for case in cases])
    transposed, found = (
        np.empty_like(grad),
        Settings(*(None if s is None else np.full_like(s, np.nan) for s in stacked)),
    )
    kernels.matrices(layout, stacked, transposed, 2)
    if not error_gradients:
        found = found._replace(coupler_error=None, loss_db=None)
    kernels.matrices_adjoint(layout, stacked, transposed, grad, found, 2)
    for i, case in enumerate(cases):
        assert_right({name: s[i] for name, s in found._asdict().items() if s is not None}, case, expected[i])


def test_threads_do_not_change_a_bit(kernels, real, draw, rng):
    case = draw(mesh.rectangular(13), 700, real, rng)
    one_arm(case)
    y = case.forward(kernels)
    expected = case.adjoint(kernels, y, error_gradients=True)
    for threads in (2, 3, 7):
        for name, gradient in case.adjoint(kernels, y, threads, error_gradients=True).items():
            np.testing.assert_array_equal(gradient, expected[name], err_msg=name)


def test_losses_need_the_input(kernels, draw, rng):
    case = draw(mesh.rectangular(4), 3, np.dtype("float64"), rng)
    gradients = Settings(*(np.empty_like(case.settings[name]) for name in ("theta", "phi", "gamma")))
    arguments = case.topology.layout, case.record, case.grad_y, case.grad_y
    with pytest.raises(ValueError, match="the adjoint of a mesh with losses needs its input x, got None"):
        kernels.adjoint(*arguments, None, None, gradients, 1)
