"""The matrix of a chip from powers alone: exact up to one phase, whatever its zeros, and steady under noise."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.hardware.chip import Reading
from retrolux.hardware.tomography import measure_matrix
from retrolux.mesh import haar_unitary, rectangular


class Box:
    """A chip of which only powers can be read: the phase of every output is random in every pass."""

    def __init__(self, matrix, rng, noise=0.0):
        self.topology = rectangular(len(matrix))
        self.clock = 0.0
        self.matrix, self.rng, self.noise = matrix, rng, noise
        self.shots = 0

    def write(self, theta, phi, gamma):
        raise AssertionError("phases must be left as they are")

    def forward(self, x, *, taps="none", weights=None, detect=True):
        return self.read(x, x @ self.matrix.T)

    def backward(self, x, *, taps="none", weights=None, detect=True):
        return self.read(x, x @ self.matrix)

    def read(self, x, y):
        np.testing.assert_allclose(np.linalg.norm(x, axis=-1), 1, rtol=0, atol=1e-12)
        self.shots += len(x)
        noise = self.noise * self.rng.normal(size=(2, *y.shape))
        return Reading(np.abs(y + noise[0] + 1j * noise[1]) * np.exp(1j * self.rng.uniform(0, 7, y.shape)), None)


def up_to_phase(measured, matrix):
    overlap = np.vdot(measured, matrix)
    return np.abs(measured * overlap / abs(overlap) - matrix).max()


@pytest.mark.parametrize("n", [2, 3, 5, 8, 16])
def test_a_matrix_is_measured_up_to_one_phase(n, rng):
    chip = Box(haar_unitary(n, rng), rng)
    assert up_to_phase(measure_matrix(chip), chip.matrix) < 1e-13
    assert chip.shots == 2 * n**2


def test_a_lossy_matrix_keeps_its_norm(rng):
    matrix = rng.uniform(0.2, 0.9, 6)[:, None] * haar_unitary(6, rng) * rng.uniform(0.2, 0.9, 6)
    assert up_to_phase(measure_matrix(Box(matrix, rng)), matrix) < 1e-13


def test_zeros_do_not_hide_phases(rng):
    # Hessenberg: neighbouring rows meet in the subdiagonal, and no row is full.
    matrix = np.triu(haar_unitary(7, rng), -1) / 2
    matrix[0, 1:-1] = 0
    assert up_to_phase(measure_matrix(Box(matrix, rng)), matrix) < 1e-13


def test_blocks_are_measured_up_to_a_phase_each(rng):
    matrix = np.zeros((7, 7), dtype=complex)
    places = np.ix_([0, 2, 5], [6, 1, 3]), np.ix_([1, 3, 4, 6], [0, 2, 4, 5])
    for block in places:
        matrix[block] = haar_unitary(len(block[0]), rng)
    measured = measure_matrix(Box(matrix, rng))
    for block in places:
        assert up_to_phase(measured[block], matrix[block]) < 1e-13
    np.testing.assert_allclose(np.abs(measured), np.abs(matrix), rtol=0, atol=1e-13)


def test_a_permutation_has_no_phases_to_find(rng):
    permutation = np.eye(5)[rng.permutation(5)]
    np.testing.assert_allclose(np.abs(measure_matrix(Box(permutation, rng))), permutation, rtol=0, atol=1e-13)


def test_errors_are_as_small_as_the_noise(rng):
    worst = []
    for noise in (1e-5, 1e-4, 1e-3):
        chip = Box(haar_unitary(8, rng), rng, noise)
        worst.append(up_to_phase(measure_matrix(chip), chip.matrix) / noise)
    assert max(worst) < 10
    assert min(worst) > 0.5


def test_both_readings_of_an_element_count(rng):
    # Each element is read in its row and in its column; either alone leaves 5.7 times the noise on 8 modes.
    errors = []
    for _ in range(20):
        chip = Box(haar_unitary(8, rng), rng, 1e-3)
        measured = measure_matrix(chip)
        overlap = np.vdot(measured, chip.matrix)
        errors.append(np.linalg.norm(measured * overlap / abs(overlap) - chip.matrix) / np.sqrt(8))
    assert 3.5e-3 < np.sqrt(np.mean(np.square(errors))) < 5.1e-3


def test_single_precision_light_is_read_in_double(rng):
    matrix = haar_unitary(4, rng)
    chip = Box(matrix, rng)
    read = chip.read
    chip.read = lambda x, y: Reading(read(x, y).output.astype(np.complex64), None)
    measured = measure_matrix(chip)
    assert measured.dtype == np.complex128
    assert up_to_phase(measured, matrix) < 1e-5
