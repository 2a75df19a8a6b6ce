"""Fine-tuning to a matrix, exact and in situ."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.hardware import Imperfections
from retrolux.nn import Mesh, fit_matrix

TARGET = mesh.haar_unitary(4, np.random.default_rng(3))


@pytest.mark.parametrize("gradient", ["three_measurement", "sum_difference"])
def test_a_chip_learns_to_make_up_for_its_errors(gradient):
    """The phases of the ideal mesh are some 5 % off on this chip; measured gradients find better ones."""
    imperfections = Imperfections(coupler_std=0.03, phase_offset_std=0.05, tap_noise=0.001)
    layer = Mesh(
        mesh.rectangular(4), torch.complex128, seed=0, imperfections=imperfections, gradient=gradient, chip_seed=2
    )
    layer.load_matrix(TARGET)
    before = np.linalg.norm(layer.matrix().detach().numpy() - TARGET) / 2
    errors = []
    after = fit_matrix(layer, TARGET, steps=300, progress=lambda step, error: errors.append((step, error)))
    assert before > 0.05
    assert after < before / 5
    assert [step for step, _ in errors] == list(range(300))
    assert errors[0][1] == pytest.approx(before, rel=1e-6)


def test_frozen_phases_stay():
    layer = Mesh(mesh.rectangular(4), seed=0, train_gamma=False)
    fit_matrix(layer, TARGET, steps=3)
    assert torch.equal(layer.gamma, torch.zeros(4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": np.eye(3)}, r"target must have shape \(modes, modes\) = \(4, 4\), got \(3, 3\)"),
        ({"target": TARGET, "steps": 0}, "steps must be at least 1, got 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        fit_matrix(Mesh(mesh.rectangular(4)), **options)
