"""Phases up to whole turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.mesh.phases import wrap

TURN = 2 * np.pi


@given(st.floats(-1e6, 1e6))
def test_wrapped_phases_are_the_same_in_one_turn(phase):
    wrapped = wrap(np.array(phase))
    assert 0 <= wrapped < TURN
    turns = (phase - wrapped) / TURN
    assert turns == pytest.approx(np.rint(turns), abs=1e-9)


def test_wrapping_never_gives_a_whole_turn():
    assert wrap(np.array([-1e-300, -0.0, TURN, -TURN, 0.0])).tolist() == [0, 0, 0, 0, 0]
    inside = np.linspace(0, TURN, 100, endpoint=False)
    np.testing.assert_array_equal(wrap(inside), inside)
