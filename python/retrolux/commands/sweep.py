"""`retrolux sweep`: train every combination of some options."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from retrolux import study
from retrolux.commands.pairs import parse_list, parse_pairs, parse_value
from retrolux.commands.paths import Folder, OptionalFile
from retrolux.commands.progress import runs_bar
from retrolux.commands.repeats import check_seeds
from retrolux.study.option_values import flat
from retrolux.study.sweep_grid import from_toml

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DESCRIPTION", "Sweep"]

DESCRIPTION = """\
Train every combination of some options, and keep all metrics in one file.

Any option of retrolux train can take a list, with its name as in config.toml (tap_noise, not --tap-noise). What is not
given is recommended for the data set and the optimizer of each run. The folder receives sweep.toml, in runs a folder
for every run (config.toml, metrics.csv, last.pt, best.pt and, when it has ended, run.json), and at the end results.nc,
an xarray Dataset in NetCDF. A run that fails is noted in the result. A sweep that is stopped, even by a power cut,
continues with --resume; it may have grown meanwhile.

A file for --config holds settings as a config.toml does, and the lists in a table:
  dataset = "digits"
  epochs = 20
  [sweep]
  tap_noise = [0.0, 0.005, 0.01]
  optimizer = ["sgd", "adam"]
  seed = [0, 1, 2]

Examples:
  retrolux sweep --sweep tap_noise=0,0.01,0.1 optimizer=sgd,adam --seeds 3
  retrolux sweep --change dataset=moons epochs=30 --sweep gradient=adjoint,three_measurement io_phase_std=0.01,0.05
  retrolux sweep --config noise.toml --out runs/noise --workers 8
  retrolux sweep --config noise.toml --out runs/noise --scheduler tcp://10.0.0.1:8786
  retrolux sweep --out runs/noise --resume"""


@dataclass(frozen=True)
class Sweep:
    """Train every combination of some options, and keep all metrics in one file.

    Attributes
    ----------
    config
        A TOML file with settings and lists.
    change
        Settings of all runs, over those of the file.
    sweep
        Lists, over those of the file; none stands for what is not limited (phase_bits, adc_bits).
    seeds
        Number of repeats, each another network on other chips; they count up from the first seed.
    out
        Folder of the sweep.
    workers
        Processes, each with one run at a time; by default as many as there are cores.
    scheduler
        A dask scheduler (tcp://host:port) that has the work done instead. Its workers need this version of retrolux and
        one thread each; they keep unfinished runs where they see the folder of the sweep.
    resume
        Continue the sweep in the folder, without --config the one that was begun.
    """

    config: OptionalFile = None
    change: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    sweep: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE,VALUE,…")] = ()
    seeds: int | None = None
    out: Folder = Path("runs/sweep")
    workers: int | None = None
    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    resume: bool = False

    def run(self) -> int:
        """Compute, show the progress and print a table."""
        sweep = self._declared()
        with runs_bar() as progress:
            try:
                results = study.run_sweep(
                    sweep,
                    self.out,
                    workers=self.workers,
                    scheduler=self.scheduler,
                    resume=self.resume,
                    progress=progress,
                )
            except KeyboardInterrupt:
                raise KeyboardInterrupt(self._how_to_continue()) from None
        failures = Counter(text for text in results["failure"].values.flat if text)
        if failures.total() == results["failure"].size:
            raise ValueError(f"all {failures.total()} runs failed: {'; '.join(failures)}")
        print(_table(results))
        for text, count in failures.items():
            print(f"{count} of {results['failure'].size} runs failed: {text}")
        print(f"\nthe result is in {self.out / 'results.nc'}")
        return 0

    def _how_to_continue(self) -> str:
        if not (self.out / "sweep.toml").exists():
            return "stopped before the sweep had begun"
        return f"stopped; continue with: retrolux sweep --out {shlex.quote(str(self.out))} --resume"

    def _declared(self) -> study.Sweep:
        """Return the sweep that the options describe."""
        check_seeds(self.seeds)
        file = self.config
        if self.resume and file is None:
            file = self.out / "sweep.toml"
            if not file.exists():
                raise FileNotFoundError(f"{self.out} holds no sweep to resume: there is no sweep.toml")
        base = study.Sweep() if file is None else from_toml(file)
        changes = parse_pairs("--change", "NAME=VALUE", self.change)
        lists = parse_pairs("--sweep", "NAME=VALUE,VALUE,…", self.sweep)
        sweep = study.Sweep(
            settings={**base.settings, **flat({name: parse_value(text) for name, text in changes.items()})},
            lists={**base.lists, **flat({name: parse_list(text) for name, text in lists.items()})},
            seeds=() if "seed" in changes else base.seeds,
        )
        if self.seeds is None:
            return sweep
        first = sweep.configs[0].seed
        return replace(sweep, seeds=range(first, first + self.seeds))


def _table(results: xr.Dataset) -> str:
    """Return the last test error of every combination, the mean over its seeds."""
    from retrolux.study.results import confidence, last_epochs  # noqa: PLC0415 - xarray is slow

    error = confidence(last_epochs(results, "eval/error"))
    gradient = last_epochs(results, "grad/error_batch").mean("seed")
    failed = (results["failure"] != "").sum("seed")
    swept = error["mean"].dims
    header = [*(results[name].attrs["option"] for name in swept), "test error", "± 95 %", "gradient error", "failed"]
    rows = [header]
    for index in np.ndindex(error["mean"].shape):
        mean, high = (100 * error[name].values[index] for name in ("mean", "high"))
        rows.append(
            [
                *(f"{results[name].values[i]}" for name, i in zip(swept, index, strict=True)),
                _number(mean, ".2f", " %"),
                _number(high - mean, ".2f", " %"),
                _number(gradient.values[index], ".2g"),
                f"{failed.values[index]}" if failed.values[index] else "",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _number(value: Any, form: str, unit: str = "") -> str:
    return "" if np.isnan(value) else f"{value:{form}}{unit}"
