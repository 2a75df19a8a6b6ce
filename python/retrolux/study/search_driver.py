"""A search for good options, by Optuna; every trial is a run that is kept."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from retrolux.atomic import write_atomically
from retrolux.locking import locked
from retrolux.study import config as configuration
from retrolux.study.cluster import check_workers, ended, pool
from retrolux.study.option_values import is_whole
from retrolux.study.run_record import identity
from retrolux.study.search_database import NAME, check_database, open_storage
from retrolux.study.search_space import Range, from_toml, to_toml

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from retrolux.study.cluster import Pool
    from retrolux.study.config import TrainConfig
    from retrolux.study.run_record import Record
    from retrolux.study.search_space import Search

__all__ = ["Trial", "run_search"]


@dataclass(frozen=True)
class Trial:
    """One choice of options that was trained to its end.

    Attributes
    ----------
    number : int
        0, 1, …
    chosen : dict
        Values by the names of the options.
    config : TrainConfig
        All of what was computed.
    error : float
        Test error, as the objective wants it: a fraction.
    """

    number: int
    chosen: dict[str, Any]
    config: TrainConfig
    error: float


def run_search(
    search: Search,
    folder: str | os.PathLike[str],
    *,
    trials: int,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Callable[[int, int, Record | None], None] | None = None,
) -> list[Trial]:
    """Look for the options with the smallest test error, and keep everything in a folder.

    The folder receives search.toml, search.db (an Optuna study in SQLite), the runs as a sweep has them, and best.toml,
    the configuration of the best trial. The next choice depends on the trials that have ended: by the tree-structured
    Parzen estimator (Bergstra et al., NeurIPS 2011), after ten at random. With one worker the same search makes the
    same choices, also when it is stopped and continued in between.

    Parameters
    ----------
    search : Search
        What to look through.
    folder : path-like
        Where to; made when it does not exist.
    trials : int
        How many there are in the end, those of before among them; at least 1.
    workers, scheduler, progress
        As in `retrolux.study.cluster.compute_all`; progress counts the trials that have ended.
    resume : bool
        Go on with the search that the folder holds.

    Returns
    -------
    list of Trial
        Those that went well, the best first.

    Raises
    ------
    FileExistsError
        When the folder holds a search that is not to be resumed.
    FileNotFoundError
        When it holds none that could be.
    ValueError
        When the search in the folder is another one, `trials` or `workers` is below 1, or no trial went well.
    OSError
        When the folder cannot be written to or another process is at work in it, or the scheduler is not there.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    check_workers(workers, scheduler)
    folder = Path(folder)
    _check_folder(search, folder, resume=resume)
    with locked(folder):
        _check_folder(search, folder, resume=resume)  # nor has another process begun one meanwhile
        write_atomically(folder / "search.toml", to_toml(search).encode())
        done = _compute(search, folder, trials, workers, scheduler, progress)
        if not done:
            raise ValueError(f"none of {trials} trials went well; their errors are in {folder / 'runs'}/*/run.json")
        done.sort(key=lambda trial: trial.error)
        write_atomically(folder / "best.toml", configuration.to_toml(done[0].config).encode())
    return done


def _compute(
    search: Search,
    folder: Path,
    trials: int,
    workers: int | None,
    scheduler: str | None,
    progress: Callable[[int, int, Record | None], None] | None,
) -> list[Trial]:
    """Return the trials that went well, once all have ended."""
    threads = search.settings.get("threads") or 1
    with (
        _quiet(),
        pool(folder / "runs", runs=trials, threads=threads, workers=workers, scheduler=scheduler) as computing,
        open_storage(folder / "search.db") as storage,
    ):
        study = optuna.create_study(storage=storage, study_name=NAME, direction="minimize", load_if_exists=True)
        _Trials(search, study, computing, folder / "runs", trials, progress).compute()
        return [
            Trial(trial.number, trial.params, search.config(trial.params), trial.value)
            for trial in study.get_trials(states=(TrialState.COMPLETE,))
            if trial.value is not None
        ]


