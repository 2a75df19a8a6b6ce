"""A virtual environment for every peer, made when it is first needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from _contenders import ContenderError

if TYPE_CHECKING:
    from _contenders import Contender

__all__ = ["command", "describe", "variables"]

_PEERS = Path(__file__).parent / "peers"
_BENCH = Path(__file__).parents[1]


def command(contender: Contender, folder: Path, checkout: Path | None) -> list[str]:
    """Return what starts a contender, after making its environment under `folder` if it is not there yet.

    Raises
    ------
    ContenderError
        When it is on no index and no checkout is given, or its packages cannot be installed.
    """
    script = [str(_PEERS / contender.script), *contender.arguments]
    if not contender.requires:
        return [sys.executable, *script]
    environment = folder / contender.name
    python, made = environment / "bin" / "python", environment / "made.json"
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    package = _package(contender, environment, checkout)
    if not made.exists() or json.loads(made.read_text(encoding="utf-8")) != list(contender.requires):
        _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        _run([*pip, *contender.requires])
        made.write_text(json.dumps(contender.requires), encoding="utf-8")
    if checkout is not None:
        _link(package, contender, checkout)
    elif not package.exists():
        _run([*pip, "--no-deps", "--target", str(package), str(contender.release)])
    return [str(python), *script]


def variables(contender: Contender, folder: Path, checkout: Path | None, threads: int, memory: int) -> dict[str, str]:
    """Return the environment variables of a contender: its paths, `threads` and at most `memory` bytes of addresses."""
    package = _package(contender, folder / contender.name, checkout) if contender.requires else _BENCH
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    return {
        **os.environ,
        **{f"{library}_NUM_THREADS": str(threads) for library in libraries},
        # Idle threads of LLVM's OpenMP would spin for 200 ms, of OpenBLAS for 2²⁶ cycles: into the next one's turn.
        "KMP_BLOCKTIME": "10",
        "OPENBLAS_THREAD_TIMEOUT": "24",
        "PYTHONPATH": str(package),
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "VERSUS_MEMORY_BYTES": str(memory),
    }


def describe(checkout: Path) -> str:
    """Return which commit a checkout is at, if it says so."""
    if not (checkout / ".git").exists():
        return "checkout"
    git = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return f"checkout {subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()}"


def _package(contender: Contender, environment: Path, checkout: Path | None) -> Path:
    """Return the folder that holds the contender's own package, apart from those that it requires."""
    if checkout is not None:
        return environment / "checkout"
    if contender.release is None:
        raise ContenderError(f"not on the package index; give a checkout by --path {contender.name}=DIR")
    return environment / contender.release


def _run(step: list[str]) -> None:
    done = subprocess.run(step, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise ContenderError(f"not installed: {errors[-1] if errors else done.stderr.strip()[-200:]}")


def _link(folder: Path, contender: Contender, checkout: Path) -> None:
    """Make the package in `checkout`, a folder of it or the whole of it, the one that `folder` holds."""
    assert contender.module is not None
    package = next((path for path in (checkout / contender.module, checkout) if (path / "__init__.py").is_file()), None)
    if package is None:
        raise ContenderError(f"no package {contender.module} in {checkout}")
    folder.mkdir(exist_ok=True)
    link = folder / contender.module
    link.unlink(missing_ok=True)
    link.symlink_to(package.resolve(), target_is_directory=True)
