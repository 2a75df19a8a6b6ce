"""Random numbers: their law with stated confidence, and that they depend on their place alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retrolux._kernels import Kernels

COUNT = 1_000_000


def draw(kernels, count=COUNT, seed=7, stream=3, step=5, first=0, threads=1):
    values = np.full(count, np.nan, np.float32)
    kernels.normals(values, seed, stream, step, first, threads)
    return values


def test_moments(kernels):
    """Mean, variance, skewness and kurtosis within 4.5 standard errors each: together wrong once in 40 000 seeds."""
    x = draw(kernels).astype(float)
    assert abs(x.mean()) < 4.5 / math.sqrt(COUNT)
    assert abs(x.var() - 1) < 4.5 * math.sqrt(2 / COUNT)
    assert abs((x**3).mean()) < 4.5 * math.sqrt(15 / COUNT)
    assert abs((x**4).mean() - 3) < 4.5 * math.sqrt(96 / COUNT)


def test_kolmogorov_and_smirnov(kernels):
    """The distance from the normal law stays below the critical value of p = 1e-4."""
    x = np.sort(draw(kernels).astype(float))
    law = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x[::10]])
    distance = max(np.abs(law - np.arange(0, COUNT, 10) / COUNT))
    assert distance < math.sqrt(-0.5 * math.log(1e-4 / 2)) / math.sqrt(COUNT) + 10 / COUNT


def test_chi_square(kernels):
    """Counts in 64 equally likely cells: chi-square with 63 degrees of freedom, p > 1e-4 on either side."""
    x = draw(kernels)
    # Edges by bisection of the error function, independent of the kernel's own transform.
    low, high = np.full(63, -9.0), np.full(63, 9.0)
    wanted = np.arange(1, 64) / 64
    for _ in range(60):
        middle = (low + high) / 2
        below = np.array([0.5 * math.erfc(-m / math.sqrt(2)) for m in middle]) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    counts = np.histogram(x, [-np.inf, *low, np.inf])[0]
    statistic = ((counts - COUNT / 64) ** 2 / (COUNT / 64)).sum()
    assert 27 < statistic < 119  # the 1e-4 and 1 - 1e-4 quantiles are 27.4 and 115.7, widened to whole numbers


def test_neighbours_are_independent(kernels):
    """Products of neighbours at many distances, of neighbouring streams, steps and seeds: 5 standard errors each."""
    x = draw(kernels).astype(float)
    for lag in (1, 2, 3, 4, 16, 63, 64, 65):
        assert abs((x[:-lag] * x[lag:]).mean()) < 5 / math.sqrt(COUNT), lag
    for other in ({"seed": 8}, {"stream": 4}, {"step": 6}, {"seed": 7 + 2**32}, {"step": 5 + 2**32}):
        assert abs((x * draw(kernels, **other)).mean()) < 5 / math.sqrt(COUNT), other


def test_a_number_depends_on_its_place_alone(kernels):
    expected = draw(kernels, 5000)
    for first, count in ((0, 1), (1, 63), (63, 2), (64, 64), (777, 1234), (4999, 1)):
        np.testing.assert_array_equal(draw(kernels, count, first=first), expected[first : first + count])
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(draw(kernels, COUNT, threads=threads), draw(kernels))


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_words_are_those_that_the_authors_of_philox_publish(kernels, counter, key, words):
    """Known answers of Philox 4x32-10, Random123's kat_vectors; uniform numbers show the upper 24 bits of a word."""
    block, *step, stream = (int(word, 16) for word in counter.split())
    lower, upper = (int(word, 16) for word in key.split())
    values = np.empty(64, np.float32)
    group, place = divmod(block, 16)
    kernels.uniforms(values, lower + (upper << 32), stream, step[0] + (step[1] << 32), 64 * group, 1)
    np.testing.assert_array_equal(values[place::16], [(int(word, 16) >> 8) / 2**24 for word in words.split()])


def test_uniform_numbers(kernels):
    """Counts in 64 cells by chi-square, p > 1e-4 on either side; as many threads as there are, wherever one starts."""
    values = np.empty(COUNT, np.float32)
    kernels.uniforms(values, 7, 3, 5, 0, 1)
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.bincount((64 * values).astype(int), minlength=64)
    assert 27 < ((counts - COUNT / 64) ** 2 / (COUNT / 64)).sum() < 119
    for first, count, threads in ((0, COUNT, 3), (63, 2, 1), (777, 1234, 2)):
        part = np.empty(count, np.float32)
        kernels.uniforms(part, 7, 3, 5, first, threads)
        np.testing.assert_array_equal(part, values[first : first + count])


def test_a_step_has_no_more_numbers_than_are_different(kernels):
    """The last of 2^34 are there, and are no others; behind them the first would come again."""
    last, before = draw(kernels, 64, first=2**34 - 64), draw(kernels, 100, first=2**34 - 164)
    np.testing.assert_array_equal(draw(kernels, 164, first=2**34 - 164), [*before, *last])
    assert not np.isin(last, draw(kernels, 64)).any()
    for name in ("normals", "uniforms"):
        values = np.empty(64, np.float32)
        getattr(kernels, name)(values, 7, 3, 5, 2**34 - 64, 1)
        for first in (2**34 - 63, 2**34, 2**62):
            with pytest.raises(
                ValueError, match=rf"a step of a stream has 2\*\*34 .*, got 64 to draw from number {first}"
            ):
                getattr(kernels, name)(values, 7, 3, 5, first, 1)


