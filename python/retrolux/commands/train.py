"""`retrolux train`: train a network and keep the run in a folder."""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from retrolux.atomic import write_atomically
from retrolux.commands.listing import listed
from retrolux.commands.paths import Folder, OptionalFile
from retrolux.data import DATASETS, PLANAR
from retrolux.hardware import Imperfections
from retrolux.hardware.presets import CHIPS, IDEAL
from retrolux.reading import read_text
from retrolux.study.config import CHOICES, TrainConfig, from_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from retrolux.study import Epoch, Run

__all__ = ["DESCRIPTION", "Train", "train_defaults"]

DESCRIPTION = f"""\
Train a network of meshes and keep the run in a folder.

The folder receives config.toml, metrics.csv, the checkpoints last.pt and best.pt (the smallest test error), and the
figures learning_curves.png, mesh.png and, of a task in the plane, decision_map.png. A run that is stopped, even by a
power cut, continues with --resume where its last complete epoch ended, and ends with the same bits. Defaults depend on
--dataset, --optimizer and --chip: add --help to see those that hold.

With an imperfection, or a gradient other than auto, every mesh is a simulated chip: light meets its imperfections in
training and in testing, and gradients are measured on it.

Data sets:
{listed({name: DATASETS[name].about for name in CHOICES["dataset"]})}

Examples:
  retrolux train
  retrolux train --dataset moons --epochs 100
  retrolux train --dataset mnist --data-dir ../shared/data --optimizer sgd
  retrolux train --gradient three_measurement --tap-noise 0.01 --io-phase-std 0.025
  retrolux train --chip pai_2023 --chip-seed 3 --gradient sum_difference
  retrolux train --out runs/digits --resume --epochs 80
  retrolux train --config runs/digits/config.toml --seed 1 --out runs/digits-1"""


_IDEAL = vars(IDEAL)


@dataclass(frozen=True)
class Train:
    """Train a network of meshes and keep the run in a folder.

    Attributes
    ----------
    settings
        What to compute.
    out
        Folder of the run.
    resume
        Continue the run in the folder; options that are not given are those it was started with.
    config
        A config.toml whose values become the defaults.
    chip
        What is wrong with the chips, as default of the imperfections: the name of a preset or a TOML file.
    download
        Fetch missing files of mnist from openml.org into data-dir.
    """

    settings: Annotated[TrainConfig, tyro.conf.arg(name="")]
    out: Folder = Path("runs/digits")
    resume: bool = False
    config: OptionalFile = None
    chip: Annotated[str | None, tyro.conf.arg(metavar="|".join([*CHIPS, "FILE"]))] = None
    download: bool = False

    def run(self) -> int:
        """Train, show the progress, write the figures and print a table."""
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and not needed for --help

        from retrolux import study  # noqa: PLC0415 - as above
        from retrolux.locking import locked  # noqa: PLC0415 - as above

        go = study.resume_run if self.resume else study.start_run
        with tqdm(total=self.settings.epochs, unit="epoch", disable=None) as bar:

            def progress(epoch: Epoch) -> None:
                text = f"loss {epoch.train_loss:.4f}, test accuracy {100 * (1 - epoch.test_error):.2f} %"
                if bar.disable:  # not a terminal: lines instead of a bar
                    print(f"epoch {epoch.epoch}/{self.settings.epochs}: {text}", file=sys.stderr, flush=True)
                bar.set_postfix_str(text, refresh=False)
                bar.update(epoch.epoch - bar.n)

            try:
                run = go(self.settings, self.out, download=self.download, progress=progress)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(self._how_to_continue()) from None
        with locked(run.folder):
            _write_figures(run)
        print(_table(run))
        return 0

    def _how_to_continue(self) -> str:
        if not (self.out / "last.pt").exists():
            return "stopped before the run had begun"
        out = shlex.quote(str(self.out))
        return f"stopped; continue after the last complete epoch with: retrolux train --out {out} --resume"


