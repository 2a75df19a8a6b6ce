"""The one importer of the compiled module: picks the instruction set and says what was built."""

from __future__ import annotations

import os

from retrolux import _core
from retrolux._core import Kernels, Layout, NotInOrderError

__all__ = [
    "Kernels",
    "Layout",
    "NotInOrderError",
    "info",
    "isas_built",
    "isas_usable",
    "kernels",
    "max_threads",
    "operations",
]

isas_built: tuple[str, ...] = _core.isas_built
isas_usable: tuple[str, ...] = _core.isas_usable
operations: dict[str, float] = _core.operations


def _choose(wanted: str | None) -> Kernels:
    """Return the kernels of `wanted`, else of the best instruction set that this processor runs."""
    if not wanted:  # an empty variable is one that is not set
        return Kernels(isas_usable[-1])
    if wanted not in isas_usable:
        raise ValueError(f"RETROLUX_ISA must be one of {', '.join(isas_usable)} on this machine, got {wanted!r}")
    return Kernels(wanted)


kernels = _choose(os.environ.get("RETROLUX_ISA"))


def max_threads() -> int:
    """Return the threads that OpenMP would use now; 1 in a build without it."""
    return _core.max_threads()


def info() -> dict[str, str]:
    """Return what was built and what is in use, as ``retrolux info`` prints it."""
    return {
        "version": _core.__version__,
        "compiler": _core.compiler,
        "instruction sets built": ", ".join(isas_built),
        "instruction set in use": kernels.isa,
        "OpenMP": "none (serial build)" if _core.openmp is None else str(_core.openmp),
        "threads": str(max_threads()),
    }
