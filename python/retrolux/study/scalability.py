"""The scalability study from its preset to its result."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from retrolux import data
from retrolux.hardware.presets import IDEAL
from retrolux.locking import locked
from retrolux.study.checkpoint import load
from retrolux.study.cluster import check_workers, compute_all
from retrolux.study.law_measurement import measure_laws
from retrolux.study.network import Network
from retrolux.study.planar import map_decisions
from retrolux.study.results import collect, write_results
from retrolux.study.run_record import run_folder
from retrolux.study.tradeoff import with_costs
from retrolux.study.train import start_run

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    import xarray as xr

    from retrolux.energy import Device
    from retrolux.study.config import TrainConfig
    from retrolux.study.presets import Study
    from retrolux.study.run_record import Record

__all__ = ["run_study"]


def run_study(
    study: Study,
    folder: str | os.PathLike[str],
    devices: Mapping[str, Device],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int, Record | None], None] | None = None,
) -> xr.Dataset:
    """Compute a study and keep it in a folder.

    The folder receives a folder in ``runs`` for every run as soon as it begins, and results.nc at the end. What it
    holds already is not computed again, so that a study that was killed goes on.

    Parameters
    ----------
    study : Study
        What to compute.
    folder : path-like
        Where to; made when it does not exist.
    devices : mapping of name to Device
        What the costs are those of.
    workers, scheduler, progress
        As in `retrolux.study.cluster.compute_all`.

    Returns
    -------
    Dataset
        As in results.nc: that of `retrolux.study.results` with all grids of the study in it, ``"not run"`` between
        them; what `costs`, `measure_laws` and `map_decisions` return; the attributes ``study`` and ``devices``, JSON.

    Raises
    ------
    FileNotFoundError
        When the files of the data set are missing.
    NotADirectoryError
        When the folder is a file.
    FileExistsError
        When it holds a sweep.
    ValueError, OSError
        As of `retrolux.study.cluster.compute_all`.
    """
    check_workers(workers, scheduler)
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder: choose another --out")
    if (folder / "sweep.toml").exists():
        raise FileExistsError(f"{folder} holds a sweep: choose another --out")
    base = study.configs[0]
    data.load(base.dataset, data_dir=base.data_dir or None)  # missing files are missed before hours have passed
    wanted = (*study.configs, *study.planar.values())
    with locked(folder):
        records = compute_all(wanted, folder / "runs", workers=workers, scheduler=scheduler, progress=progress)
        results = _results(study, folder, devices, records)
        write_results(results, folder / "results.nc")
    return results


def _results(study: Study, folder: Path, devices: Mapping[str, Device], records: Mapping[str, Record]) -> xr.Dataset:
    results = with_costs(collect(study.whole, records), devices)
    parts = [measure_laws(**study.laws)]
    if study.planar:
        parts.append(map_decisions({key: _trained(config, folder / "runs") for key, config in study.planar.items()}))
    for part in parts:
        results = results.merge(part)
    results.attrs["study"] = json.dumps({"name": study.name, "about": study.about})
    return results


def _trained(config: TrainConfig, runs: Path) -> Network:
    """Return an exact network with the phases that a run has found.

    Workers on another disk have left no phases; then the run is computed here.
    """
    folder = run_folder(runs, config)
    if not (folder / "last.pt").exists():
        start_run(config, folder)
    network = Network(dataclasses.replace(config, gradient="auto", imperfections=IDEAL))
    for exact, found in zip(network.layers, load(folder / "last.pt").layers, strict=True):
        exact.theta.data.copy_(found.theta)
        exact.phi.data.copy_(found.phi)
    return network.eval()
