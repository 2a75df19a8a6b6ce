"""Every pass, on every instruction set, against the slow oracle and against what physics demands."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh import reference
from retrolux.mesh.settings import Settings

BATCHES = [0, 1, 31, 33, 67]  # empty, single, around the narrow tile's and the wide tile's width


@pytest.mark.parametrize("imperfect", [False, True])
@pytest.mark.parametrize("batch", BATCHES)
def test_forward_equals_the_reference(kernels, real, topology, batch, imperfect, draw, rng, tolerance):
    case = draw(topology, batch, real, rng, imperfect)
    expected = reference.propagate(topology, case.x, **case.settings)
    np.testing.assert_allclose(case.forward(kernels), expected, rtol=0, atol=tolerance(real, topology.depth))


@pytest.mark.parametrize("error_gradients", [False, True])
@pytest.mark.parametrize("imperfect", [False, True])
@pytest.mark.parametrize("batch", BATCHES)
def test_adjoint_equals_the_reference(kernels, real, topology, batch, imperfect, error_gradients, draw, rng, tolerance):
    case = draw(topology, batch, real, rng, imperfect)
    y = reference.propagate(topology, case.x, **case.settings).astype(case.x.dtype)
    expected = reference.gradients(topology, case.x, **case.settings, grad_y=case.grad_y)
    found = case.adjoint(kernels, y, error_gradients=error_gradients)
    # A setting's gradient sums over the batch; unequal losses are undone on the way back, which magnifies errors.
    allowed = tolerance(real, topology.depth) * 4
    np.testing.assert_allclose(found.pop("x"), expected.x, rtol=0, atol=allowed)
    for name, gradient in found.items():
        np.testing.assert_allclose(
            gradient, getattr(expected, name), rtol=0, atol=allowed * max(batch, 1), err_msg=name
        )


def test_reverse_is_the_adjoint_operator(on_either, real, topology, draw, rng, tolerance):
    case = draw(topology, 33, real, rng)
    inner_output = np.vdot(case.grad_y.astype(complex), case.forward(on_either))
    inner_input = np.vdot(case.reverse(on_either).astype(complex), case.x)
    assert abs(inner_output - inner_input) < tolerance(real, topology.depth) * 33


def test_reverse_and_adjoint_give_the_same_input_gradient(on_either, real, topology, draw, rng, tolerance):
    case = draw(topology, 33, real, rng)
    adjoint = case.adjoint(on_either, case.forward(on_either))["x"]
    np.testing.assert_allclose(case.reverse(on_either), adjoint, rtol=0, atol=tolerance(real, topology.depth))


def test_an_ideal_mesh_keeps_power(kernels, real, topology, draw, rng, tolerance):
    case = draw(topology, 33, real, rng, imperfect=False)
    powers = [np.sum(np.abs(light.astype(complex)) ** 2, axis=1) for light in (case.x, case.forward(kernels))]
    np.testing.assert_allclose(powers[1], powers[0], rtol=0, atol=tolerance(real, topology.depth))


def test_loss_only_takes_power(kernels, real, draw, rng):
    case = draw(mesh.rectangular(17), 33, real, rng)
    powers = [np.sum(np.abs(light.astype(complex)) ** 2, axis=1) for light in (case.x, case.forward(kernels))]
    assert (powers[1] < powers[0]).all()


def test_wanted_gradients_may_be_left_out(on_either, real, draw, rng):
    case = draw(mesh.rectangular(5), 33, real, rng)
    y = case.forward(on_either)
    full = case.adjoint(on_either, y)
    gradients = Settings(*(np.empty_like(full[name]) for name in ("theta", "phi", "gamma")))
    on_either.adjoint(case.topology.layout, case.record, y, case.grad_y, case.x, None, gradients, 1)
    for name in ("theta", "phi", "gamma"):
        np.testing.assert_array_equal(getattr(gradients, name), full[name])


@pytest.mark.parametrize("batch", [16, 64, 600])
def test_finite_differences_agree_in_float64(on_either, batch, draw, rng):
    case = draw(mesh.triangular(5), batch, np.dtype("float64"), rng)
    found = case.adjoint(on_either, case.forward(on_either), error_gradients=True)
    step = 1e-6
    for name, setting in case.settings.items():
        k = tuple(rng.integers(size) for size in setting.shape)
        losses = []
        for sign in (1, -1):
            setting[k] += sign * step
            losses.append(np.vdot(case.grad_y, case.forward(on_either)).real)
            setting[k] -= sign * step
        assert found[name][k] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-7), name


@pytest.mark.parametrize("real", ["float32", "float64"])
def test_a_large_mesh_stays_unitary(kernels, real):
    topology = mesh.rectangular(256)
    phases = Settings(*(phases.astype(real) for phases in mesh.haar_phases(topology, np.random.default_rng(1))))
    identity = np.eye(256, dtype=np.result_type(np.dtype(real), 1j))
    response = np.empty_like(identity)
    kernels.forward(topology.layout, phases, identity, response, 2)
    response = response.astype(complex)
    error = np.abs(response @ response.conj().T - np.eye(256)).max()
    assert error < {"float32": 1e-5, "float64": 1e-13}[real]