class _Trials:
    """The trials of a search, as many at once as there are workers."""

    def __init__(
        self,
        search: Search,
        study: optuna.Study,
        computing: Pool,
        runs: Path,
        trials: int,
        progress: Callable[[int, int, Record | None], None] | None,
    ) -> None:
        self._search, self._study, self._pool, self._runs, self._trials = search, study, computing, runs, trials
        self._progress = progress
        self._distributions = _distributions(search)
        self._waiting: dict[str, list[int]] = {}  # numbers of the trials by the identity of their run
        self._said(None)

    def compute(self) -> None:
        """Compute the trials that had begun, then new ones."""
        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            self._begin(trial.number, trial.params)
        self._fill()
        for record in self._pool.ends():
            for number in self._waiting.pop(identity(record.config)):
                self._end(number, record)
            self._fill()

    def _fill(self) -> None:
        while len(self._waiting) < self._pool.workers and len(self._study.trials) < self._trials:
            trials = self._study.get_trials()
            chosen = self._choose(trials)
            # With all of its values at once, so that no process is killed between two of them.
            self._study.add_trial(
                create_trial(state=TrialState.RUNNING, params=chosen, distributions=self._distributions)
            )
            self._begin(len(trials), chosen)

    def _choose(self, trials: Sequence[FrozenTrial]) -> dict[str, Any]:
        """Return the choice that follows from the trials so far, and from nothing else.

        A sampler per trial, so that the choices after a resumption are those without it; it asks a copy in memory, so
        that nothing is on disk before all is chosen.
        """
        seed = np.random.SeedSequence([self._search.settings.get("seed", 0), len(trials)])
        sampler = optuna.samplers.TPESampler(seed=int(seed.generate_state(1)[0]), constant_liar=True)
        copy = optuna.create_study(sampler=sampler, direction="minimize")
        copy.add_trials(trials)
        return copy.ask(self._distributions).params

    def _begin(self, number: int, chosen: dict[str, Any]) -> None:
        try:
            config = self._search.config({name: chosen[name] for name in self._distributions})
        except (ValueError, KeyError):  # no configuration, or a database that was damaged
            self._study.tell(number, state=TrialState.FAIL)
            return
        name = identity(config)
        record = ended(self._runs, config)
        if record is not None:
            self._end(number, record)
            return
        if name not in self._waiting:
            self._pool.start(config)
        self._waiting.setdefault(name, []).append(number)

    def _end(self, number: int, record: Record) -> None:
        if record.failure:  # the choices learn from what diverged, but not from a full disk
            self._study.tell(number, state=TrialState.PRUNED if record.lasting else TrialState.FAIL)
        else:
            errors = [epoch.test_error for epoch in record.history]
            self._study.tell(number, min(errors) if self._search.objective == "best" else errors[-1])
        self._said(record)

    def _said(self, record: Record | None) -> None:
        if self._progress is not None:
            trials = self._study.get_trials(deepcopy=False)
            self._progress(sum(trial.state.is_finished() for trial in trials), max(self._trials, len(trials)), record)


def _distributions(search: Search) -> dict[str, BaseDistribution]:
    return {name: _distribution(name, choice) for name, choice in search.space.items()}


def _distribution(name: str, choice: Range | Sequence[Any]) -> BaseDistribution:
    if not isinstance(choice, Range):
        return CategoricalDistribution(choice)
    if is_whole(name):
        return IntDistribution(int(choice.low), int(choice.high), log=choice.log)
    return FloatDistribution(choice.low, choice.high, log=choice.log)


def _check_folder(search: Search, folder: Path, *, resume: bool) -> None:
    file = folder / "search.toml"
    if resume and not file.exists():
        raise FileNotFoundError(f"{folder} holds no search to resume: there is no search.toml")
    if not file.exists():
        return
    if not resume:
        raise FileExistsError(f"{folder} already holds a search: continue it with --resume or choose another --out")
    if from_toml(file) != search:
        raise ValueError(f"{folder} holds another search: continue it as it was begun or choose another --out")
    with _quiet():
        check_database(folder / "search.db", _distributions(search))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from logging every trial and from warning of what is experimental in some of its versions."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
