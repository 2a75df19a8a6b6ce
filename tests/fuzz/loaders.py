"""Everything that reads what a user may hand in: a whole example, a way to damage it, and the reader."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import io
import json
import pickle
import shlex
import sqlite3
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import mutations
import numpy as np
import optuna
import torch

from retrolux import cli, commands, data, energy, mesh, nn
from retrolux.data.array_pickle import read_array_pickle
from retrolux.energy import presets
from retrolux.hardware import Imperfections
from retrolux.report.view import SweepView
from retrolux.study import (
    TrainConfig,
    hdf5_checksum,
    load,
    netcdf_probe,
    results,
    run_record,
    search_driver,
    search_space,
    start_run,
    sweep_grid,
)
from retrolux.study import config as configuration
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.epoch import Epoch
from retrolux.study.search_database import NAME, check_database
from retrolux.study.tradeoff import with_costs


@dataclass(frozen=True)
class Loader:
    """A reader.

    Attributes
    ----------
    share : float
        Of all cases; what is slow has few.
    examples : function of a folder
        Makes whole files or values to start from.
    damage : function of an example and a generator
        Returns what is handed in: bytes are written to a file, all else goes to the reader as it is.
    read : function
        Reads it.
    documented : tuple of exceptions
        What the reader says it raises; anything else is a fault.
    """

    share: float
    examples: Callable[[Path], list[Any]]
    damage: Callable[[Any, np.random.Generator], Any]
    read: Callable[[Any], object]
    documented: tuple[type[Exception], ...] = (ValueError,)


def of_text(text: str, rng: np.random.Generator) -> bytes:
    return mutations.of_text(text, rng).encode(errors="replace")


def as_text(damage):
    """Return a damage whose texts go to the reader as texts."""
    return lambda text, rng: damage(text, rng).encode(errors="replace").decode(errors="replace")


IMPERFECTIONS = Imperfections(tap_noise=0.01, phase_bits=8, crosstalk=0.01, io_phase_std=0.02)
CONFIG = dataclasses.replace(TrainConfig.recommended("moons"), epochs=2, batch=400, meshes=2)
SWEEP = sweep_grid.Sweep(settings={"dataset": "moons", "epochs": 2}, lists={"tap_noise": [0.0, 0.1], "lr": [0.1, 0.2]})
SEARCH = search_space.Search(
    settings={"dataset": "moons", "epochs": 2},
    space={
        "lr": search_space.Range(1e-4, 1.0, log=True),
        "meshes": search_space.Range(1, 3),
        "optimizer": ["sgd", "adam"],
    },
)


def idx_files(folder):
    arrays = np.arange(60, dtype=np.uint8).reshape(3, 4, 5), np.linspace(0, 1, 7), np.zeros((0, 2), np.int16)
    for array in arrays:
        data.write_idx(folder / "idx", array)
        yield (folder / "idx").read_bytes()


def pickles(_):
    batch = {"data": np.arange(60, dtype=np.uint8).reshape(3, 20), "labels": [1, 2, 3], b"batch_label": b"one"}
    old = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01(K\x02K\x03tcnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T\x06\x00\x00\x00\x00\x01\x02\x03\x04\x05tbU\x06labels](K\x01K\x02eu."
    )
    return [pickle.dumps(batch, protocol=4), pickle.dumps(batch, protocol=3), old]


def checkpoints(folder):
    for name, changes in {
        "adam": {"imperfections": IMPERFECTIONS},
        "sgd": {"optimizer": "sgd", "lr_half_life": 2.0},
    }.items():
        start_run(dataclasses.replace(CONFIG, **changes), folder / name)
        yield (folder / name / "last.pt").read_bytes()


TENSORS = [
    torch.zeros(0), torch.zeros(6), torch.full((6,), torch.nan), torch.zeros(3, 4), torch.tensor(1.0),
    torch.zeros(1).expand(10**8), torch.zeros(600, dtype=torch.uint8), (1, 2), b"x",
    *(torch.zeros(6, dtype=dtype) for dtype in (torch.float64, torch.complex64, torch.int64)),
]  # fmt: skip


def of_tensors(contents, rng):
    return mutations.of_value(contents, rng, mutations.VALUES + TENSORS)


def of_checkpoint(content, rng):
    contents = torch.load(io.BytesIO(content), weights_only=True)
    contents["network"] = dict(contents["network"])
    file = io.BytesIO()
    torch.save(of_tensors(contents, rng), file)
    return file.getvalue()


def mesh_on_a_chip():
    return nn.Mesh(mesh.rectangular(4), seed=0, imperfections=IMPERFECTIONS)


def chip_states(_):
    layer = mesh_on_a_chip()
    layer(torch.ones(2, 4, dtype=torch.complex64)).abs().sum().backward()
    return [dict(layer.state_dict())]


def records(folder):
    epoch = Epoch(1, 0.5, 0.25, 0.125, 0.3, 0.9, 0.8, 100, 1.5)
    run_record.write_record(
        folder / "run.json", run_record.Record(CONFIG, (epoch, dataclasses.replace(epoch, epoch=2)))
    )
    return [(folder / "run.json").read_text()]


def of_json(text, rng):
    """Damage the text, or what it says."""
    if rng.integers(2):
        return mutations.of_text(text, rng)
    with contextlib.suppress(ValueError):  # of numbers too long to write
        return json.dumps(mutations.of_value(json.loads(text), rng))
    return text


def netcdf_files(folder):
    epoch = Epoch(1, 0.5, 0.25, 0.125, 0.3, 0.9, 0.8, 100, 1.5)
    history = (epoch, dataclasses.replace(epoch, epoch=2))
    found = results.collect(SWEEP, {run_record.identity(c): run_record.Record(c, history) for c in SWEEP.configs})
    results.write_results(with_costs(found), folder / "results.nc")
    return [(folder / "results.nc").read_bytes()]


def datasets(folder):
    netcdf_files(folder)
    return [results.read_results(folder / "results.nc")]


def of_dataset(whole, rng):
    """Return the file, with its checksum, of a result in which attributes, names, dimensions or values are others."""
    while True:
        file = io.BytesIO()
        with contextlib.suppress(Exception):  # some of it no file can hold
            changed(whole, rng).to_netcdf(file, engine="h5netcdf")
            return hdf5_checksum.with_checksum(file.getvalue())


def changed(whole, rng):
    found = whole.copy(deep=True)
    names = list(found.variables)
    for _ in range(rng.integers(1, 3)):
        name = names[rng.integers(len(names))]
        value = mutations.VALUES[rng.integers(len(mutations.VALUES))]
        way = rng.integers(7)
        with contextlib.suppress(
            ValueError, TypeError, KeyError, OverflowError, IndexError
        ):  # of what xarray does not do
            if way == 0:
                found.attrs = mutations.of_value(found.attrs, rng)
            elif way == 1:
                key = list(found.attrs)[rng.integers(len(found.attrs))]
                found.attrs[key] = of_json(found.attrs[key], rng)
            elif way == 2:
                found[name].attrs = mutations.of_value(found[name].attrs, rng)
            elif way == 3:
                found = found.drop_vars(name)
            elif way == 4:
                found[name] = found[name].transpose(*rng.permutation(found[name].dims))
            elif way == 5:
                found[name] = found[name].astype(("U", "f4", "i8", "c8")[rng.integers(4)])
            else:
                found[name].values[tuple(rng.integers(size) for size in found[name].shape)] = value
    return found


def without_checksum(content, rng):
    length = len(hdf5_checksum.with_checksum(b""))
    return mutations.of_bytes(content[:-length], rng)


def read_report(path):
    """Read a result as `retrolux report` does, up to the drawing."""
    view = SweepView(with_costs(results.read_results(path)))
    return view.points, view.base, view.curves, [view.option_at(name, view.base) for name in ("modes", "batch")]


def databases(folder):
    study = optuna.create_study(storage=f"sqlite:///{folder / 'search.db'}", study_name=NAME)
    for value in (0.25, 0.125, None):
        trial = study.ask(search_driver._distributions(SEARCH))
        if value is not None:
            study.tell(trial, value)
    return [(folder / "search.db").read_bytes()]


def of_rows(content, rng):
    """Change a column of a table of the database, or take a table away."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "search.db")
        file.write_bytes(content)
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            table = tables[rng.integers(len(tables))]
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            column = columns[rng.integers(len(columns))]
            value = mutations.VALUES[rng.integers(len(mutations.VALUES))]
            with contextlib.suppress(sqlite3.Error, OverflowError, UnicodeError):  # what SQLite does not take
                way = rng.integers(5)
                if way == 0:
                    database.execute(f"DROP TABLE {table}")
                elif way == 1:
                    database.execute(f"DELETE FROM {table}")
                elif way == 2:
                    database.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
                else:
                    told = value if isinstance(value, (int, float, str)) else json.dumps(value)
                    database.execute(f"UPDATE {table} SET {column} = ?", (told,))
        return file.read_bytes()


