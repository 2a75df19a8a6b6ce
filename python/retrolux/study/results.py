"""The result of a sweep: an xarray Dataset, and the NetCDF file that holds it.

Dimensions are the swept options, in their order, then ``seed``, ``param`` and ``epoch``. The dimension of an option has
the name of the published file (Pai et al., Science 380, 398 (2023); `DIMENSIONS`), or that of the option where the file
has none. The attribute ``option`` of its coordinate is always the name of the option. Options that were not swept are
in the configuration alone.

============  =============================  =====================================================================
variable      dimensions                     meaning
============  =============================  =====================================================================
``metrics``   options, seed, param, epoch    float64; NaN where a run failed or had ended
``seconds``   options, seed                  float64, wall time of the epochs (s)
``shots``     options, seed                  int64, samples of light sent through all chips
``failure``   options, seed                  str, the error that a run ended with; empty where it went well
============  =============================  =====================================================================

``param`` is one of ``train/error``, ``train/loss``, ``eval/error``, ``eval/loss`` (errors are fractions; eval is the
test set), ``grad/error_batch`` and ``grad/error_small``: 1 − ĝ·g of the normalised measured and exact gradients, the
mean over the meshes, in the last batch of the epoch and in a small batch that never changes; NaN for training that is
exact.

Attributes of the Dataset: ``config``, the configuration of the first run, ``sweep``, the lists and the seeds, and
``versions``, all as JSON; ``created``, the time (ISO 8601, UTC).
"""

from __future__ import annotations

import dataclasses
import io
import json
import platform
import warnings
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import stdtrit  # type: ignore[import-untyped]

from retrolux.atomic import write_atomically
from retrolux.reading import read_bytes
from retrolux.study.config import OPTIONS
from retrolux.study.hdf5_checksum import has_checksum, with_checksum
from retrolux.study.netcdf_probe import probe
from retrolux.study.results_check import PARAMS, check_results
from retrolux.study.run_record import identity

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from retrolux.study.epoch import Epoch
    from retrolux.study.option_values import Value
    from retrolux.study.run_record import Record
    from retrolux.study.sweep_grid import Sweep

__all__ = [
    "DIMENSIONS",
    "PARAMS",
    "collect",
    "confidence",
    "empty_results",
    "last_epochs",
    "read_results",
    "write_results",
]

DIMENSIONS = {name: about.published or name for name, about in OPTIONS.items()}
"""What each option is called in the file."""

_LARGEST = 2**30
_PACKAGES = ("retrolux", "torch", "numpy", "xarray", "distributed")