def test_instruction_sets_agree_to_rounding(kernels):
    np.testing.assert_allclose(draw(kernels, 10_000), draw(Kernels("baseline"), 10_000), rtol=0, atol=2e-5)


def disturb(kernels, x, gain=None, amplitude=0.0, phase=0.0, noise=0.0, threads=1):
    y = np.empty_like(x)
    kernels.disturb(x, y, gain, amplitude, phase, noise, 7, 3, 4, 5, threads)
    return y


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_disturb(kernels, dtype):
    """Amplitude 32 g + i takes numbers 64 g + i and 64 g + 32 + i of its streams."""
    x = (np.linspace(1, 2, 1001) * np.exp(0.5j)).astype(dtype).reshape(143, 7)
    gain = np.linspace(0.5, 1, 7).astype(x.real.dtype)
    scale = draw(kernels, 32 * 64).astype(float).reshape(-1, 2, 32)
    noise = draw(kernels, 32 * 64, stream=4).astype(float).reshape(-1, 2, 32)
    n0, n1 = (scale[:, half].reshape(-1)[:1001].reshape(x.shape) for half in (0, 1))
    n2, n3 = (noise[:, half].reshape(-1)[:1001].reshape(x.shape) for half in (0, 1))
    tolerance = {"rtol": 2e-6 if dtype == np.complex64 else 1e-13}
    light = x.astype(complex)
    for threads in (1, 3):
        np.testing.assert_allclose(
            disturb(kernels, x, None, 0.1, 0.3, 0.0, threads), light * (1 + 0.1 * n0) * np.exp(0.3j * n1), **tolerance
        )
        expected = gain * light * (1 + 0.1 * n0) * np.exp(0.3j * n1) + 0.2 * (n2 + 1j * n3)
        np.testing.assert_allclose(disturb(kernels, x, gain, 0.1, 0.3, 0.2, threads), expected, atol=2e-6, rtol=0)


def test_disturb_by_large_phases(kernels):
    """Phases of many turns, and beyond what the quick reduction takes, are right to single precision of the phase."""
    x = np.ones((50, 32), np.complex64)
    n1 = draw(kernels, 50 * 64).reshape(50, 2, 32)[:, 1]
    for phase in (100.0, 1e5):
        turned = (np.float32(phase) * n1).astype(float)
        np.testing.assert_allclose(disturb(kernels, x, phase=phase), np.exp(1j * turned), atol=1e-6)


def test_add_noise(kernels, real, rng):
    """Number i takes number i of its stream, with a variance of its own or without, in place or not."""
    x, variance, n = (
        rng.normal(size=1001).astype(real),
        rng.random(1001).astype(real),
        draw(kernels, 1001).astype(float),
    )
    variance[:3] = 0
    for own, expected in ((None, x + 0.3 * n), (variance, x + 0.3 * np.sqrt(variance) * n)):
        for threads in (1, 3):
            y = np.full_like(x, np.nan)
            kernels.add_noise(x, own, 0.3, 7, 3, 5, y, threads)
            np.testing.assert_allclose(y, expected, rtol=0, atol=4 * np.finfo(real).eps * 4)
            in_place = x.copy()
            kernels.add_noise(in_place, own, 0.3, 7, 3, 5, in_place, threads)
            np.testing.assert_array_equal(in_place, y)


def test_disturb_in_place(kernels):
    x = np.linspace(1, 2, 143 * 7).astype(np.complex64).reshape(143, 7)
    expected = disturb(kernels, x, np.linspace(0.5, 1, 7).astype(np.float32), 0.1, 0.1, 0.2)
    kernels.disturb(x, x, np.linspace(0.5, 1, 7).astype(np.float32), 0.1, 0.1, 0.2, 7, 3, 4, 5, 2)
    np.testing.assert_array_equal(x, expected)


def test_disturbing_nothing_changes_nothing(kernels):
    x = np.arange(70).reshape(10, 7).astype(np.complex64)
    np.testing.assert_array_equal(disturb(kernels, x), x)


def test_sparse_product(kernels):
    """Against the dense matrix, with an empty row, for any number of threads."""
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((3000, 3000)) < 0.01, rng.normal(size=(3000, 3000)), 0)
    dense[17] = 0
    rows, columns = np.nonzero(dense)
    starts = np.searchsorted(rows, np.arange(3001)).astype(np.int32)
    x, results = rng.normal(size=3000), []
    for threads in (1, 2, 5):
        y = np.full(3000, np.nan)
        kernels.multiply(starts, columns.astype(np.int32), dense[rows, columns], x, y, threads)
        results.append(y)
    np.testing.assert_allclose(results[0], dense @ x, atol=1e-12)
    assert all(np.array_equal(y, results[0]) for y in results)
