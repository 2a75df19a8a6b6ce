"""Runs on dask.distributed: each is on disk when it is reported, and none is computed twice."""

from __future__ import annotations

import contextlib
import logging
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
from dask.system import CPU_COUNT
from distributed import CancelledError, Client, KilledWorker, LocalCluster, as_completed
from distributed.utils import silence_logging_cmgr

from retrolux.atomic import write_atomically
from retrolux.locking import locked
from retrolux.study import worker
from retrolux.study.run_record import Record, identity, read_record, run_folder, write_record

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Future

    from retrolux.study.config import TrainConfig

__all__ = ["Pool", "check_workers", "compute_all", "ended", "pool"]

_MOST_WORKERS = 1024  # processes on this machine


class Pool:
    """Workers, and a folder in which every run that they end is kept.

    The client alone writes the records of runs, so that workers on another machine need not see the folder; workers
    that do keep the state of their runs there, and go on from it.

    Parameters
    ----------
    client : Client
        Connected to the scheduler of the workers.
    folder : Path
        Of the runs.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._token = str(uuid.uuid4())
        write_atomically(folder / worker.TOKEN, self._token.encode())
        self._futures: Any = as_completed([], loop=client.loop)
        self._configs: dict[Future[Record], TrainConfig] = {}

    @property
    def workers(self) -> int:
        """Number of workers that are there now, at least 1."""
        return max(1, len(self._client.nthreads()))

    def start(self, config: TrainConfig) -> None:
        """Have a run computed as soon as a worker is free."""
        future = self._client.submit(worker.compute, config, str(self._folder), self._token, pure=False)
        self._configs[future] = config
        self._futures.add(future)

    def ends(self) -> Iterator[Record]:
        """Yield every run that was started, or is started meanwhile, when it has ended and is on disk.

        Raises
        ------
        ConnectionError
            When the scheduler is lost.
        OSError
            When the folder cannot be written to.
        """
        for future in self._futures:
            config = self._configs.pop(future)
            try:
                record = _record(future, config)
                write_record(run_folder(self._folder, config) / "run.json", record)
            except CancelledError:
                raise ConnectionError("the scheduler is gone; the runs that had ended are kept") from None
            except OSError as error:  # of the folder: errors of a run are in its record
                raise OSError(f"{self._folder} cannot take another run: {error}") from None
            yield record


def _record(future: Future[Record], config: TrainConfig) -> Record:
    try:
        return future.result()
    except KilledWorker:
        return Record(config, (), "its workers were killed: too little memory?", lasting=False)


def compute_all(
    configs: Iterable[TrainConfig],
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int, Record | None], None] | None = None,
) -> dict[str, Record]:
    """Compute every run that the folder does not hold yet.

    When everything is killed, the next call does what is left; runs that had begun go on from their last state on
    disk. Runs that failed are computed again, unless they diverged. A script that calls this must do so below
    ``if __name__ == "__main__":``, for workers are processes that import it.

    Parameters
    ----------
    configs : iterable of TrainConfig
        What to compute; two that compute the same are one run.
    folder : path-like
        Of the runs; made when it does not exist.
    workers, scheduler
        As in `pool`.
    progress : callable, optional
        Called with the number of runs that have ended, that of all, and the record of the last; with None for this
        at the start.

    Returns
    -------
    dict of str to Record
        By `retrolux.study.run_record.identity`.

    Raises
    ------
    ValueError
        When `workers` is below 1 or given with a scheduler, or a record in the folder is damaged.
    OSError
        When the folder cannot be written to or another process is at work in it, or the scheduler is not there.
    """
    runs = {identity(config): config for config in configs}
    records = {name: record for name, config in runs.items() if (record := ended(folder, config)) is not None}
    left = [config for name, config in runs.items() if name not in records]
    if progress is not None:
        progress(len(records), len(runs), None)
    if not left:
        return records
    threads = max(config.threads for config in left)
    with pool(folder, threads=threads, workers=workers, scheduler=scheduler, runs=len(left)) as computing:
        for config in left:
            computing.start(config)
        for record in computing.ends():
            records[identity(record.config)] = record
            if progress is not None:
                progress(len(records), len(runs), record)
    return records


def ended(folder: str | os.PathLike[str], config: TrainConfig) -> Record | None:
    """Return the record of a run in a folder; None where it has not ended, or might end otherwise next time.

    Raises
    ------
    ValueError
        When the record is damaged.
    """
    file = run_folder(folder, config) / "run.json"
    record = read_record(file) if file.exists() else None
    return record if record is not None and record.lasting else None


@contextlib.contextmanager
def pool(
    folder: str | os.PathLike[str],
    *,
    runs: int,
    threads: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Iterator[Pool]:
    """Yield a pool of workers: of a scheduler, or of a cluster on this machine that lives as long.

    Parameters
    ----------
    folder : path-like
        Of the runs; made when it does not exist. No other process can have a pool for it meanwhile.
    runs : int
        How many there will be: more workers are not started.
    threads : int
        Of each run.
    workers : int, optional
        Processes on this machine, one run each at a time; by default as many as it has cores for.
    scheduler : str, optional
        Address of a dask scheduler to use instead, for example ``"tcp://host:8786"``; its workers must have one
        thread each, and this version of retrolux.

    Raises
    ------
    ValueError
        When `workers` is below 1 or given with a scheduler, or a worker has several threads.
    OSError
        When the folder cannot be written to or another process is at work in it, or the scheduler is not there.
    """
    check_workers(workers, scheduler)
    folder = Path(folder).absolute()
    with locked(folder), silence_logging_cmgr(logging.CRITICAL):
        if scheduler is not None:
            with _connected(scheduler) as client:
                yield Pool(client, folder)
        else:
            count = min(workers or max(1, CPU_COUNT // threads), runs)
            with _local_cluster(count, threads) as cluster, Client(cluster) as client:
                yield Pool(client, folder)


def check_workers(workers: int | None, scheduler: str | None) -> None:
    """Check what `pool` takes, before anything is written.

    Raises
    ------
    ValueError
        When `workers` is below 1, above 1024, or given with a scheduler.
    """
    if workers is not None and (scheduler is not None or not 1 <= workers <= _MOST_WORKERS):
        wanted = "be left to the scheduler" if scheduler is not None else f"be from 1 to {_MOST_WORKERS}"
        raise ValueError(f"workers must {wanted}, got {workers}")


def _connected(scheduler: str) -> Client:
    """Return a client of a scheduler whose workers can do our runs, one at a time."""
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ConnectionError(f"there is no dask scheduler at {scheduler!r}: {error}") from None
    with contextlib.ExitStack() as refused:
        refused.callback(client.close)
        threads = client.nthreads().values()
        if any(count != 1 for count in threads):
            raise ValueError(f"workers of {scheduler} must have one thread each (--nthreads 1), got {max(threads)}")
        try:
            installed = {client.run_on_scheduler(version, "retrolux"), *client.run(version, "retrolux").values()}
        except PackageNotFoundError:
            raise ConnectionError(f"{scheduler} or one of its workers has no retrolux installed") from None
        if installed != {version("retrolux")}:
            raise ValueError(
                f"{scheduler} must have retrolux {version('retrolux')}, got {', '.join(sorted(installed))}"
            )
        refused.pop_all()
    return client


def _local_cluster(workers: int, threads: int) -> LocalCluster:
    """Return a cluster of processes without a dashboard, without limits of memory, and quiet.

    A dashboard is that of a scheduler of one's own.
    """
    counts = {f"{library}_NUM_THREADS": threads for library in ("OMP", "MKL", "OPENBLAS")}
    with dask.config.set({"distributed.nanny.pre-spawn-environ": counts}):
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # else its HTTP server wants port 8787
            preload=worker.__name__,
            silence_logs=logging.CRITICAL,
        )
