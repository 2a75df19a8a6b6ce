"""The configuration of a training run: a frozen record, the TOML file and the command line in one."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from retrolux.data import DATASETS
from retrolux.gradient import METHODS, OutputPhase
from retrolux.hardware import Imperfections, presets
from retrolux.mesh import TOPOLOGIES
from retrolux.option import check_options, option, options_of
from retrolux.reading import parse_toml, read_text, shown
from retrolux.study.losses import LOSSES
from retrolux.study.optimizer import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "CHOICES",
    "OPTIONS",
    "DatasetName",
    "GradientName",
    "LossName",
    "OptimizerName",
    "TopologyName",
    "TrainConfig",
    "changed",
    "check_resumable",
    "from_dict",
    "from_saved",
    "from_toml",
    "options",
    "read_toml",
    "to_toml",
]

FieldType = Literal["complex64", "complex128"]

CHOICES: dict[str, tuple[str, ...]] = {
    "dataset": tuple(name for name, dataset in DATASETS.items() if dataset.training is not None),
    "topology": tuple(name for name, topology in TOPOLOGIES.items() if not topology.not_trained),
    "loss": tuple(LOSSES),
    "optimizer": tuple(OPTIMIZERS),
    "dtype": get_args(FieldType),
    "gradient": ("auto", *METHODS),
    "output_phase": get_args(OutputPhase),
}
"""What the options that choose by name offer."""

if TYPE_CHECKING:
    DatasetName: TypeAlias = str
    TopologyName: TypeAlias = str
    LossName: TypeAlias = str
    OptimizerName: TypeAlias = str
    GradientName: TypeAlias = str
else:  # the command line reads the choices from the types
    DatasetName = Literal[CHOICES["dataset"]]
    TopologyName = Literal[CHOICES["topology"]]
    LossName = Literal[CHOICES["loss"]]
    OptimizerName = Literal[CHOICES["optimizer"]]
    GradientName = Literal[CHOICES["gradient"]]

_MOST_MODES = 2**16  # of two billion MZIs
_MOST = 2**31 - 1
_LARGEST = 3.4028234663852886e38  # in single precision


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides what a training run computes.

    The defaults are those of the digits; `recommended` gives the ones of another data set.

    Attributes
    ----------
    dataset
        What to learn, of the data sets in `retrolux.data.DATASETS`.
    modes
        Modes N of each mesh, 2 … 2¹⁶, and at least one port per class. Planar tasks have 4.
    meshes
        Meshes in a row, at least 1. The modulus of the field is taken between them.
    topology
        How the MZIs of a mesh are arranged.
    loss
        cross_entropy: softmax over the classes. batch_axis: softmax over the batch, averaged over batch and
        classes; it explains the published loss values and has no other use.
    optimizer
        adam, or sgd with momentum 0.9. Both act on the phases (rad).
    lr
        Learning rate of the first epoch, above 0: rad for adam, rad² per unit of loss for sgd.
    lr_half_life
        Epochs in which the learning rate falls to its half, at least 0; 0 keeps it as it is.
    batch
        Samples per step, at least 1.
    epochs
        Passes over the training set, at least 1.
    seed
        Seed of the first phases and of the order of the samples, 0 … 2⁶³ − 1. The data do not depend on it.
    dtype
        Number type of the fields; complex64 trains float32 phases.
    gain
        Logits per unit of detected power, above 0: logit = gain × |y|². A sample of digits has power 1, one of
        a planar task power 9, one of mnist a mean modulus of 1.
    threads
        CPU threads, at most 1024; 0 leaves the choice to torch. Steps on small batches are too short to share.
    data_dir
        Folder with the files of mnist (MNIST/raw/…); empty: the environment variable RETROLUX_DATA.
    gradient
        How gradients are found. auto measures them by three_measurement, as the published study does, if there is an
        imperfection; else it computes them on exact meshes, without a chip. Any other name puts the meshes on chips,
        which are ideal without an imperfection. adjoint computes the exact gradient of the chip, which no chip can
        measure. physics_aware computes that of the mesh which the chip should be. The others measure.
    output_phase
        Where the phases of a chip's output come from. measured: from its detectors, with their errors. known: from
        the model of an ideal mesh; the chip then measures powers alone.
    chip_seed
        Seed of the fabrication of the chips and of all noise, 0 … 2⁶³ − 1. Each mesh is another chip.
    imperfections
        What is wrong with the chips, for training and testing.

    Raises
    ------
    ValueError
        When a field is out of range or of the wrong type, or an option of chips is given without a chip.
    """

    dataset: DatasetName = "digits"
    modes: int = option(64, least=2, most=_MOST_MODES, label="modes N", costs=True)
    meshes: int = option(2, least=1, most=_MOST, costs=True)
    topology: TopologyName = option("triangular", costs=True)
    loss: LossName = "cross_entropy"
    optimizer: OptimizerName = "adam"
    lr: float = option(0.01, above=True, most=math.inf)  # what the optimizer bears is checked below
    lr_half_life: float = option(0.0, unit="epoch")
    batch: int = option(64, least=1, most=_MOST, label="batch M", published="batch_size", costs=True)
    epochs: int = option(40, least=1, most=_MOST)
    seed: int = option(0, most=2**63 - 1)
    dtype: FieldType = "complex64"
    gain: float = option(100.0, above=True, most=_LARGEST)
    threads: int = option(1, most=1024, decides=False)  # systems end processes that ask for too many
    data_dir: str = option("", decides=False)
    gradient: GradientName = option("auto", costs=True)
    output_phase: OutputPhase = "measured"
    chip_seed: int = option(0, most=2**63 - 1)
    imperfections: Imperfections = presets.IDEAL

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            _check_choice(field, getattr(self, field), choices)
        check_options(self)
        _check_at_most("lr", self.lr, _LARGEST / OPTIMIZERS[self.optimizer].first_factor)
        if not isinstance(self.data_dir, str):
            raise ValueError(f"data_dir must be a string, got {shown(self.data_dir)}")
        if self.data_dir.encode(errors="ignore").decode() != self.data_dir:  # bytes of a file system that are no UTF-8
            raise ValueError(f"data_dir must be a name in UTF-8, got {self.data_dir!r}")
        if not isinstance(self.imperfections, Imperfections):
            raise ValueError(f"imperfections must be Imperfections, got {self.imperfections!r}")
        for name, default in (("chip_seed", 0), ("output_phase", "measured")):
            value = getattr(self, name)
            if self.method is None and value != default:
                raise ValueError(
                    f"{name} needs a chip: an imperfection or a gradient other than auto, got {shown(value)}"
                )
        fixed = DATASETS[self.dataset].modes
        if fixed not in (None, self.modes):
            raise ValueError(f"modes must be {fixed} for {self.dataset}, got {self.modes}")
        if self.modes < self.classes * self.ports_per_class:
            raise ValueError(
                f"modes must be at least {self.classes} for {self.dataset}, a port per class, got {self.modes}"
            )

    @property
    def method(self) -> str | None:
        """Name of the gradient method in `retrolux.gradient.METHODS`; None for exact meshes without a chip."""
        if self.gradient != "auto":
            return self.gradient
        return None if self.imperfections.is_ideal else "three_measurement"

    @property
    def classes(self) -> int:
        """Number of classes of the data set."""
        return DATASETS[self.dataset].classes

    @property
    def ports_per_class(self) -> int:
        """Ports whose powers add up to one logit: 2 for the planar tasks, (p₁ + p₂, p₃ + p₄), else 1."""
        return DATASETS[self.dataset].ports_per_class

    @staticmethod
    def recommended(dataset: DatasetName = "digits", optimizer: OptimizerName = "adam") -> TrainConfig:
        """Return the configuration that trains well on a data set.

        Raises
        ------
        ValueError
            When the data set or the optimizer is unknown.
        """
        _check_choice("dataset", dataset, CHOICES["dataset"])
        _check_choice("optimizer", optimizer, CHOICES["optimizer"])
        chosen = DATASETS[dataset]
        settings = {"lr": chosen.lr[optimizer], **(chosen.training or {})}
        if chosen.modes is not None:
            settings["modes"] = chosen.modes
        return TrainConfig(dataset=dataset, optimizer=optimizer, **settings)