ARGUMENTS = [
    "train --dataset moons --epochs 3 --lr 0.1 --tap-noise 0.01 --chip pai_2023 --out runs/x",
    "train --optimizer sgd --gradient sum_difference --batch 10 --seed 3 --threads 1 --resume",
    "sweep --sweep tap_noise=0,0.01 modes=16,64 --change epochs=1 lr=0.1 --seeds 2 --workers 1",
    "search --search lr=0.001..0.1:log optimizer=sgd,adam --change epochs=10 --trials 30 --objective last",
    "energy --preset pai2023_figure --modes 256 256 --batch 255 --change link.tap_noise=0.01 --digital h100",
    "study --preset tap --seeds 3 --epochs 2 --data-dir x",
    "report results.nc --out x",
    "bench --modes 64 --batch 600 --threads 1 --seconds 0.1",
    "info",
    "--version",
]
WORDS = [
    "--help", "-h", "--", "-", "", "--lr", "--modes", "--out", "--config", "/dev/null", "/dev/zero", ".",
    "nan", "inf", "-1", "0", "1e308", "1e999", "9223372036854775808", "9" * 5000, "a" * 5000, "é", "\n", "[", "{}",
    "lr=", "=", "lr=0..inf:log", "x=1", "lr=1,1", "imperfections.tap_noise=1", "lr=" + "9" * 5000, "--tap-noise=-1",
    "none", "True", "modes=" + "1," * 2000,
]  # fmt: skip


