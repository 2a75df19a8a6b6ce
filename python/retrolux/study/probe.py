"""Reads a NetCDF file from the standard input and says what is wrong with it: the process of `seal.probe`.

It imports nothing of retrolux, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings

import xarray as xr

_MEMORY = 4 * 2**30


def main() -> int:
    """Return 0 when the file can be read; else print why not, and return 1."""
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
    sys.exit(main())
