"""The peak, against the fastest that another library multiplies."""

from __future__ import annotations

import pytest
import torch

from retrolux import _kernels
from retrolux.bench import operations
from retrolux.bench.peak import multiply_adds
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate


@pytest.mark.parametrize(("precision", "dtype"), [("single", torch.float32), ("double", torch.float64)])
def test_nothing_multiplies_and_adds_faster(precision, dtype):
    adds = multiply_adds(_kernels.isas_usable[-1], precision)
    size = 384
    matrix = torch.ones(size, size, dtype=dtype)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = alternate({"peak": adds.run, "product": lambda: matrix @ matrix}, 0.3, Patience(0))
    finally:
        torch.set_num_threads(threads)
    peak = adds.operations / found["peak"].minimum
    product = 2 * size**3 / found["product"].minimum
    assert 0.1 * peak < product < 1.1 * peak


@pytest.mark.parametrize("isa", _kernels.isas_usable)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_round_has_twelve_vectors_of_multiply_adds(isa, precision):
    lanes = {"baseline": 16, "avx2": 32, "avx512": 64}[isa] / (4 if precision == "single" else 8)
    assert multiply_adds(isa, precision).operations == 2 * 12 * lanes * 100_000


def test_an_instruction_set_that_was_not_built_is_named():
    with pytest.raises(ValueError, match=r"the instruction set must be one of .*, got 'mmx'"):
        multiply_adds("mmx", "single")


def test_operations_are_those_of_complex_matrices():
    """A crossing is 16 products and 12 sums; adjoint, that twice and 22 for theta and phi; tapped, two powers more."""
    crossing = 16 + 12
    counts = operations.FORWARD_MZI, operations.TAPPED_MZI, operations.ADJOINT_MZI
    assert counts == (crossing, crossing + 22, 2 * crossing + 22)
    assert operations.dense(2, 3) == {"forward": 8 * 4 * 3, "step": 3 * 8 * 4 * 3}