def train_defaults(arguments: Sequence[str]) -> Train:
    """Return the defaults that hold: of the run to resume, of --config, or of the data set, and those of --chip.

    Raises
    ------
    FileNotFoundError
        When the file they are to be read from is missing.
    ValueError
        When this file is no configuration, or --chip is neither a preset nor a file of imperfections.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--dataset")
    first.add_argument("--optimizer")
    first.add_argument("--out")
    first.add_argument("--resume", action="store_true")
    first.add_argument("--config")
    first.add_argument("--chip")
    try:
        given, _ = first.parse_known_args(arguments[1:] if arguments[:1] == ["train"] else [])
    except argparse.ArgumentError:
        given = first.parse_args([])  # the parser proper will say what is wrong
    dataset = given.dataset if given.dataset in CHOICES["dataset"] else "digits"
    optimizer = given.optimizer if given.optimizer in CHOICES["optimizer"] else "adam"
    # Empty paths are left to the parser proper, which says what is wrong.
    out = Path(given.out) if given.out else Path("runs") / dataset
    if given.config:
        settings = from_toml(Path(given.config))
        out = Path(given.out) if given.out else Path("runs") / (given.dataset or settings.dataset)
    elif given.resume and (out / "config.toml").exists():
        settings = from_toml(out / "config.toml")
    else:
        settings = TrainConfig.recommended(dataset, optimizer)
    if given.chip is not None:
        settings = replace(settings, imperfections=_imperfections(given.chip))
    return Train(settings, out=out)


def _imperfections(chip: str) -> Imperfections:
    """Return those of a preset, or of a TOML file."""
    if chip in CHIPS:
        return CHIPS[chip]
    try:
        if not chip:
            raise FileNotFoundError
        return Imperfections.from_toml(read_text(Path(chip)))
    except FileNotFoundError:
        raise FileNotFoundError(f"chip must be one of {', '.join(CHIPS)} or a TOML file, got {chip!r}") from None
    except ValueError as error:
        raise ValueError(f"{chip}: {error}") from None


def _write_figures(run: Run) -> None:
    from retrolux import plot  # noqa: PLC0415 - matplotlib is slow, and not needed for --help

    config, history = run.config, run.history
    curves = plot.learning_curves(
        [epoch.epoch for epoch in history],
        train_loss=[epoch.train_loss for epoch in history],
        test_loss=[epoch.test_loss for epoch in history],
        train_error=[epoch.train_error for epoch in history],
        test_error=[epoch.test_error for epoch in history],
        title=f"{config.dataset}: {config.meshes} {config.topology} meshes of {config.modes} modes",
    )
    _write_figure(run.folder / "learning_curves.png", curves)
    titles = [f"mesh {i} of {config.meshes}" for i in range(1, config.meshes + 1)]
    _write_figure(run.folder / "mesh.png", plot.draw_meshes(run.network.phases(), titles=titles))
    if config.dataset in PLANAR:
        _write_figure(run.folder / "decision_map.png", _decision_map(run))


def _decision_map(run: Run) -> Figure:
    """Return what the network decides in the plane; a network on chips reads every point with their noise."""
    from retrolux import plot  # noqa: PLC0415 - as above
    from retrolux.study.planar import EXTENT, second_class  # noqa: PLC0415 - as above

    name = run.config.dataset
    points = run.dataset.test_x.real[:, :2].numpy()  # the other two modes make up the power
    return plot.decision_maps(
        {name: partial(second_class, run.network)}, {name: points}, {name: run.dataset.test_y.numpy()}, EXTENT
    )


def _write_figure(path: Path, figure: Figure) -> None:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(path, image.getvalue())


def _chip_rows(run: Run) -> list[str]:
    """Return what the table says about the chips, if there are any."""
    config, last = run.config, run.history[-1]
    if config.method is None:
        return []
    wrong = ", ".join(f"{name} {value}" for name, value in vars(config.imperfections).items() if value != _IDEAL[name])
    return [
        f"chips     seed {config.chip_seed}: {wrong or 'ideal'}",
        f"gradient  {config.method}, cosine to the exact one {last.gradient_cosine:.4f} in the last batch",
        f"light     {last.shots:.3g} samples sent through the chips",
    ]


def _table(run: Run) -> str:
    config, data, last = run.config, run.dataset, run.history[-1]
    phases = sum(phase.numel() for phase in run.network.parameters() if phase.requires_grad)
    decay = f" (half every {config.lr_half_life:g} epochs)" if config.lr_half_life else ""
    rows = [
        f"folder    {run.folder}",
        f"data      {data.name}: {len(data.train_x)} train, {len(data.test_x)} test, {len(data.classes)} classes",
        f"network   {config.meshes} {config.topology} meshes of {config.modes} modes: {phases} phases, {config.dtype}",
        f"loss      {config.loss}, {config.gain:g} logits per unit of power",
        f"training  {config.optimizer}, lr {config.lr:g}{decay}, batch {config.batch}, seed {config.seed}",
        *_chip_rows(run),
        f"time      {sum(epoch.seconds for epoch in run.history):.1f} s for {last.epoch} epochs",
        "",
        "      epoch  train loss  train error  test loss  test error  test accuracy",
    ]
    for name, epoch in (("best", run.best), ("last", last)):
        rows.append(
            f"{name}  {epoch.epoch:5d}  {epoch.train_loss:10.4f}  {100 * epoch.train_error:9.2f} %  "
            f"{epoch.test_loss:9.4f}  {100 * epoch.test_error:8.2f} %  {100 - 100 * epoch.test_error:11.2f} %"
        )
    return "\n".join(rows)