def empty_results(sweep: Sweep) -> xr.Dataset:
    """Return the Dataset of a sweep none of whose runs has ended: metrics NaN, failure ``"not run"``."""
    coordinates = {DIMENSIONS[name]: _coordinate(name, values) for name, values in sweep.lists.items()}
    epochs = max(config.epochs for config in sweep.configs)
    runs = (*coordinates, "seed")
    return xr.Dataset(
        {
            "metrics": (
                (*runs, "param", "epoch"),
                np.full((*sweep.shape, len(PARAMS), epochs), np.nan),
                {"long_name": "errors, losses and gradient errors", "units": "1"},
            ),
            "seconds": (runs, np.full(sweep.shape, np.nan), {"long_name": "wall time of the epochs", "units": "s"}),
            "shots": (
                runs,
                np.zeros(sweep.shape, dtype=np.int64),
                {"long_name": "samples of light sent through all chips", "units": "1"},
            ),
            "failure": (runs, np.full(sweep.shape, "not run", dtype=object), {"long_name": "error the run ended with"}),
        },
        {
            **coordinates,
            "seed": ("seed", np.asarray(sweep.seeds, dtype=np.int64), {"units": "1"}),
            "param": ("param", list(PARAMS)),
            "epoch": ("epoch", np.arange(1, epochs + 1), {"units": "1"}),
        },
        {
            "config": json.dumps(dataclasses.asdict(sweep.configs[0])),
            "sweep": json.dumps({**sweep.lists, "seed": list(sweep.seeds)}),
            "versions": json.dumps(
                {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
            ),
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        },
    )


def collect(sweep: Sweep, records: Mapping[str, Record]) -> xr.Dataset:
    """Return the Dataset of a sweep, filled with the runs that have ended.

    Parameters
    ----------
    sweep : Sweep
        What was to be computed.
    records : mapping of str to Record
        Ended runs by their `retrolux.study.run_record.identity`; more than the sweep's do no harm.
    """
    results = empty_results(sweep)
    for index, config in zip(np.ndindex(*sweep.shape), sweep.configs, strict=True):
        record = records.get(identity(config))
        if record is None:
            continue
        results["failure"].values[index] = record.failure
        if record.history:
            curves = np.transpose([_row(epoch, measured=config.method is not None) for epoch in record.history])
            results["metrics"].values[index][:, : len(record.history)] = curves
            results["seconds"].values[index] = sum(epoch.seconds for epoch in record.history)
            results["shots"].values[index] = record.history[-1].shots
    return results


def last_epochs(results: xr.Dataset, param: str, epochs: int = 1) -> xr.DataArray:
    """Return the mean of a metric over the last epochs of every run; NaN where a run failed.

    Raises
    ------
    ValueError
        When `epochs` is below 1.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    values = results["metrics"].sel(param=param).where(results["failure"] == "")
    ended = results["metrics"].sel(param="eval/error").notnull().sum("epoch")
    return values.where((ended - epochs < values["epoch"]) & (values["epoch"] <= ended)).mean("epoch")


def confidence(values: xr.DataArray, level: float = 0.95) -> xr.Dataset:
    """Return the mean over the seeds and the interval that holds the true one with a probability of `level`.

    Parameters
    ----------
    values : DataArray with a dimension seed
        NaN where a run failed: it is left out.
    level : float
        Between 0 and 1.

    Returns
    -------
    Dataset
        ``mean``, ``low`` and ``high`` without the dimension seed, after Student's t distribution, and ``runs``, the
        number of values; low and high are NaN where there are fewer than two.

    Raises
    ------
    ValueError
        When `level` is out of range, or there is no dimension seed.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if "seed" not in values.dims:
        raise ValueError(f"values must have a dimension seed, got {values.dims}")
    runs = values.notnull().sum("seed")
    mean = values.sum("seed") / runs.where(runs > 0)
    freedom = (runs - 1).where(runs > 1)
    error = np.sqrt(((values - mean) ** 2).sum("seed") / freedom / runs)
    half = error * stdtrit(freedom, (1 + level) / 2)  # the quantile of Student's t
    return xr.Dataset({"mean": mean, "low": mean - half, "high": mean + half, "runs": runs})


def write_results(results: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a Dataset as NetCDF: whole, or not at all; a checksum stands behind its last byte.

    Raises
    ------
    OSError
        When the folder cannot be written to.
    """
    file = io.BytesIO()
    compressed = {name: {"zlib": True} for name, variable in results.data_vars.items() if variable.dtype.kind in "fi"}
    results.to_netcdf(file, engine="h5netcdf", encoding=compressed)
    write_atomically(Path(path), with_checksum(file.getvalue()))


def read_results(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read what `write_results` wrote, into memory.

    A file without a checksum, of an earlier version or changed by another program, is read as well: first by a process
    of its own, which has 30 s and 4 GiB for it. Damage that leaves its names, dimensions and kinds of values as
    they are is not noticed there. The checksum tells damage, not intention: anyone can make one.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no NetCDF file, damaged, or not the result of a sweep; names what is wrong in it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no result {path}")
    content = read_bytes(path, _LARGEST)
    try:
        if not has_checksum(content):
            probe(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a result does not have: dates, odd encodings
            results = xr.load_dataset(io.BytesIO(content), engine="h5netcdf")
    except Exception as error:  # whatever a library raises that reads what is no NetCDF
        raise ValueError(f"{path} is not a NetCDF file: {str(error).partition(chr(10))[0]}") from error
    missing = {"metrics", "seconds", "shots", "failure"} - set(results.data_vars)
    if missing or not {"config", "sweep", "versions"} <= set(results.attrs):
        raise ValueError(f"{path} is not the result of a sweep: it has no {', '.join(sorted(missing)) or 'config'}")
    try:
        check_results(results)
    except ValueError as error:
        raise ValueError(f"{path} is not the result of a sweep: {error}") from None
    return results


def _coordinate(name: str, values: Sequence[Value]) -> tuple[str, object, dict[str, str]]:
    """Return the coordinate of an option; infinitely many bits where None stands for no rounding."""
    numbers = [np.inf if value is None else value for value in values]
    return DIMENSIONS[name], np.asarray(numbers), {"option": name, "units": OPTIONS[name].unit}


def _row(epoch: Epoch, *, measured: bool) -> tuple[float, ...]:
    """Return the metrics of an epoch in the order of PARAMS."""
    errors = (1 - epoch.gradient_cosine, 1 - epoch.gradient_cosine_small) if measured else (np.nan, np.nan)
    return epoch.train_error, epoch.train_loss, epoch.test_error, epoch.test_loss, *errors
