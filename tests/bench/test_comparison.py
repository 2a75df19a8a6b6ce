"""Layers next to the dense one: that they do the same work, and how shares become a limit."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from retrolux.bench import layers, operations
from retrolux.bench.comparison import Comparison, compare, time_calls
from retrolux.bench.peak import MultiplyAdds
from retrolux.bench.rates import measure_rates
from retrolux.hardware import SimulatedChip
from retrolux.mesh import cascade, rectangular, triangular

ROW = Comparison(64, 600, "step", "mesh", 2.0, 1.0, 1.0, 2.0, False, arithmetic=0.6, calls=0.1)


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({}, "arithmetic"),
        ({"calls": 0.7, "arithmetic": 0.2}, "calls"),
        ({"arithmetic": 0.2}, "the rest"),
        ({"disturbed": True}, None),
    ],
)
def test_the_largest_share_is_the_limit(change, limit):
    assert replace(ROW, **change).limit == limit


def test_every_work_is_compared():
    calls = time_calls(0.01)
    found = compare(4, 3, 0.01, calls, 1e9)
    assert [(row.work, row.route) for row in found] == [("forward", "mesh"), ("step", "mesh"), ("in situ step", "chip")]
    forward, adjoint, tapped = operations.FORWARD_MZI, operations.ADJOINT_MZI, operations.TAPPED_MZI
    for row, per_mzi in zip(found, (forward, forward + adjoint, forward + 3 * tapped), strict=True):
        assert row.arithmetic == pytest.approx(per_mzi * 6 * 3 / row.seconds / 1e9)  # six MZIs, three samples
        assert row.calls == pytest.approx(min(1, calls[row.work, row.route] / row.seconds))
        assert 0 < row.fastest <= row.seconds


def test_the_chip_does_the_work_of_the_mesh(monkeypatch):
    writes = []
    monkeypatch.setattr(
        SimulatedChip, "write", lambda chip, *phases, write=SimulatedChip.write: writes.append(write(chip, *phases))
    )
    topology = rectangular(8)
    mesh, chip = layers.photonic(topology, 64), layers.in_situ(topology, 64)
    for _ in range(3):
        measured = chip.step()
    assert len(writes) == 3  # in every step, though the phases stay
    for ours, exact in zip(measured, mesh.step(), strict=True):
        assert torch.linalg.vector_norm(ours - exact) < 0.5 * torch.linalg.vector_norm(exact)


def test_layers_that_differ_are_not_compared():
    with pytest.raises(ValueError, match=r"layers to compare must agree to 1e-3, got a relative difference of "):
        layers.require_equal(layers.photonic(rectangular(4), 2), layers.photonic(triangular(4), 2))


def test_rates_are_those_of_the_instruction_set_in_turns_with_its_peak():
    calls = []
    rates = measure_rates("baseline", 2, 0.01, MultiplyAdds(lambda: calls.append(time.sleep(0.001)), 10**6))
    assert calls
    assert rates.isa == "baseline"
    assert 0 < rates.peak <= 2e9  # two threads, a million operations in a millisecond and a little
    assert min(rates.forward, rates.adjoint) > 0


def test_operations_are_those_of_the_route():
    assert operations.photonic(cascade(8), 5)["step"] == 7 * 5 * (
        operations.FORWARD_MZI + operations.ADJOINT_MZI
    )  # seven MZIs, on the mesh route
    assert (
        operations.photonic(rectangular(64), 4096)["forward"] == operations.FORWARD_MZI * 2016 * 64 + 8 * 64**2 * 4096
    )
