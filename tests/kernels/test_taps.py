"""Tapped passes: the same light as without taps, and the powers of a column-by-column model in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh import reference


def tap_powers(case, backward):
    """Return the powers right behind each shifter, shape (batch, mzis, 2), by a model of single elements."""
    topology, settings = case.topology, {k: v.astype(float) for k, v in case.settings.items() if v is not None}
    errors = settings.get("coupler_error", np.zeros((topology.mzis, 2)))
    amplitude = 10 ** (-settings.get("loss_db", np.zeros((topology.mzis, 4))) / 20)
    field = case.x.astype(complex)
    powers = np.empty((len(field), topology.mzis, 2))

    def couple(pair, error):
        c, s = np.cos(np.pi / 4 + error), np.sin(np.pi / 4 + error)
        field[:, pair] = field[:, pair] @ np.array([[c, 1j * s], [1j * s, c]])

    def shift(pair, phase, losses):
        field[:, pair] *= losses
        field[:, pair[0]] *= np.exp(1j * phase)

    if backward:
        field *= np.exp(1j * settings["gamma"])
    for k in reversed(range(topology.mzis)) if backward else range(topology.mzis):
        pair = topology.pairs[k]
        for which in (1, 0) if backward else (0, 1):  # 0: phi and coupler 1; 1: theta and coupler 2
            phase = settings["theta" if which else "phi"][k]
            losses = amplitude[k, 2 * which : 2 * which + 2]
            if backward:  # light from the right meets the coupler, then the tap, then the shifter
                couple(pair, errors[k, which])
                powers[:, k, 1 - which] = np.abs(field[:, pair[0]]) ** 2
                shift(pair, phase, losses)
            else:
                shift(pair, phase, losses)
                powers[:, k, 1 - which] = np.abs(field[:, pair[0]]) ** 2
                couple(pair, errors[k, which])
    return powers


def read(kernels, case, backward, weight=None, threads=1):
    """Return the output and either every reading, or with `weight` the two sums."""
    kernel = kernels.backward_taps if backward else kernels.forward_taps
    y, mzis, real = np.full_like(case.x, np.nan), case.topology.mzis, case.settings["theta"].dtype
    if weight is None:
        each = np.full((len(case.x), mzis, 2), np.nan, real)
        kernel(case.topology.layout, case.record, case.x, y, each=each, threads=threads)
        return y, each
    total, second = np.full((mzis, 2), np.nan, real), np.full((mzis, 2), np.nan, real)
    sums = {"weight": weight, "total": total, "second": second}
    kernel(case.topology.layout, case.record, case.x, y, **sums, threads=threads)
    return y, total, second


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("imperfect", [False, True])
@pytest.mark.parametrize("batch", [0, 1, 33, 67])
def test_readings(kernels, real, topology, backward, imperfect, batch, draw, rng, tolerance):
    case = draw(topology, batch, real, rng, imperfect)
    expected = tap_powers(case, backward)
    allowed = tolerance(real, topology.depth)
    y, each = read(kernels, case, backward)
    np.testing.assert_allclose(each, expected, rtol=0, atol=allowed)
    weight = rng.uniform(0, 2, batch).astype(real)
    y_summed, total, second = read(kernels, case, backward, weight)
    np.testing.assert_allclose(y_summed, y, rtol=0, atol=allowed)
    np.testing.assert_allclose(total, np.einsum("b,bkt", weight, expected), rtol=0, atol=allowed * max(batch, 1))
    np.testing.assert_allclose(
        second, np.einsum("b,bkt", weight.astype(float) ** 2, expected), rtol=0, atol=2 * allowed * max(batch, 1)
    )


@pytest.mark.parametrize("imperfect", [False, True])
def test_light_comes_out_as_without_taps(kernels, real, topology, imperfect, draw, rng, tolerance):
    case = draw(topology, 33, real, rng, imperfect)
    allowed = tolerance(real, topology.depth)
    np.testing.assert_allclose(read(kernels, case, False)[0], case.forward(kernels), rtol=0, atol=allowed)
    # Backward light goes through the transpose: U† is its conjugate.
    case.grad_y = case.x.conj()
    np.testing.assert_allclose(read(kernels, case, True)[0], case.reverse(kernels).conj(), rtol=0, atol=allowed)


def test_reciprocity(on_either, real, topology, draw, rng, tolerance):
    """What mode j gives in mode i forward, mode i gives in mode j backward, loss and errors included."""
    case = draw(topology, topology.modes, real, rng)
    case.x = np.eye(topology.modes, dtype=case.x.dtype)
    there, back = read(on_either, case, False)[0], read(on_either, case, True)[0]
    np.testing.assert_allclose(back, there.T, rtol=0, atol=tolerance(real, topology.depth))


@pytest.mark.parametrize("backward", [False, True])
def test_threads_do_not_change_a_bit(kernels, real, backward, draw, rng):
    case = draw(mesh.rectangular(32), 601, real, rng)
    weight = rng.uniform(0, 1, 601).astype(real)
    expected = read(kernels, case, backward, weight)
    for threads in (2, 3, 7):
        for a, b in zip(read(kernels, case, backward, weight, threads), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_tap_powers_give_the_gradient(kernels, draw, rng):
    """The three-measurement identity of Hughes et al., on a mesh with coupler errors."""
    case = draw(mesh.triangular(5), 3, np.dtype("float64"), rng, imperfect=False)
    case.settings["coupler_error"] = rng.normal(0, 0.1, (case.topology.mzis, 2))
    expected = reference.gradients(case.topology, case.x, **case.settings, grad_y=case.grad_y)
    x, forward = case.x, read(kernels, case, False)[1]
    case.x = case.grad_y.conj()
    retraced, backward = read(kernels, case, True)
    case.x = x - 1j * retraced.conj()
    both = read(kernels, case, False)[1]
    slopes = ((both - forward - backward) / 2).sum(axis=0)
    np.testing.assert_allclose(slopes[:, 0], expected.theta, rtol=0, atol=1e-13)
    np.testing.assert_allclose(slopes[:, 1], expected.phi, rtol=0, atol=1e-13)


def test_readings_need_a_place(kernels, draw, rng):
    case = draw(mesh.rectangular(3), 2, np.dtype("float64"), rng)
    arguments = (case.topology.layout, case.record, case.x, np.empty_like(case.x))
    weight, each, total = np.ones(2), np.empty((2, 3, 2)), np.empty((3, 2))
    for wrong in ({"total": total}, {"weight": weight, "each": each, "total": total}, {"each": each, "second": total}):
        with pytest.raises(ValueError, match="into `each`, or into `total` and perhaps `second` with a `weight`"):
            kernels.forward_taps(*arguments, **wrong, threads=1)
    with pytest.raises(ValueError, match=r"each must have shape \(2, 3, 2\), got \(2, 3, 1\)"):
        kernels.forward_taps(*arguments, each=np.empty((2, 3, 1)), threads=1)
