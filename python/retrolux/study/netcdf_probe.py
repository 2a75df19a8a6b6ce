"""Reads a NetCDF file that nothing vouches for in a process of its own, which may be stopped.

That process runs this file, which imports nothing of retrolux, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import warnings

import xarray as xr

__all__ = ["probe"]

_MEMORY = 4 * 2**30
_SECONDS = 30


def probe(content: bytes) -> None:
    """Let another process read a NetCDF file, within 30 s and 4 GiB.

    Raises
    ------
    ValueError
        When it cannot; says what that process has said.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=content, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"it cannot be read within {_SECONDS} s") from None
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().partition("\n")[0]
        raise ValueError(said or f"what reads it ends with code {done.returncode}")


def _main() -> int:
    """Return 0 when the file on the standard input can be read; else print why not, and return 1."""
    with contextlib.suppress(ImportError):  # there are no such limits on Windows
        import resource  # noqa: PLC0415 - not there on every system

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    try:
        xr.load_dataset(io.BytesIO(sys.stdin.buffer.read()), engine="h5netcdf")
    except Exception as error:  # noqa: BLE001 - whatever comes of a damaged file is what is to be said
        print(str(error).partition("\n")[0] or type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
