"""The multiply-add peak of one core, measured: what every share of the peak in these benches refers to.

python bench/peak.py
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from _machine import Machine
from _quiet import Patience
from _timing import alternate

from retrolux import _kernels

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Chains", "Precision", "compile_chains", "measure"]

Precision: TypeAlias = Literal["single", "double"]

_SOURCE = Path(__file__).with_suffix(".cpp")
# Register width in bytes and compiler options of each instruction set, as CMakeLists.txt builds the kernels.
_BUILDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "baseline": (16, ()),
    "avx2": (32, ("-march=x86-64-v3",)),
    "avx512": (64, ("-march=x86-64-v4", "-mprefer-vector-width=512")),
}
_ROUNDS = 100_000
_SECONDS = 0.5


@dataclass(frozen=True)
class Chains:
    """Chains of multiply-adds on one core: call `run` to do `operations` operations."""

    run: Callable[[], object]
    operations: int


def compile_chains(isa: str, precision: Precision) -> Chains:
    """Build the chains of an instruction set with the system's compiler ($CXX, else c++)."""
    width, options = _BUILDS[isa]
    compiler = os.environ.get("CXX", "c++")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        common = ("-O2", "-ffp-contract=fast", "-fPIC", "-shared", f"-DVECTOR_BYTES={width}")
        subprocess.run([compiler, *common, *options, str(_SOURCE), "-o", str(library)], check=True)
        loaded = ctypes.CDLL(str(library))
    run = loaded[f"run_{precision}"]
    real = ctypes.c_float if precision == "single" else ctypes.c_double
    run.argtypes, run.restype = [ctypes.c_int64, real, real], ctypes.c_double
    return Chains(lambda: run(_ROUNDS, 0.999, 0.001), _ROUNDS * int(loaded[f"operations_{precision}"]()))


def measure(isa: str, precision: Precision, patience: Patience) -> float:
    """Return the peak of one core [operations/s]: the best of many readings, since nothing runs faster than it can."""
    chains = compile_chains(isa, precision)
    return chains.operations / alternate({"chains": chains.run}, _SECONDS, patience)["chains"].minimum


def main() -> None:
    machine = Machine(threads=1)
    for isa in _kernels.isas_usable:
        single, double = (measure(isa, precision, Patience(0)) for precision in ("single", "double"))
        print(f"{isa:9} {single / 1e9:7.1f} GFLOP/s in single, {double / 1e9:7.1f} in double precision, one core")
    print(machine.facts())


if __name__ == "__main__":
    main()
