"""The oracle itself: against dense matrices, finite differences and the reversible adjoint on paper."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.mesh import butterfly, from_columns, haar_phases, rectangular, triangular
from retrolux.mesh.convention import mzi
from retrolux.mesh.reference import gradients, propagate

MESHES = [
    rectangular(2),
    rectangular(5),
    triangular(4),
    butterfly(4),
    from_columns(5, [[(4, 0)], [], [(1, 3), (2, 0)]]),
    from_columns(3, []),
]


def complex_normal(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def damaged(topology, rng):
    """Return all settings of a mesh with coupler errors and loss, by name."""
    theta, phi, gamma = haar_phases(topology, rng)
    return {
        "theta": theta,
        "phi": phi,
        "gamma": gamma,
        "coupler_error": rng.normal(0, 0.2, (topology.mzis, 2)),
        "loss_db": rng.uniform(0.1, 2, (topology.mzis, 4)),
    }


@pytest.mark.parametrize("topology", MESHES, ids=repr)
def test_propagate_is_the_product_of_the_columns(topology, rng, tolerance):
    settings = damaged(topology, rng)
    transfers = mzi(settings["theta"], settings["phi"], settings["coupler_error"], settings["loss_db"])
    unitary = np.eye(topology.modes)
    for begin, pairs in zip(topology.starts, topology.columns, strict=False):
        column = np.eye(topology.modes, dtype=complex)
        for k, (a, b) in enumerate(pairs, start=begin):
            column[a, a], column[a, b] = transfers[k, 0]
            column[b, a], column[b, b] = transfers[k, 1]
        unitary = column @ unitary
    unitary = np.diag(np.exp(1j * settings["gamma"])) @ unitary

    x = complex_normal(rng, 3, 2, topology.modes)
    y = propagate(topology, x, **settings)
    assert y.dtype == np.complex128
    np.testing.assert_allclose(y, x @ unitary.T, rtol=0, atol=4 * tolerance(np.float64, topology.depth))


@pytest.mark.parametrize("shape", [(5,), (0, 5), (1, 5), (2, 0, 5), (2, 3, 5)])
def test_any_batch_shape(shape, rng):
    topology = rectangular(5)
    settings = damaged(topology, rng)
    x, g = complex_normal(rng, *shape), complex_normal(rng, *shape)
    y, grads = propagate(topology, x, **settings), gradients(topology, x, **settings, grad_y=g)
    assert y.shape == grads.x.shape == shape
    for name, value in settings.items():
        assert getattr(grads, name).shape == value.shape
    flat = gradients(topology, x.reshape(-1, 5), **settings, grad_y=g.reshape(-1, 5))
    np.testing.assert_array_equal(grads.theta, flat.theta)
    np.testing.assert_array_equal(y.reshape(-1, 5), propagate(topology, x.reshape(-1, 5), **settings))


@pytest.mark.parametrize("topology", MESHES, ids=repr)
def test_power_is_kept_without_loss_and_falls_with_it(topology, rng):
    settings = damaged(topology, rng)
    x = complex_normal(rng, 7, topology.modes)
    power = np.sum(np.abs(x) ** 2, axis=-1)
    lossy = np.sum(np.abs(propagate(topology, x, **settings)) ** 2, axis=-1)
    settings["loss_db"] = None
    ideal = np.sum(np.abs(propagate(topology, x, **settings)) ** 2, axis=-1)
    np.testing.assert_allclose(ideal, power, rtol=1e-13)
    if topology.mzis:
        assert (lossy < power * 0.999).all()


@pytest.mark.parametrize("topology", MESHES, ids=repr)
def test_gradients_are_finite_differences(topology, rng):
    settings = damaged(topology, rng)
    x, g = complex_normal(rng, 3, topology.modes), complex_normal(rng, 3, topology.modes)
    grads = gradients(topology, x, **settings, grad_y=g)

    def loss(field=x, **changed):
        # Linear in y with ∂L/∂Re y + i ∂L/∂Im y = g.
        return np.sum((g.conj() * propagate(topology, field, **{**settings, **changed})).real)

    step = 1e-5
    for name, value in settings.items():
        expected = np.empty_like(value)
        for at in np.ndindex(value.shape):
            shift = np.zeros_like(value)
            shift[at] = step
            expected[at] = (loss(**{name: value + shift}) - loss(**{name: value - shift})) / (2 * step)
        np.testing.assert_allclose(getattr(grads, name), expected, rtol=0, atol=1e-8, err_msg=name)

    expected = np.empty_like(x)
    for at in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[at] = step
        real = (loss(x + shift) - loss(x - shift)) / (2 * step)
        imaginary = (loss(x + 1j * shift) - loss(x - 1j * shift)) / (2 * step)
        expected[at] = real + 1j * imaginary
    np.testing.assert_allclose(grads.x, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("topology", MESHES, ids=repr)
def test_gradients_are_those_of_the_reversible_adjoint(topology, rng, tolerance):
    """The formulas by which the kernels walk back, with the field recovered by the inverse of each MZI."""
    settings = damaged(topology, rng)
    x, g = complex_normal(rng, 3, topology.modes), complex_normal(rng, 3, topology.modes)
    grads = gradients(topology, x, **settings, grad_y=g)

    y = propagate(topology, x, **settings)
    allowed = 100 * tolerance(np.float64, topology.depth)
    np.testing.assert_allclose(grads.gamma, -np.sum((g.conj() * y).imag, axis=0), rtol=0, atol=allowed)
    y, g = y * np.exp(-1j * settings["gamma"]), g * np.exp(-1j * settings["gamma"])
    transfers = mzi(settings["theta"], settings["phi"], settings["coupler_error"], settings["loss_db"])
    for k in reversed(range(topology.mzis)):
        a, b = topology.pairs[k]
        eta = np.pi / 4 + settings["coupler_error"][k, 1]
        c, s = np.cos(eta), np.sin(eta)
        aa, bb, ab, ba = (np.sum(g[:, i].conj() * y[:, j]) for i, j in [(a, a), (b, b), (a, b), (b, a)])
        by_theta = -(c * c * aa.imag + s * s * bb.imag) + c * s * (ab.real - ba.real)
        assert by_theta == pytest.approx(grads.theta[k], rel=0, abs=allowed)
        y[:, [a, b]] = y[:, [a, b]] @ np.linalg.inv(transfers[k]).T
        g[:, [a, b]] = g[:, [a, b]] @ transfers[k].conj()
        by_phi = -np.sum((g[:, a].conj() * y[:, a]).imag)
        assert by_phi == pytest.approx(grads.phi[k], rel=0, abs=allowed)
    np.testing.assert_allclose(y, x, rtol=0, atol=allowed)
    np.testing.assert_allclose(g, grads.x, rtol=0, atol=allowed)


@pytest.mark.parametrize("topology", MESHES, ids=repr)
def test_gradient_by_x_is_the_adjoint(topology, rng):
    settings = damaged(topology, rng)
    x, g = complex_normal(rng, 3, topology.modes), complex_normal(rng, 3, topology.modes)
    forward = np.vdot(g, propagate(topology, x, **settings))
    assert forward == pytest.approx(np.vdot(gradients(topology, x, **settings, grad_y=g).x, x), rel=1e-12)


def test_an_absent_imperfection_is_zero(rng):
    topology = rectangular(4)
    theta, phi, gamma = haar_phases(topology, rng)
    x, g = complex_normal(rng, 3, 4), complex_normal(rng, 3, 4)
    absent = gradients(topology, x, theta, phi, gamma, grad_y=g)
    zeros = {"coupler_error": np.zeros((6, 2)), "loss_db": np.zeros((6, 4))}
    present = gradients(topology, x, theta, phi, gamma, **zeros, grad_y=g)
    for one, other in zip(absent, present, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (absent.coupler_error != 0).all()
    assert (absent.loss_db != 0).all()


def test_arguments_are_left_as_they_were(rng):
    topology = rectangular(4)
    settings = damaged(topology, rng)
    x, g = complex_normal(rng, 3, 4), complex_normal(rng, 3, 4)
    for array in (x, g, *settings.values()):
        array.setflags(write=False)  # writing to one would raise
    y = propagate(topology, x, **settings)
    grads = gradients(topology, x, **settings, grad_y=g)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(grads.x, g)


def test_an_empty_mesh_gives_no_view_of_its_input():
    x = np.ones((2, 3), dtype=complex)
    y = propagate(from_columns(3, []), x, [], [], np.zeros(3))
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(y, x)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", np.zeros(3), r"x must have shape \(\.\.\., modes\) = \(\.\.\., 4\), got \(3,\)"),
        ("x", 1.0, r"x must have shape \(\.\.\., modes\) = \(\.\.\., 4\), got \(\)"),
        ("theta", np.zeros(5), r"theta must have shape \(mzis,\) = \(6,\), got \(5,\)"),
        ("phi", np.zeros((6, 1)), r"phi must have shape \(mzis,\) = \(6,\), got \(6, 1\)"),
        ("gamma", np.zeros(6), r"gamma must have shape \(modes,\) = \(4,\), got \(6,\)"),
        ("coupler_error", np.zeros(2), r"coupler_error must have shape \(mzis, 2\) = \(6, 2\), got \(2,\)"),
        ("loss_db", np.zeros((6, 2)), r"loss_db must have shape \(mzis, 4\) = \(6, 4\), got \(6, 2\)"),
        ("loss_db", np.full((6, 4), -0.5), r"loss_db must be zero or positive \(dB of loss\), got -0\.5"),
    ],
)
def test_wrong_arguments_are_refused(name, value, message, rng):
    arguments = {"x": np.zeros(4), **damaged(rectangular(4), rng), name: value}
    with pytest.raises(ValueError, match=f"^{message}$"):
        propagate(rectangular(4), **arguments)
    with pytest.raises(ValueError, match=f"^{message}$"):
        gradients(rectangular(4), **arguments, grad_y=np.zeros(4))


def test_an_upstream_gradient_of_another_shape_is_refused(rng):
    with pytest.raises(ValueError, match=r"^grad_y must have the shape of x, \(2, 4\), got \(1, 4\)$"):
        gradients(rectangular(4), np.zeros((2, 4)), **damaged(rectangular(4), rng), grad_y=np.zeros((1, 4)))
