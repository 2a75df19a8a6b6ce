"""Programme chips of unknown errors from powers: exact without noise, near with it."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.hardware.chip import Reading
from retrolux.hardware.self_configuration import self_configure
from retrolux.mesh import (
    TOPOLOGIES,
    butterfly,
    decompose,
    decompose_on,
    haar_phases,
    haar_unitary,
    matrix,
    rectangular,
    triangular,
)

BUILDERS = [named.build for named in TOPOLOGIES.values() if named.universal]


class Fake:
    """A chip with coupler errors and phase offsets of which only powers can be read: output phases are random."""

    def __init__(self, topology, rng, coupler_std, offset_std=0.0, noise=0.0):
        self.topology = topology
        self.clock = 0.0
        self.rng, self.noise = rng, noise
        self.coupler_error = rng.normal(0, coupler_std, (topology.mzis, 2))
        self.offsets = [rng.normal(0, offset_std, size) for size in (topology.mzis, topology.mzis, topology.modes)]
        self.shots = 0

    def write(self, *phases):
        self.written = [phase.copy() for phase in phases]
        settings = [phase + offset for phase, offset in zip(phases, self.offsets, strict=True)]
        self.matrix = matrix(self.topology, *settings, self.coupler_error)

    def forward(self, x, *, taps="none", weights=None, detect=True):
        return self.read(x, x @ self.matrix.T, taps)

    def backward(self, x, *, taps="none", weights=None, detect=True):
        return self.read(x, x @ self.matrix, taps)

    def read(self, x, y, taps):
        assert taps == "none"
        np.testing.assert_allclose(np.linalg.norm(x, axis=-1), 1, rtol=0, atol=1e-12)
        self.shots += len(x)
        noise = self.noise * self.rng.normal(size=(2, *y.shape))
        return Reading(np.abs(y + noise[0] + 1j * noise[1]) * np.exp(1j * self.rng.uniform(0, 7, y.shape)), None)

    def example(self):
        """Return a matrix that this chip can perform."""
        return matrix(self.topology, *haar_phases(self.topology, self.rng), self.coupler_error)


def distance(found, unitary):
    """Return ‖found − U‖_F / √modes up to a common phase."""
    overlap = np.vdot(found, unitary)
    return np.linalg.norm(found * overlap / abs(overlap) - unitary) / np.sqrt(len(unitary))


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_exact_where_the_chip_can_perform_the_matrix(build, n, rng):
    chip = Fake(build(n), rng, coupler_std=0.1, offset_std=0.5)
    unitary = chip.example()
    found = self_configure(chip, unitary)
    assert distance(chip.matrix, unitary) < 1e-9
    assert not found.unreachable.any()
    for phase, written in zip((found.theta, found.phi, found.gamma), chip.written, strict=True):
        np.testing.assert_array_equal(phase, written)
        assert ((phase >= 0) & (phase < 2 * np.pi)).all()


@pytest.mark.parametrize("build", BUILDERS)
def test_it_knows_nothing_of_what_the_chip_was_set_to(build, rng):
    chip = Fake(build(4), rng, coupler_std=0.05)
    unitary = chip.example()
    first = self_configure(chip, unitary)
    chip.write(*haar_phases(chip.topology, rng))
    again = self_configure(chip, unitary)
    np.testing.assert_allclose(np.exp(1j * again.theta), np.exp(1j * first.theta), rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_nearly_as_near_as_with_known_errors(build, rng):
    squares = []
    for _ in range(25):
        chip = Fake(build(6), rng, coupler_std=0.08)
        unitary = haar_unitary(6, rng)
        found = self_configure(chip, unitary)
        error = distance(chip.matrix, unitary)
        known = decompose_on(unitary, chip.topology, chip.coupler_error)
        uncorrected = matrix(chip.topology, *decompose(unitary, chip.topology), chip.coupler_error)
        assert found.unreachable.any() == (error > 1e-9)
        assert error < distance(uncorrected, unitary)
        squares.append([error**2, known.error**2])
    blind, known = np.sqrt(np.mean(squares, axis=0))
    assert known > 0.01
    assert blind < 2 * known


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("target", ["identity", "reversal", "cyclic shift", "permutation", "Fourier"])
def test_structured_matrices_on_a_chip_without_errors(build, target, rng):
    n = 5
    unitary = {
        "identity": np.eye(n),
        "reversal": np.eye(n)[::-1],
        "cyclic shift": np.roll(np.eye(n), 1, axis=0),
        "permutation": np.eye(n)[rng.permutation(n)],
        "Fourier": np.fft.fft(np.eye(n), norm="ortho"),
    }[target]
    chip = Fake(build(n), rng, coupler_std=0)
    self_configure(chip, unitary)
    np.testing.assert_allclose(np.abs(chip.matrix), np.abs(unitary), rtol=0, atol=1e-7)
    if target == "Fourier":
        assert distance(chip.matrix, unitary) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_an_mzi_without_light_is_set_to_what_every_chip_reaches(build, rng):
    # The identity leaves most MZIs dark. Were they set to the bar state, each would miss it by its coupler errors.
    squares = []
    for _ in range(12):
        chip = Fake(build(8), rng, coupler_std=0.05)
        self_configure(chip, np.eye(8))
        uncorrected = matrix(chip.topology, *decompose(np.eye(8), chip.topology), chip.coupler_error)
        squares.append([np.sum((np.abs(found) - np.eye(8)) ** 2) for found in (chip.matrix, uncorrected)])
    self_configured, uncorrected = np.sqrt(np.mean(squares, axis=0))
    assert self_configured < 0.6 * uncorrected


@pytest.mark.parametrize("build", BUILDERS)
def test_blocks_are_programmed_up_to_a_phase_each(build, rng):
    unitary = np.zeros((6, 6), dtype=complex)
    unitary[:2, :2], unitary[2:, 2:] = haar_unitary(2, rng), haar_unitary(4, rng)
    chip = Fake(build(6), rng, coupler_std=0, offset_std=0.3)
    self_configure(chip, unitary)
    assert distance(chip.matrix[:2, :2], unitary[:2, :2]) < 1e-6
    assert distance(chip.matrix[2:, 2:], unitary[2:, 2:]) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_noise_is_not_amplified(build, rng):
    for noise in (1e-5, 1e-4, 1e-3):
        errors = []
        for _ in range(4):
            chip = Fake(build(6), rng, coupler_std=0.02, noise=noise)
            unitary = chip.example()
            self_configure(chip, unitary)
            errors.append(distance(chip.matrix, unitary))
        assert noise < np.mean(errors) < 20 * noise


@pytest.mark.parametrize(
    ("build", "n", "per_mzi"),
    # With two or three modes the rectangular mesh is the triangular one.
    [(triangular, 2, 12), (triangular, 6, 12), (rectangular, 3, 12), (rectangular, 4, 96), (rectangular, 5, 150)],
)
def test_the_shots_are_those_stated(build, n, per_mzi, rng):
    chip = Fake(build(n), rng, coupler_std=0.02)
    found = self_configure(chip, chip.example())
    assert found.shots == chip.shots == per_mzi * chip.topology.mzis + 2 * n**2


def test_other_topologies_and_matrices_are_refused_before_any_light(rng):
    chip = Fake(butterfly(4), rng, coupler_std=0)
    with pytest.raises(ValueError, match=r"^topology must equal rectangular\(4\) or triangular\(4\), got "):
        self_configure(chip, np.eye(4))
    chip = Fake(triangular(4), rng, coupler_std=0)
    with pytest.raises(ValueError, match=r"^unitary must satisfy \|U U† − 1\| ≤ 1e-10, got 3$"):
        self_configure(chip, 2 * np.eye(4))
    assert chip.shots == 0


@pytest.mark.parametrize("build", BUILDERS)
def test_a_dark_chip_is_reported(build, rng):
    chip = Fake(build(4), rng, coupler_std=0)
    chip.read = lambda x, y, taps: Reading(np.zeros_like(y), None)
    with pytest.raises(RuntimeError, match=r"^the powers must depend on theta of MZI 0, got no light at any of three"):
        self_configure(chip, haar_unitary(4, rng))
