from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.data.split import stratified_split


@given(
    counts=st.lists(st.integers(4, 40), min_size=1, max_size=5),
    fraction=st.floats(0.2, 0.8),
    seed=st.integers(0, 2**32),
)
def test_every_sample_once_and_every_class_in_its_share(counts: list[int], fraction: float, seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    train, test = stratified_split(labels, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert np.bincount(labels[test]).tolist() == [round(fraction * count) for count in counts]


def test_the_seed_decides() -> None:
    labels = np.repeat([0, 1, 2], 30)
    train, test = stratified_split(labels, 0.5, 7)
    again_train, again_test = stratified_split(labels, 0.5, 7)
    assert np.array_equal(train, again_train)
    assert np.array_equal(test, again_test)
    assert not np.array_equal(test, stratified_split(labels, 0.5, 8)[1])


def test_classes_are_mixed() -> None:
    labels = np.repeat([0, 1], 50)
    train, test = stratified_split(labels, 0.5, 0)
    assert 0 < labels[train][:10].sum() < 10
    assert 0 < labels[test][:10].sum() < 10


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_fraction_is_between_0_and_1(fraction: float) -> None:
    with pytest.raises(ValueError, match=f"test_fraction must be above 0 and below 1, got {fraction}"):
        stratified_split(np.array([0, 0, 1, 1]), fraction, 0)


def test_no_class_is_left_empty() -> None:
    with pytest.raises(ValueError, match="leaves class 1 with 2 training and 0 test samples of 2"):
        stratified_split(np.array([0] * 20 + [1] * 2), 0.1, 0)