OPTIONS = {**options_of(TrainConfig), **options_of(Imperfections)}
"""What is to be known of every option, the imperfections among them, in the order in which they are presented."""
del OPTIONS["imperfections"]


def options(config: TrainConfig) -> dict[str, object]:
    """Return every option by its name, the imperfections among them."""
    values: dict[str, object] = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    del values["imperfections"]
    return values | vars(config.imperfections)


def changed(config: TrainConfig) -> dict[str, object]:
    """Return the options that differ from their defaults, of those that decide what a run computes."""
    return {
        name: value
        for settings in (config, config.imperfections)
        for name, about in options_of(type(settings)).items()
        if about.decides and (value := getattr(settings, name)) != getattr(type(settings), name)
        if name != "imperfections"
    }


def to_toml(config: TrainConfig) -> str:
    """Return the configuration as the text of a TOML file, one line per field, the imperfections in a table."""
    values = dataclasses.asdict(config)
    del values["imperfections"]
    # A JSON string, number or boolean is a TOML one.
    lines = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    return f"{lines}\n[imperfections]\n{config.imperfections.to_toml()}"


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration that `dataclasses.asdict` or a TOML file gave as a dict.

    Fields that it leaves out are those recommended for its data set, imperfections that it leaves out are ideal.

    Raises
    ------
    ValueError
        When it holds an unknown field or a bad value.
    """
    known = [field.name for field in dataclasses.fields(TrainConfig)]
    for name in values:
        if name not in known:
            raise ValueError(f"there is no field {shown(name)}; the fields are {', '.join(known)}")
    table = values.get("imperfections", {})
    if not isinstance(table, dict):
        raise ValueError(f"imperfections must be a table of names and values, got {shown(table)}")
    imperfections = Imperfections.from_json(json.dumps(table, default=str))
    base = TrainConfig.recommended(values.get("dataset", "digits"), values.get("optimizer", "adam"))
    return dataclasses.replace(base, **{**values, "imperfections": imperfections})


def from_saved(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration that the file of a run holds.

    Options that it leaves out, being older than they are, have their defaults, which change nothing.

    Raises
    ------
    ValueError
        When it holds an option of a newer version, or a bad value.
    """
    imperfections = values.get("imperfections", {})
    for name in [*values, *(imperfections if isinstance(imperfections, dict) else ())]:
        if name not in OPTIONS and name != "imperfections":
            raise ValueError(f"there is no option {shown(name)}: a newer version of retrolux may have saved it")
    defaults = {name: getattr(TrainConfig, name) for name in options_of(TrainConfig) if name != "imperfections"}
    return from_dict({**defaults, **values})


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file of settings holds.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no TOML.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no configuration file {path}") from None
    try:
        return parse_toml(text)
    except ValueError as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from None