def of_arguments(line, rng):
    words = shlex.split(line)
    for _ in range(rng.integers(1, 4)):
        place = rng.integers(len(words) + 1)
        word = WORDS[rng.integers(len(WORDS))]
        way = rng.integers(5)
        if way == 0 and place < len(words):
            del words[place]
        elif way == 1 and place < len(words):
            words.insert(rng.integers(len(words)), words[place])
        elif way == 2 and place < len(words):
            words[place] = word
        elif way == 3 and place < len(words):
            words[place] = mutations.of_text(words[place], rng)[:10_000]
        else:
            words.insert(place, word)
    return words


def run_arguments(words):
    """Run the command without its work; raises ValueError where it ends with one sentence and exit code 2."""
    said = io.StringIO()
    with contextlib.ExitStack() as stack:
        for command in ("Study", "Report", "Train", "Sweep", "Search", "Energy", "Bench", "Info"):
            stack.enter_context(mock.patch.object(getattr(commands, command), "run", return_value=0))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(said))
        try:
            code = cli.main(words)
        except SystemExit as leaving:
            code = leaving.code or 0
    if code not in {0, 2}:
        raise RuntimeError(f"exit code {code}")
    if code == 2:
        raise ValueError(said.getvalue().rstrip("\n"))


def read_idx_of(path):
    return data.read_idx(path)


def load_chip(state):
    layer = mesh_on_a_chip()
    layer.load_state_dict(state)
    return layer(torch.ones(2, 4, dtype=torch.complex64))


LOADERS = {
    "IDX": Loader(0.14, idx_files, mutations.of_bytes, read_idx_of),
    "IDX in gzip": Loader(
        0.14, lambda f: [gzip.compress(c) for c in idx_files(f)], mutations.of_bytes, read_idx_of
    ),
    "damaged IDX in whole gzip": Loader(
        0.05, idx_files, lambda c, rng: gzip.compress(mutations.of_bytes(c, rng)), read_idx_of
    ),
    "CIFAR-10 pickle": Loader(0.14, pickles, mutations.of_bytes, read_array_pickle),
    "run.json": Loader(0.07, records, lambda t, rng: of_json(t, rng).encode(errors="replace"), run_record.read_record),
    "config.toml": Loader(
        0.08, lambda _: [configuration.to_toml(dataclasses.replace(CONFIG, imperfections=IMPERFECTIONS))], of_text,
        configuration.from_toml,
    ),
    "sweep.toml": Loader(0.05, lambda _: [sweep_grid.to_toml(SWEEP)], of_text, sweep_grid.from_toml),
    "search.toml": Loader(0.05, lambda _: [search_space.to_toml(SEARCH)], of_text, search_space.from_toml),
    "imperfections TOML": Loader(
        0.05, lambda _: [IMPERFECTIONS.to_toml()], as_text(mutations.of_text), Imperfections.from_toml
    ),
    "imperfections JSON": Loader(0.05, lambda _: [IMPERFECTIONS.to_json()], as_text(of_json), Imperfections.from_json),
    "device TOML": Loader(
        0.04, lambda _: [energy.to_toml(device) for device in presets.PRESETS.values()], as_text(mutations.of_text),
        energy.from_toml,
    ),
    "checkpoint": Loader(0.06, checkpoints, mutations.of_bytes, read_checkpoint),
    "checkpoint, fields": Loader(0.02, checkpoints, of_checkpoint, read_checkpoint),
    "network to load": Loader(0.01, checkpoints, of_checkpoint, load),
    # torch's own error of a state dict, in several lines
    "chip in a state dict": Loader(0.02, chip_states, of_tensors, load_chip, (ValueError, RuntimeError)),
    "results.nc": Loader(0.03, netcdf_files, mutations.of_bytes, read_report),
    "results.nc, fields": Loader(0.005, datasets, of_dataset, read_report),
    "results.nc without checksum": Loader(0.0004, netcdf_files, without_checksum, read_report),
    "search.db": Loader(
        0.0015, databases, mutations.of_bytes, lambda path: check_database(path, search_driver._distributions(SEARCH))
    ),
    "search.db, rows": Loader(
        0.0015, databases, of_rows, lambda path: check_database(path, search_driver._distributions(SEARCH))
    ),
    "arguments": Loader(0.015, lambda _: ARGUMENTS, of_arguments, run_arguments),
}  # fmt: skip


def quiet() -> None:
    """Leave out warnings, which are not what is counted here, and give another process less time than a case has."""
    netcdf_probe._SECONDS = 5
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
