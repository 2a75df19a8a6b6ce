"""A bar over the runs of a sweep, with the time that is left."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrolux.study.run_record import Record

__all__ = ["runs_bar"]


@contextlib.contextmanager
def runs_bar() -> Iterator[Callable[[int, int, Record | None], None]]:
    """Yield what `retrolux.study.cluster.compute_all` reports to: a bar, or lines where stderr is no terminal."""
    from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and not needed for --help

    with tqdm(unit="run", disable=None, smoothing=0.0) as bar:

        def progress(ended: int, runs: int, record: Record | None) -> None:
            text = "" if record is None else _said(record)
            if bar.disable:  # not a terminal: lines instead of a bar
                print(f"run {ended}/{runs}{text and ': '}{text}", file=sys.stderr, flush=True)
                return
            if record is None:  # the rate is that of what is still to come
                bar.total, bar.initial, bar.n = runs, ended, ended
            bar.set_postfix_str(text, refresh=False)
            bar.update(ended - bar.n)
            bar.refresh()

        yield progress


def _said(record: Record) -> str:
    return f"failed: {record.failure}" if record.failure else f"test error {100 * record.history[-1].test_error:.2f} %"
