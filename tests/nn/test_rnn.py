"""The unitary recurrence: its formula, exact and on chips; a memory of many steps; images pixel by pixel."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from retrolux import data, mesh
from retrolux.hardware import Imperfections
from retrolux.nn import Intensity, Mesh, ModReLU, UnitaryRNN, UnitaryRNNCell


def network(dtype=torch.complex64, **chip):
    torch.manual_seed(0)
    return UnitaryRNN(2, 4, Mesh(mesh.rectangular(4), dtype, seed=0, **chip), ModReLU(-0.05, modes=4))


@pytest.mark.parametrize("chip", [{}, {"imperfections": Imperfections(), "gradient": "sum_difference"}])
def test_it_is_the_formula_step_by_step(chip):
    rnn = network(torch.complex128, **chip)
    x = torch.randn(5, 3, 2, dtype=torch.complex128)
    unitary, inject = rnn.cell.mesh.matrix(), rnn.cell.inject.weight
    h, states = torch.zeros(3, 4, dtype=torch.complex128), []
    for step in x:
        h = rnn.cell.activation(h @ unitary.mT + step @ inject.mT)
        states.append(h)
    found, last = rnn(x)
    torch.testing.assert_close(found, torch.stack(states))
    torch.testing.assert_close(last, h)
    torch.testing.assert_close(rnn(x[3:], states[2])[0], torch.stack(states[3:]))
    torch.testing.assert_close(rnn.cell(x[1], states[0]), states[1])
    torch.testing.assert_close(rnn.cell(x[0]), states[0])
    assert rnn.passes_per_sample == 2


def test_chips_measure_the_gradient_through_time():
    x = torch.randn(4, 3, 2)
    gradients = []
    for chip in ({}, {"imperfections": Imperfections(), "gradient": "three_measurement"}):
        rnn = network(**chip)
        rnn(x)[1].abs().square().sum().backward()
        gradients.append([p.grad for p in rnn.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


def test_batch_first():
    torch.manual_seed(0)
    first = UnitaryRNN(2, 4, batch_first=True)
    second = UnitaryRNN(2, 4, first.cell.mesh)
    second.load_state_dict(first.state_dict())
    x = torch.randn(3, 5, 2)
    states, last = first(x)
    assert states.shape == (3, 5, 4)
    torch.testing.assert_close(states, second(x.transpose(0, 1))[0].transpose(0, 1))
    assert torch.equal(last, states[:, -1])


def test_light_neither_fades_nor_grows_in_a_thousand_steps():
    rnn = UnitaryRNN(1, 8, Mesh(mesh.rectangular(8), seed=0), ModReLU(0.0))
    x = torch.zeros(1000, 1, 1)
    x[0] = 1.0
    states, last = rnn(x)
    assert last.norm().item() == pytest.approx(states[0].norm().item(), rel=1e-3)
    (grad,) = torch.autograd.grad(last[0, 0].real, rnn.cell.inject.weight)
    assert 0.01 < grad.norm() < 100


@pytest.mark.slow
def test_digits_pixel_by_pixel():
    """The task of Aoyama and Sawada at toy size: zeros and ones, 16 pixels, one after the other."""
    digits = data.digits(modes=16)
    torch.manual_seed(0)
    chosen = digits.train_y < 2
    x = digits.train_x[chosen].abs()[:128].mT.unsqueeze(-1)
    labels = digits.train_y[chosen][:128]
    model, detectors = UnitaryRNN(1, 8, Mesh(mesh.rectangular(8), seed=0)), Intensity(range(2))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        loss = F.cross_entropy(10 * detectors(model(x)[1]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (detectors(model(x)[1]).argmax(1) == labels).double().mean() > 0.95


def test_bad_input():
    with pytest.raises(ValueError, match="mesh must have hidden_size = 5 modes, got 4"):
        UnitaryRNNCell(2, 5, Mesh(mesh.rectangular(4)))
    with pytest.raises(ValueError, match=r"x must have shape \(…, input_size\) = \(…, 2\), got \(3, 4\)"):
        UnitaryRNNCell(2, 4)(torch.ones(3, 4))
    with pytest.raises(ValueError, match=r"x must have shape \(length, batch, input_size\) .*, got \(0, 3, 2\)"):
        UnitaryRNN(2, 4)(torch.ones(0, 3, 2))
