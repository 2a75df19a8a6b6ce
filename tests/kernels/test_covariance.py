"""Sums of tap powers by the few samples that are equivalent to a large batch, against those of every sample."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh

TOPOLOGIES = {
    "triangular 16": mesh.triangular(16),
    "rectangular 21": mesh.rectangular(21),
    "rectangular 40": mesh.rectangular(40),
    "butterfly 16": mesh.butterfly(16),
}


def sums(kernels, case, backward, weight, *, output=False, second=True, threads=1):
    """Return the sums of w p and w² p, and the output."""
    kernel = kernels.backward_taps if backward else kernels.forward_taps
    shape, real = (case.topology.mzis, 2), case.settings["theta"].dtype
    total, twice = np.full(shape, np.nan, real), np.full(shape, np.nan, real) if second else None
    y = np.full_like(case.x, np.nan) if output else None
    sums = {"weight": weight, "total": total, "second": twice}
    kernel(case.topology.layout, case.record, case.x, y, **sums, threads=threads)
    return total, twice, y


def each_added(kernels, case, backward, weight):
    kernel = kernels.backward_taps if backward else kernels.forward_taps
    each = np.full((len(case.x), case.topology.mzis, 2), np.nan, case.settings["theta"].dtype)
    y = np.full_like(case.x, np.nan)
    kernel(case.topology.layout, case.record, case.x, y, each=each, threads=1)
    w = weight.astype(float)
    return np.einsum("b,bkt", w, each.astype(float)), np.einsum("b,bkt", w**2, each.astype(float)), y


@pytest.fixture(params=["full rank", "three kinds of light", "dark modes", "mostly dark"])
def spoil(request):
    """Change light and weights into what a careless root of the covariance would stumble over."""

    def change(x, weight):
        if request.param == "three kinds of light":
            x[3:] = x[np.arange(len(x) - 3) % 3]
        elif request.param == "dark modes":
            x[:, ::2] = 0
            weight[::3] = 0
        elif request.param == "mostly dark":
            x[5:] = 0
            weight[0] = 0

    return change


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("batch", [30, 250, 1500])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_sums_are_those_of_every_sample(kernels, real, name, backward, batch, spoil, draw, rng):
    case = draw(TOPOLOGIES[name], batch, real, rng)
    weight = rng.uniform(0, 2, batch).astype(real)
    spoil(case.x, weight)
    expected, expected_second, expected_y = each_added(kernels, case, backward, weight)
    power = np.sum(np.abs(case.x.astype(complex)) ** 2, axis=1)
    eps = np.finfo(real).eps
    for output in (False, True):
        total, second, y = sums(kernels, case, backward, weight, output=output)
        # Errors are small beside the light that is in the mesh, not beside what reaches a tap.
        np.testing.assert_allclose(total, expected, rtol=0, atol=40 * eps * (weight @ power))
        np.testing.assert_allclose(second, expected_second, rtol=0, atol=40 * eps * (weight**2 @ power))
        assert (total >= 0).all()
        assert (second >= 0).all()
        if y is not None:
            np.testing.assert_allclose(y, expected_y, rtol=0, atol=40 * eps)
    alone, _, _ = sums(kernels, case, backward, weight, second=False)
    np.testing.assert_allclose(alone, expected, rtol=0, atol=40 * eps * (weight @ power))


def test_power_is_kept(on_either, real, draw, rng):
    """Without loss the powers at the first phi taps of a cascade are those that were sent in."""
    case = draw(mesh.triangular(24), 800, real, rng, imperfect=False)
    weight = rng.uniform(0, 2, 800).astype(real)
    total, _, _ = sums(on_either, case, False, weight)
    first = case.topology.pairs[0, 0]
    sent = weight.astype(float) @ np.abs(case.x[:, first].astype(complex)) ** 2
    np.testing.assert_allclose(total[0, 1], sent, rtol=30 * np.finfo(real).eps)


@pytest.mark.parametrize("backward", [False, True])
def test_any_number_of_threads_gives_the_same_bits(kernels, real, backward, draw, rng):
    case = draw(mesh.rectangular(33), 1100, real, rng)
    weight = rng.uniform(0, 2, 1100).astype(real)
    expected = sums(kernels, case, backward, weight, output=True)
    for threads in (2, 3, 7):
        for found, wanted in zip(
            sums(kernels, case, backward, weight, output=True, threads=threads), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_what_is_not_a_number_stays_so(kernels, draw, rng):
    case = draw(mesh.rectangular(16), 500, np.dtype("float32"), rng)
    case.x[321, 3] = np.nan
    total, second, _ = sums(kernels, case, False, np.ones(500, np.float32))
    assert np.isnan(total).any()
    assert np.isnan(second).any()


@pytest.mark.parametrize("batch", [1, 20, 400])
def test_output_without_taps(kernels, real, topology, batch, draw, rng, tolerance):
    """U x forward, as the kernel without taps has it, and Uᵀ x backward."""
    case = draw(topology, batch, real, rng)
    y, back = np.full_like(case.x, np.nan), np.full_like(case.x, np.nan)
    kernels.forward_taps(topology.layout, case.record, case.x, y, threads=2)
    np.testing.assert_allclose(y, case.forward(kernels), rtol=0, atol=tolerance(real, topology.depth))
    kernels.backward_taps(topology.layout, case.record, case.x, back, threads=2)
    case.grad_y = case.x.conj()
    np.testing.assert_allclose(back, case.reverse(kernels).conj(), rtol=0, atol=tolerance(real, topology.depth))
