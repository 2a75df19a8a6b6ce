"""Training runs: start one in a folder, stop it at any moment, continue it bit for bit."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from retrolux import data
from retrolux.atomic import write_atomically
from retrolux.locking import locked
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.config import TrainConfig, check_resumable, from_saved, to_toml
from retrolux.study.epoch import Epoch
from retrolux.study.losses import LOSSES
from retrolux.study.network import Network, random_stream
from retrolux.study.optimizer import OPTIMIZERS
from retrolux.study.run import Run
from retrolux.study.run_files import Saver, write_metrics

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

__all__ = ["resume_run", "start_run"]

_SMALL_BATCH = 10


def start_run(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    download: bool = False,
    progress: Callable[[Epoch], None] | None = None,
    save_every_s: float = 0.0,
) -> Run:
    """Train a network and keep the run in a folder.

    The folder holds a complete state, by default of the last epoch, so that a run that is killed loses one at most.

    Parameters
    ----------
    config : TrainConfig
        What to compute.
    folder : path-like
        Where to; made when it does not exist.
    download : bool
        Fetch missing files of mnist from openml.org.
    progress : callable, optional
        Called with every finished epoch.
    save_every_s : float
        Least time from one state on disk to the next (s); 0 saves after every epoch. The end is always saved.

    Returns
    -------
    Run
        With ``config.epochs`` epochs done.

    Raises
    ------
    FileExistsError
        When the folder already holds a run.
    OSError
        When another process is at work in the folder, or a file cannot be written.
    FileNotFoundError
        When the files of the data set are missing.
    ValueError
        When the data set or the topology does not exist for the number of modes.
    NotADirectoryError
        When the folder is a file.
    FloatingPointError
        When the loss or the phases are no longer finite.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder: choose another --out")
    _check_no_run(folder)
    run = _prepare(config, folder, download=download)
    with locked(folder):
        _check_no_run(folder)  # nor has another process begun one meanwhile
        saver = Saver(save_every_s)
        # First: a run that is killed between the two begins anew, where a state without settings could not go on.
        write_atomically(folder / "config.toml", to_toml(config).encode())
        saver.epoch_done(run)
        return _finish(run, progress, saver)


def resume_run(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    download: bool = False,
    progress: Callable[[Epoch], None] | None = None,
    save_every_s: float = 0.0,
) -> Run:
    """Continue a run where its last complete epoch ended.

    With the same number of threads the result has the same bits as that of a run that was never stopped.

    Parameters
    ----------
    config : TrainConfig
        The configuration the run was started with; epochs may have grown, threads and data_dir may differ.
    folder : path-like
        The folder of the run.
    download, progress, save_every_s
        As in `start_run`.

    Returns
    -------
    Run
        With ``config.epochs`` epochs done.

    Raises
    ------
    FileNotFoundError
        When the folder holds no run, or the files of the data set are missing.
    ValueError
        When `config` differs in what the run computes, or last.pt is no checkpoint.
    OSError
        When another process is at work in the folder, or a file cannot be written.
    FloatingPointError
        When the loss or the phases are no longer finite.
    """
    folder = Path(folder)
    if not (folder / "last.pt").exists():
        raise FileNotFoundError(f"{folder} holds no run to resume: there is no last.pt")
    with locked(folder):
        state = read_checkpoint(folder / "last.pt")
        check_resumable(from_saved(state["config"]), config)
        run = _prepare(config, folder, download=download)
        run.network.load_state_dict(state["network"])
        run.optimizer.load_state_dict(state["optimizer"])
        run = dataclasses.replace(run, history=tuple(Epoch(**epoch) for epoch in state["history"]))
        write_atomically(folder / "config.toml", to_toml(config).encode())
        write_metrics(run)
        return _finish(run, progress, Saver(save_every_s))


def _check_no_run(folder: Path) -> None:
    if (folder / "last.pt").exists():
        raise FileExistsError(f"{folder} already holds a run: continue it with --resume or choose another --out")


def _prepare(config: TrainConfig, folder: Path, *, download: bool) -> Run:
    network = Network(config)
    dataset = data.load(config.dataset, data_dir=config.data_dir or None, modes=config.modes, download=download)
    return Run(folder, config, dataset, network, OPTIMIZERS[config.optimizer].make(network, config.lr), history=())


def _finish(run: Run, progress: Callable[[Epoch], None] | None, saver: Saver) -> Run:
    with _threads(run.config.threads):
        for index in range(len(run.history), run.config.epochs):
            epoch = _train_epoch(run, index)
            run = dataclasses.replace(run, history=(*run.history, epoch))
            saver.epoch_done(run)
            if progress is not None:
                progress(epoch)
    return run


def _train_epoch(run: Run, index: int) -> Epoch:
    """Train one epoch; the order of the samples and the learning rate are functions of the settings and the epoch."""
    start = time.perf_counter()
    if run.config.lr_half_life:
        run.optimizer.param_groups[0]["lr"] = run.config.lr * 0.5 ** (index / run.config.lr_half_life)
    inputs, labels = run.dataset.train_x, run.dataset.train_y
    order = torch.from_numpy(random_stream(run.config.seed, "order", index).permutation(len(labels)))
    run.network.train()
    loss_sum, errors = 0.0, 0
    for chosen in torch.split(order, run.config.batch):
        logits = _logits(run, inputs[chosen], index)
        loss = LOSSES[run.config.loss](logits, labels[chosen])
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(f"training diverged in epoch {index + 1}, lower lr or gain: the loss is {value}")
        run.optimizer.zero_grad()
        torch.autograd.backward(loss)
        run.optimizer.step()
        loss_sum += value * len(chosen)
        errors += int((logits.argmax(dim=-1) != labels[chosen]).sum())
    cosine = run.network.gradient_cosine()  # before new phases are written for the test
    small = _small_cosine(run, index)
    run.network.eval()
    with torch.no_grad():
        logits = _logits(run, run.dataset.test_x, index)
        test_loss = LOSSES[run.config.loss](logits, run.dataset.test_y).item()
        test_error = (logits.argmax(dim=-1) != run.dataset.test_y).double().mean().item()
    return Epoch(
        epoch=index + 1,
        train_loss=loss_sum / len(labels),
        train_error=errors / len(labels),
        test_loss=test_loss,
        test_error=test_error,
        gradient_cosine=cosine,
        gradient_cosine_small=small,
        shots=run.network.shots(),
        seconds=time.perf_counter() - start,
    )


def _small_cosine(run: Run, index: int) -> float:
    """Return the gradient cosine for the first training samples, measured on copies so that the chips do not notice."""
    if run.config.method is None:
        return 1.0
    copied = dataclasses.replace(run, network=copy.deepcopy(run.network))
    inputs, labels = run.dataset.train_x[:_SMALL_BATCH], run.dataset.train_y[:_SMALL_BATCH]
    torch.autograd.backward(LOSSES[run.config.loss](_logits(copied, inputs, index), labels))
    return copied.network.gradient_cosine()


def _logits(run: Run, inputs: Tensor, index: int) -> Tensor:
    try:
        logits: Tensor = run.network(inputs)
    except ValueError as error:  # the samples are fine: the phases are not finite
        raise FloatingPointError(f"training diverged in epoch {index + 1}, lower lr: {error}") from error
    return logits


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
