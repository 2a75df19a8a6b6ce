"""Detectors: power at chosen ports, and what is refused."""

from __future__ import annotations

import pytest
import torch

from retrolux.nn.detectors import Intensity


@pytest.fixture
def field(rng):
    return torch.from_numpy(rng.normal(size=(3, 2, 6)) + 1j * rng.normal(size=(3, 2, 6)))


def test_all_ports_by_default(field):
    torch.testing.assert_close(Intensity()(field), field.abs() ** 2)
    torch.testing.assert_close(Intensity()(field.real), field.real**2)


def test_chosen_ports_in_the_order_given(field):
    out = Intensity([4, 0, 3])(field)
    assert out.shape == (3, 2, 3)
    torch.testing.assert_close(out, field[..., [4, 0, 3]].abs() ** 2)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.float32])
def test_output_is_real_with_the_precision_of_the_field(field, dtype):
    assert Intensity(range(2))((field if dtype.is_complex else field.real).to(dtype)).dtype == dtype.to_real()


def test_gradient_equals_finite_differences(field):
    assert torch.autograd.gradcheck(Intensity([1, 5]), field.requires_grad_())


def test_empty_batch(field):
    assert Intensity([1, 2])(field[:0]).shape == (0, 2, 2)


def test_ports_are_not_part_of_a_checkpoint():
    assert not Intensity([1, 2]).state_dict()


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ([], "ports must name at least one mode, got none"),
        ([2, -1], "ports must be at least 0, got -1"),
        ([1, 2, 1], r"ports must name each mode once, got \[1, 2, 1\]"),
    ],
)
def test_bad_ports_are_named(ports, message):
    with pytest.raises(ValueError, match=message):
        Intensity(ports)


@pytest.mark.parametrize("shape", [(3, 6), ()])
def test_a_field_without_the_port_is_refused(shape):
    with pytest.raises(ValueError, match="y must have the mode of port 6 in its last axis, got shape"):
        Intensity([0, 6])(torch.zeros(shape, dtype=torch.complex64))


def test_repr_shows_the_ports():
    assert repr(Intensity([0, 3])) == "Intensity(ports=(0, 3))"
