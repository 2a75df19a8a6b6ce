"""Paired timing: turns, repeats, rounds that others disturbed, and the numbers drawn from them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from retrolux.bench import timing
from retrolux.bench.quiet import Patience
from retrolux.bench.timing import Timing, alternate


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock, and the time that we waited for a core, by what the contenders say."""

    class Clock:
        now = waited = 0.0

    monkeypatch.setattr(timing, "perf_counter", lambda: Clock.now)
    monkeypatch.setattr(timing, "_waited", lambda: Clock.waited)
    return Clock


def test_numbers_of_a_timing():
    ours, reference = Timing(np.array([1.0, 2.0, 6.0]), False), Timing(np.array([4.0, 1.0, 2.0]), False)
    assert (ours.median, ours.minimum, ours.rate(10)) == (2.0, 1.0, 5.0)
    assert ours.ratio(reference) == 2.0  # median of 1/4, 2 and 3, not 2 over 2


def test_contenders_take_turns_and_change_the_order(clock):
    calls = []

    def contender(name, seconds):
        def run():
            calls.append(name)
            clock.now += seconds

        return run

    found = alternate({"slow": contender("slow", 0.3), "fast": contender("fast", 0.1)}, 1.0, Patience(0))
    rounds = "".join(name[0] for name in calls[4:])  # after a call each to warm up, and one to learn how long it takes
    assert rounds == "sffssffssf"[: len(rounds)]
    assert len(rounds) == 10  # five rounds at least, though one second is over after three
    assert found["slow"].seconds == pytest.approx(5 * [0.3])
    assert not found["fast"].disturbed


def test_short_calls_are_repeated_within_a_reading(clock):
    calls = itertools.count()

    def run():
        next(calls)
        clock.now += 1e-4

    found = alternate({"short": run}, 0.1, Patience(0), at_most=3)
    assert next(calls) == 1 + 1 + 3 * 20  # 2 ms a reading
    assert found["short"].seconds == pytest.approx(3 * [1e-4])


def test_rounds_in_which_we_waited_for_a_core_do_not_count(clock):
    lengths = itertools.cycle([0.1, 0.5])

    def run():
        length = next(lengths)
        clock.now += length
        clock.waited += 0.4 if length == 0.5 else 0.0

    found = alternate({"run": run}, 2.0, Patience(0), at_least=2)
    assert not found["run"].disturbed
    assert found["run"].seconds == pytest.approx([0.1] * len(found["run"].seconds))


def test_where_every_round_is_disturbed_all_count(clock):
    def run():
        clock.now += 0.1
        clock.waited += 0.05

    found = alternate({"run": run}, 0.5, Patience(0))
    assert found["run"].disturbed
    assert len(found["run"].seconds) == 10  # twice the time was spent to get better ones
