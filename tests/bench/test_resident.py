"""Memory of a call in a process of its own."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from _resident import resident


def prepare(held, passing):
    kept = np.ones(held, dtype=np.uint8)

    def call():
        return int(np.ones(passing, dtype=np.uint8)[-1]) + int(kept[-1])

    return call


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_is_held_and_what_a_call_adds():
    small, large = resident(prepare, [(10**7, 10**6), (10**6, 3 * 10**7)], (10, 10), threads=1)
    assert (small.held, small.peak) == (pytest.approx(10e6, abs=1e6), pytest.approx(11e6, abs=1e6))
    assert (large.held, large.peak) == (pytest.approx(1e6, abs=1e6), pytest.approx(31e6, abs=1e6))
