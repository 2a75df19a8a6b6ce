"""The multiply-add peak of one core, measured: what every share of the peak refers to."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from retrolux.bench.timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrolux.bench.quiet import Patience

__all__ = ["Chains", "Precision", "compile_chains", "measure"]

Precision: TypeAlias = Literal["single", "double"]

_SOURCE = Path(__file__).with_suffix(".cpp")
# As CMakeLists.txt builds the kernels.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "baseline": (),
    "avx2": ("-march=x86-64-v3",),
    "avx512": ("-march=x86-64-v4", "-mprefer-vector-width=512"),
}
_ROUNDS = 100_000
_SECONDS = 0.5


@dataclass(frozen=True)
class Chains:
    """Chains of multiply-adds on one core: call `run` to do `operations` operations."""

    run: Callable[[], object]
    operations: int


def compile_chains(isa: str, precision: Precision) -> Chains:
    """Build the chains of an instruction set with the system's compiler ($CXX, else c++).

    Raises
    ------
    OSError
        When there is no compiler, or what it builds cannot be loaded.
    """
    compiler = os.environ.get("CXX", "c++")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        common = ("-std=c++17", "-O2", "-ffp-contract=fast", "-fPIC", "-shared")
        command = [compiler, *common, *_OPTIONS[isa], str(_SOURCE), "-o", str(library)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise FileNotFoundError(f"the peak needs a C++ compiler, $CXX or c++, got {compiler!r}") from None
        except subprocess.CalledProcessError as error:
            raise OSError(f"the peak could not be built by {compiler}: {error.stderr.strip()}") from None
        loaded = ctypes.CDLL(str(library))
    run = loaded[f"run_{precision}"]
    real = ctypes.c_float if precision == "single" else ctypes.c_double
    run.argtypes, run.restype = [ctypes.c_int64, real, real], ctypes.c_double
    return Chains(lambda: run(_ROUNDS, 0.999, 0.001), _ROUNDS * int(loaded[f"operations_{precision}"]()))


def measure(isa: str, precision: Precision, patience: Patience) -> float:
    """Return the peak of one core [operations/s]: the best of many readings, since nothing runs faster than it can.

    Raises
    ------
    OSError
        As `compile_chains` does.
    """
    chains = compile_chains(isa, precision)
    return chains.operations / alternate({"chains": chains.run}, _SECONDS, patience)["chains"].minimum
