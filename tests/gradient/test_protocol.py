"""The methods see the Chip protocol and nothing else: a second chip, in dense NumPy, serves them just as well."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from retrolux import mesh
from retrolux.gradient import METHODS, method_named
from retrolux.hardware import Reading
from retrolux.mesh.convention import coupler
from retrolux.nn import Mesh


class DenseChip:
    """A chip with coupler errors, by dense matrices: each column of couplers and shifters is N × N."""

    def __init__(self, topology, error):
        self.topology, self.error, self.clock = topology, error, 0.0

    def write(self, theta, phi, gamma):
        self.phases = theta, phi, gamma

    def _embedded(self, k, block):
        dense = np.eye(self.topology.modes, dtype=complex)
        dense[np.ix_(self.topology.pairs[k], self.topology.pairs[k])] = block
        return dense

    def _pass(self, x, taps, weights, forward):
        theta, phi, gamma = self.phases
        field, powers = x.astype(complex), np.empty((len(x), self.topology.mzis, 2))
        output = np.exp(1j * gamma)
        field = field if forward else field * output
        for k in range(self.topology.mzis) if forward else reversed(range(self.topology.mzis)):
            upper = self.topology.pairs[k, 0]
            elements = []  # (matrix, tap behind it)
            for tap, phase, error in ((1, phi[k], self.error[k, 0]), (0, theta[k], self.error[k, 1])):
                shifter = self._embedded(k, np.diag([np.exp(1j * phase), 1]))
                elements += [(shifter, tap), (self._embedded(k, coupler(np.pi / 4 + error)), None)]
            for i, (matrix, tap) in enumerate(elements if forward else elements[::-1]):
                field = field @ matrix.T  # every element is symmetric: both ways
                behind = tap if forward else (elements[::-1][i + 1][1] if i + 1 < len(elements) else None)
                if behind is not None:
                    powers[:, k, behind] = np.abs(field[:, upper]) ** 2
        field = field * output if forward else field
        self.clock += len(x)
        total = None if taps == "none" else powers
        if taps == "sum":
            total = np.einsum("b,bkt->kt", np.ones(len(x)) if weights is None else weights, powers)
        return Reading(field.astype(x.dtype), total)

    def forward(self, x, *, taps="none", weights=None, detect=True):
        return self._pass(x, taps, weights, True)

    def backward(self, x, *, taps="none", weights=None, detect=True):
        return self._pass(x, taps, weights, False)


@pytest.fixture
def chip(rng):
    topology = mesh.triangular(4)
    return DenseChip(topology, rng.normal(0, 0.1, (topology.mzis, 2)))


# All that measure the derivative, at least nearly: no chip can do adjoint.
MEASURED = [
    name
    for name in METHODS
    if method_named(name).work(12) is not None and method_named(name).accuracy in {"exact", "step"}
]


@pytest.mark.parametrize("name", MEASURED)
def test_every_measurement_works_on_it(chip, name, rng):
    measured = Mesh(chip.topology, torch.complex128, seed=0, chip=chip, gradient=name)
    exact = Mesh(chip.topology, torch.complex128, seed=0, coupler_error=chip.error)
    x = torch.tensor(rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)))
    grads = []
    for layer in (measured, exact):
        light = x.clone().requires_grad_()
        y = layer(light)
        (y.abs().square() * torch.arange(4)).sum().backward()
        grads.append([y.detach(), light.grad, *(p.grad for p in layer.parameters())])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10 if method_named(name).accuracy == "exact" else 1e-3)


def test_the_exact_gradient_is_no_measurement(chip):
    layer = Mesh(chip.topology, torch.complex128, seed=0, chip=chip, gradient="adjoint")
    loss = layer(torch.eye(4, dtype=torch.complex128)).abs().sum()
    with pytest.raises(TypeError, match="adjoint needs a simulated chip, got DenseChip"):
        loss.backward()
    layer = Mesh(chip.topology, torch.complex128, seed=0, chip=chip, gradient="sum_difference")
    layer(torch.eye(4, dtype=torch.complex128)).abs().sum().backward()
    with pytest.raises(TypeError, match="the exact gradient needs a simulated chip, got DenseChip"):
        layer.cosine_to_exact()


def test_the_dense_chip_is_the_convention(chip, rng):
    theta, phi, gamma = mesh.haar_phases(chip.topology, rng)
    chip.write(theta, phi, gamma)
    expected = mesh.matrix(chip.topology, theta, phi, gamma, chip.error)
    np.testing.assert_allclose(chip.forward(np.eye(4, dtype=complex)).output.T, expected, rtol=0, atol=1e-14)