def from_toml(path: Path) -> TrainConfig:
    """Read a configuration; fields that the file leaves out are those recommended for its data set.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no TOML, or holds an unknown field or a bad value.
    """
    values = read_toml(path)
    try:
        return from_dict(values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def check_resumable(started: TrainConfig, continued: TrainConfig) -> None:
    """Check that a run started with one configuration may go on with another.

    Raises
    ------
    ValueError
        When a field differs that decides what the run computes, or epochs shrinks.
    """
    was_all, now_all = options(started), options(continued)
    compared = [name for name, about in OPTIONS.items() if about.decides and name != "epochs"]
    pairs = {name: (was_all[name], now_all[name]) for name in compared}
    changed = [f"{name} (was {was!r}, now {now!r})" for name, (was, now) in pairs.items() if was != now]
    if changed:
        raise ValueError(f"a run is resumed with the configuration it was started with; changed: {', '.join(changed)}")
    if continued.epochs < started.epochs:
        raise ValueError(f"epochs may grow when a run is resumed, got {continued.epochs} after {started.epochs}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        known = TOPOLOGIES.get(value) if name == "topology" and isinstance(value, str) else None
        why = "" if known is None else f": {known.not_trained}"
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(value)}{why}")


def _check_at_most(name: str, value: float, high: float) -> None:
    if value > high:
        raise ValueError(f"{name} must be at most {high:.3g}, got {value!r}")
