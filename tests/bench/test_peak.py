"""The peak, against the fastest that another library multiplies."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch

from retrolux import _kernels
from retrolux.bench import operations
from retrolux.bench.peak import compile_chains
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import alternate

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
@pytest.mark.parametrize(("precision", "dtype"), [("single", torch.float32), ("double", torch.float64)])
def test_nothing_multiplies_and_adds_faster(monkeypatch, precision, dtype):
    monkeypatch.delenv("CXX", raising=False)
    chains = compile_chains(_kernels.isas_usable[-1], precision)
    size = 384
    matrix = torch.ones(size, size, dtype=dtype)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = alternate({"chains": chains.run, "product": lambda: matrix @ matrix}, 0.3, Patience(0))
    finally:
        torch.set_num_threads(threads)
    peak = chains.operations / found["chains"].minimum
    product = 2 * size**3 / found["product"].minimum
    assert 0.1 * peak < product < 1.1 * peak


@pytest.mark.parametrize(
    ("compiler", "message"),
    [
        ("no-such-compiler", r"the peak needs a C\+\+ compiler, \$CXX or c\+\+, got 'no-such-compiler'"),
        ("false", "the peak could not be built by false: "),
    ],
)
def test_a_compiler_that_fails_is_named(monkeypatch, compiler, message):
    monkeypatch.setenv("CXX", compiler)
    with pytest.raises(OSError, match=message):
        compile_chains("baseline", "single")


def test_the_native_bench_counts_the_same_operations():
    source = (CHECKOUT / "bench" / "native" / "kernels.cpp").read_text()
    counts = re.search(r"crossing = (\d+), tapped = (\d+), adjoint = (\d+);", source)
    assert counts is not None
    found = tuple(int(count) for count in counts.groups())
    assert found == (operations.FORWARD_MZI, operations.TAPPED_MZI, operations.ADJOINT_MZI)
