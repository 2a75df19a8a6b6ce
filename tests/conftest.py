"""What all tests share: sizes, topologies, and tolerances that scale with the work done."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from retrolux.hardware import Imperfections
from retrolux.option import options_of

if TYPE_CHECKING:
    from collections.abc import Callable


settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run slow tests, too, and those of other instruction sets")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests, but for those that are asked for by name."""
    if config.getoption("--slow") or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Listen to Ctrl-C: shells start background jobs deaf to it, and the processes that tests start would be too."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def everything() -> Imperfections:
    """Return a little of every imperfection there is, 0.01 in its unit where that is allowed, and 12 bits."""
    options = options_of(Imperfections).items()
    return Imperfections(**{name: 12 if about.or_none else max(0.01, about.least) for name, about in options})


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a fixed generator: a failing test fails again."""
    return np.random.default_rng(20230428)


@pytest.fixture
def tolerance() -> Callable[[object, int], float]:
    """Return the rounding error to allow after light of unit size has crossed `depth` columns in `dtype`."""

    def allowed(dtype: object, depth: int) -> float:
        return 16.0 * float(np.finfo(np.dtype(dtype)).eps) * (depth + 4)

    return allowed


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real data sets: RETROLUX_DATA, or ../shared/data next to the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RETROLUX_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no data sets: {folder} is no folder, and RETROLUX_DATA can name another")
    return folder
