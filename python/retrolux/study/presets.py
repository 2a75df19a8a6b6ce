"""Studies to start from: which runs they are made of, and how much else is measured."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrolux.data import PLANAR
from retrolux.hardware.presets import PAI_2023
from retrolux.study.config import TrainConfig, options
from retrolux.study.sweep_grid import Sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrolux.study.sweep_grid import Value

__all__ = ["STUDIES", "Study"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A scalability study: grids of runs around common settings, the planar tasks, and the laws.

    Attributes
    ----------
    name : str
        Of the preset.
    about : str
        What it is, in a sentence.
    settings : mapping
        What no grid changes, as for `Sweep`.
    grids : tuple of mapping of str to sequence
        Options and their values: every combination of one grid is computed, options of other grids have their setting.
    seeds : sequence of int
        Of the repeats.
    planar_epochs : int
        Passes over the training set for each planar task, exact and measured; 0 leaves them out.
    laws : mapping
        Arguments of `retrolux.study.law_measurement.measure_laws`.
    """

    name: str
    about: str
    settings: Mapping[str, Any]
    grids: tuple[Mapping[str, Sequence[Value]], ...]
    seeds: Sequence[int] = (0,)
    planar_epochs: int = 100
    laws: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def configs(self) -> tuple[TrainConfig, ...]:
        """Configurations of all grids; some may stand in several grids."""
        sweeps = (Sweep(settings=self.settings, lists=grid, seeds=self.seeds) for grid in self.grids)
        return tuple(config for sweep in sweeps for config in sweep.configs)

    @cached_property
    def planar(self) -> dict[tuple[str, str], TrainConfig]:
        """Configuration of each planar task, exact and on chips with the errors of the published study."""
        runs: dict[tuple[str, str], TrainConfig] = {}
        for task in PLANAR if self.planar_epochs else ():
            exact = dataclasses.replace(TrainConfig.recommended(task), epochs=self.planar_epochs)
            runs[task, "exact"] = exact
            runs[task, "measured"] = dataclasses.replace(exact, gradient="three_measurement", imperfections=PAI_2023)
        return runs

    @cached_property
    def whole(self) -> Sweep:
        """The smallest sweep that holds every grid: the frame of the result, most of which is not computed."""
        base = options(Sweep(settings=self.settings, seeds=self.seeds).configs[0])
        lists: dict[str, list[Any]] = {}
        for grid in self.grids:
            for name in grid:
                everywhere = all(name in other for other in self.grids)
                lists.setdefault(name, [] if everywhere else [base[name]])
        for name, values in lists.items():
            found = {value: None for grid in self.grids for value in grid.get(name, ())}
            values += [value for value in found if value not in values]
            if not any(isinstance(value, str) for value in values):
                values.sort()
        return Sweep(settings=self.settings, lists=lists, seeds=self.seeds)


_METHODS = ("three_measurement", "sum_difference")
_OPTIMIZERS = ("adam", "sgd")  # of the published study
_MNIST = {"dataset": "mnist", "epochs": 100, "gradient": "three_measurement"}
_AMPLITUDE = (0.0, 0.025, 0.05)
_PHASE = (0.0, 0.025, 0.05)
_LOSS = (0.0, 0.05)
_TAP = (0.0, 0.005, 0.01, 0.02)

_QUICK = Study(
    name="quick",
    about="A look at everything on the handwritten digits that come with scikit-learn, in about a minute.",
    settings={
        "dataset": "digits",
        "epochs": 10,
        "lr": 0.02,
        "lr_half_life": 3.0,
        "gradient": "three_measurement",
    },
    grids=(
        {"modes": (16, 32, 64), "tap_noise": (0.0, 0.01, 0.1, 0.3, 1.0)},
        {"gradient": _METHODS, "tap_noise": (0.0, 0.1, 1.0)},
        {"gradient": _METHODS, "io_phase_std": (0.0, 0.05)},
        {"gradient": _METHODS, "io_amplitude_std": (0.0, 0.05)},
        {"gradient": _METHODS, "loss_db_std": (0.0, 0.01, 0.05)},
    ),
    seeds=(0, 1),
    planar_epochs=50,
    laws={"effort": 400, "tap_noise": (0.005, 0.02), "loss_db_std": (0.02,)},
)

_TAP_STUDY = Study(
    name="tap",
    about="Tap noise and 16 to 64 modes on MNIST, 10 epochs each: some minutes.",
    settings=_MNIST | {"epochs": 10},
    grids=({"modes": (16, 36, 64), "tap_noise": (0.0, 0.01, 0.1, 0.3, 1.0)},),
)

_ROWS = Study(
    name="rows",
    about="One error at a time on MNIST, both optimizers and both ways to measure: 36 runs of 100 epochs.",
    settings=_MNIST,
    grids=tuple(
        {"gradient": _METHODS, "optimizer": _OPTIMIZERS, error: values}
        for error, values in (
            ("io_amplitude_std", _AMPLITUDE),
            ("io_phase_std", _PHASE),
            ("loss_db_std", _LOSS),
            ("tap_noise", _TAP),
        )
    ),
)

_PAPER = Study(
    name="paper",
    about="The published grid on MNIST (Pai et al., Science 380, 398 (2023)): 144 runs of 100 epochs, some hours.",
    settings=_MNIST,
    grids=(
        {
            "io_amplitude_std": _AMPLITUDE,
            "io_phase_std": _PHASE,
            "loss_db_std": _LOSS,
            "tap_noise": _TAP,
            "optimizer": _OPTIMIZERS,
        },
    ),
)

STUDIES = {study.name: study for study in (_QUICK, _TAP_STUDY, _ROWS, _PAPER)}
"""The studies by their names."""
