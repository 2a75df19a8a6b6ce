"""What a measurement was made of stays, whatever becomes of the memory lent to it; and what no experiment does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

from retrolux import hardware, mesh
from retrolux.gradient import METHODS
from retrolux.nn import Linear, Mesh

pytestmark = [
    pytest.mark.parametrize("method", METHODS),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),  # torch's own
]
TOPOLOGY = mesh.rectangular(4)


def on_chip(method, **options):
    return Mesh(TOPOLOGY, torch.complex128, seed=0, imperfections=hardware.Imperfections(), gradient=method, **options)


def light(seed=0):
    return torch.randn(5, 4, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def loss(y):
    return (y.abs() ** 2 * torch.arange(4)).sum()


def gradients(layer, run):
    layer.zero_grad()
    run(layer).backward()
    return [parameter.grad.clone() for parameter in layer.parameters()]


def same(got, wanted):
    return all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_light_that_changes_after_the_forward_pass(method):
    def residual(layer, in_place):
        h = light()
        y = layer(h)
        if in_place:
            h += y
        else:
            h = h + y
        return loss(h)

    got, wanted = (gradients(on_chip(method), lambda layer, i=i: residual(layer, i)) for i in (True, False))
    assert same(got, wanted)
    assert wanted[0].abs().max() > 0.01


def test_one_buffer_for_two_batches(method):
    def two(layer, shared):
        buffer, total = torch.empty_like(light()), 0
        for seed in (1, 2):
            batch = buffer.copy_(light(seed)) if shared else light(seed)
            total = total + loss(layer(batch))
        return total

    assert same(*(gradients(on_chip(method), lambda layer, s=s: two(layer, s)) for s in (True, False)))


def test_memory_of_numpy_that_is_written_to(method):
    def run(layer, overwritten):
        memory = light().numpy().copy()
        y = layer(torch.from_numpy(memory))
        if overwritten:
            memory[:] = 7
        return loss(y)

    assert same(*(gradients(on_chip(method), lambda layer, o=o: run(layer, o)) for o in (True, False)))


def test_output_that_is_written_to(method):
    """The gradient of the output phases is made of the output."""

    def run(layer, in_place):
        y = layer(light())
        with torch.no_grad():
            if in_place:
                y.detach().numpy()[:] *= 2
        return (y * torch.arange(4)).real.sum()

    assert same(*(gradients(on_chip(method), lambda layer, i=i: run(layer, i)) for i in (True, False)))


def test_output_that_is_changed_in_place(method):
    def run(layer, in_place):
        y = layer(light())
        if in_place:
            y *= 2
        else:
            y = 2 * y
        return loss(y)

    assert same(*(gradients(on_chip(method), lambda layer, i=i: run(layer, i)) for i in (True, False)))


def test_the_cosine_is_that_of_the_light_that_was_sent(method):
    layer, x = on_chip(method), light()
    y = layer(x)
    y.retain_grad()
    loss(y).backward()
    before = layer.cosine_to_exact()
    x.fill_(1j)
    y.grad.fill_(1)
    assert layer.cosine_to_exact() == before


@pytest.mark.parametrize("power", [None, 1.0, 2.0])
def test_a_driver_that_reads_into_the_same_memory(method, power):
    class Reused(hardware.SimulatedChip):
        outputs = np.empty((5, 4), np.complex128)
        powers = np.empty((TOPOLOGY.mzis, 2))

        def into_mine(self, reading):
            if reading.output.shape == self.outputs.shape:
                self.outputs[:] = reading.output
                reading = reading._replace(output=self.outputs)
            if reading.taps is not None:
                self.powers[:] = reading.taps
                reading = reading._replace(taps=self.powers)
            return reading

        def forward(self, x, **options):
            return self.into_mine(super().forward(x, **options))

        def backward(self, x, **options):
            return self.into_mine(super().backward(x, **options))

    def run(layer):
        return loss(layer(light(1))) + loss(layer(light(2)))

    def built(kind):
        chip = kind(TOPOLOGY, hardware.Imperfections(), 0, np.complex128)
        return Mesh(TOPOLOGY, torch.complex128, seed=0, chip=chip, gradient=METHODS[method](power=power))

    assert same(*(gradients(built(kind), run) for kind in (Reused, hardware.SimulatedChip)))


def test_a_driver_cannot_change_the_phases(method):
    class Greedy(hardware.SimulatedChip):
        def write(self, theta, phi, gamma):
            super().write(theta, phi, gamma)
            self.kept = theta

    chip = Greedy(TOPOLOGY, hardware.Imperfections(), 0, np.complex128)
    layer = Mesh(TOPOLOGY, torch.complex128, seed=0, chip=chip, gradient=method)
    loss(layer(light())).backward()
    before = layer.theta.detach().clone()
    chip.kept[:] = 0
    assert torch.equal(layer.theta, before)


@pytest.mark.parametrize("reduce", [loss, lambda y: y.real.sum()])
def test_second_derivatives_are_refused(method, reduce):
    layer = on_chip(method)

    def of_theta(theta):
        return reduce(torch.func.functional_call(layer, {"theta": theta}, (light(),)))

    with pytest.raises(RuntimeError, match="measured on a chip have no derivative"):
        torch.autograd.functional.hessian(of_theta, layer.theta.detach())
    with pytest.raises(RuntimeError, match="measured on a chip have no derivative"):
        torch.autograd.functional.hvp(of_theta, layer.theta.detach(), torch.ones_like(layer.theta))
    x = light().requires_grad_()
    (slope,) = torch.autograd.grad(reduce(layer(x)), x, create_graph=True)
    with pytest.raises(RuntimeError, match="measured on a chip have no derivative"):
        slope.abs().sum().backward()


def test_a_graph_that_nobody_differentiates_again_is_fine(method):
    results = []
    for create_graph in (False, True):
        layer = on_chip(method)
        results.append(torch.autograd.grad(loss(layer(light())), list(layer.parameters()), create_graph=create_graph))
    assert same(*results)


def test_transforms_are_refused(method):
    layer, x = on_chip(method), light()
    refused = pytest.raises(RuntimeError, match="light through a chip is an experiment")
    with refused:
        torch.func.vmap(layer)(x)
    with refused:
        torch.func.grad(lambda x: loss(layer(x)))(x)
    with refused, torch.no_grad():
        torch.jit.trace(layer, x)
    with refused:
        torch.export.export(layer, (x,))
    with refused, torch.no_grad(), forward_ad.dual_level():
        layer(forward_ad.make_dual(x, x))
    y = layer(x)
    with refused:
        torch.autograd.grad(y, layer.theta, torch.stack([y, y]).detach(), is_grads_batched=True)
    blocks = Linear(4, 4, seed=0, imperfections=hardware.Imperfections(), gradient=method)
    with refused:
        torch.func.vmap(blocks)(x.real.float())
