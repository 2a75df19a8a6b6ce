"""A sweep from its declaration to its result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retrolux.atomic import write_atomically
from retrolux.locking import locked
from retrolux.study.cluster import check_workers, compute_all
from retrolux.study.results import collect, write_results
from retrolux.study.sweep_grid import to_toml

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import xarray as xr

    from retrolux.study.run_record import Record
    from retrolux.study.sweep_grid import Sweep

__all__ = ["run_sweep"]


def run_sweep(
    sweep: Sweep,
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Callable[[int, int, Record | None], None] | None = None,
) -> xr.Dataset:
    """Compute a sweep and keep it in a folder.

    The folder receives sweep.toml, a folder in ``runs`` for every run as soon as it begins, and results.nc at the end.
    Runs that diverge or fail are part of the result, and the sweep goes on.

    Parameters
    ----------
    sweep : Sweep
        What to compute.
    folder : path-like
        Where to; made when it does not exist.
    workers, scheduler, progress
        As in `retrolux.study.cluster.compute_all`.
    resume : bool
        Go on with what the folder holds. The sweep may differ from the one that was begun: what both compute is not
        computed again.

    Returns
    -------
    Dataset
        As in results.nc; see `retrolux.study.results`.

    Raises
    ------
    FileExistsError
        When the folder holds a sweep that is not to be resumed.
    FileNotFoundError
        When it holds none that could be.
    ValueError, OSError
        As of `retrolux.study.cluster.compute_all`.
    """
    check_workers(workers, scheduler)
    folder = Path(folder)
    _check_folder(folder, resume=resume)
    with locked(folder):
        _check_folder(folder, resume=resume)  # nor has another process begun one meanwhile
        write_atomically(folder / "sweep.toml", to_toml(sweep).encode())
        records = compute_all(sweep.configs, folder / "runs", workers=workers, scheduler=scheduler, progress=progress)
        results = collect(sweep, records)
        write_results(results, folder / "results.nc")
    return results


def _check_folder(folder: Path, *, resume: bool) -> None:
    there = (folder / "sweep.toml").exists()
    if there and not resume:
        raise FileExistsError(f"{folder} already holds a sweep: continue it with --resume or choose another --out")
    if resume and not there:
        raise FileNotFoundError(f"{folder} holds no sweep to resume: there is no sweep.toml")
