"""What all tests share: sizes, topologies, and tolerances that scale with the work done."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrolux.hardware import Imperfections
from retrolux.option import options_of

if TYPE_CHECKING:
    from collections.abc import Callable


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
