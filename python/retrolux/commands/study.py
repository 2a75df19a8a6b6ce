"""`retrolux study`: accuracy, energy, latency and area in one report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import tyro

from retrolux import energy
from retrolux.commands.listing import listed
from retrolux.commands.paths import Folder, OptionalFile
from retrolux.commands.progress import runs_bar
from retrolux.commands.repeats import check_seeds
from retrolux.reading import read_text
from retrolux.study.presets import STUDIES

if TYPE_CHECKING:
    from retrolux.energy import Device
    from retrolux.study.presets import Study as Preset

__all__ = ["DESCRIPTION", "Study"]

DESCRIPTION = f"""\
Ask how large, how noisy and how cheap a chip may be, and answer in one report.

Trains a grid of networks with measured gradients, measures the laws of gradient errors, counts energy, time and area,
and puts accuracy against energy. The folder receives results.nc (an xarray Dataset in NetCDF), report.html (one page
that needs no network), figures as PNG and SVG, and a folder in runs for every run. A study that is stopped, even by a
power cut, goes on when the same command is given again; another study in the same folder takes over the runs in common.

{listed({name: study.about for name, study in STUDIES.items()})}

Examples:
  retrolux study
  retrolux study --preset paper --data-dir ../shared/data --out runs/paper
  retrolux study --preset tap --data-dir ../shared/data --seeds 3 --scheduler tcp://10.0.0.1:8786
  retrolux study --device runs/energy/device.toml"""

if TYPE_CHECKING:
    PresetName: TypeAlias = str
else:
    PresetName = Literal[tuple(STUDIES)]


@dataclass(frozen=True)
class Study:
    """Ask how large, how noisy and how cheap a chip may be, and answer in one report.

    Attributes
    ----------
    preset
        What to compute.
    out
        Folder of the study.
    data_dir
        Folder with the files of mnist (MNIST/raw/…); empty: the environment variable RETROLUX_DATA.
    epochs
        Passes over the training set, at least 1, instead of those of the preset.
    seeds
        Number of repeats, each another network on other chips, instead of that of the preset.
    device
        A TOML file that describes the device whose costs count, as retrolux energy writes it.
    workers
        Processes, each with one run at a time; by default as many as there are cores.
    scheduler
        A dask scheduler (tcp://host:port) that has the work done instead; see retrolux sweep.
    """

    preset: PresetName = "quick"
    out: Folder = Path("runs/study")
    data_dir: str = ""
    epochs: int | None = None
    seeds: int | None = None
    device: OptionalFile = None
    workers: int | None = None
    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None

    def run(self) -> int:
        """Compute, show the progress, and write the report."""
        from retrolux.report import write_report  # noqa: PLC0415 - slow, and not needed for --help
        from retrolux.study.scalability import run_study  # noqa: PLC0415 - as above

        study, devices = self._described(), self._devices()
        with runs_bar() as progress:
            try:
                results = run_study(
                    study, self.out, devices, workers=self.workers, scheduler=self.scheduler, progress=progress
                )
            except KeyboardInterrupt:
                raise KeyboardInterrupt("stopped; the same command goes on with it") from None
        page = write_report(results, self.out)
        print(f"the report is {page}, the numbers are in {self.out / 'results.nc'}")
        return 0

    def _described(self) -> Preset:
        """Return the study that the options describe."""
        study = STUDIES[self.preset]
        settings = {**study.settings, "data_dir": self.data_dir}
        if self.epochs is not None:
            settings["epochs"] = self.epochs
        check_seeds(self.seeds)
        seeds = study.seeds if self.seeds is None else range(self.seeds)
        return dataclasses.replace(study, settings=settings, seeds=seeds)

    def _devices(self) -> dict[str, Device]:
        """Return the published device, and the one to look at."""
        from retrolux.study.tradeoff import DEVICES  # noqa: PLC0415 - xarray is slow

        if self.device is None:
            return DEVICES
        try:
            device = energy.from_toml(read_text(self.device))
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no device file {self.device}") from None
        except ValueError as error:
            raise ValueError(f"{self.device}: {error}") from None
        published = energy.presets.PAI2023_TABLES
        return {published.name: published, device.name: device}
