from __future__ import annotations

import sys

import pytest
import torch

from retrolux.data import digits


@pytest.mark.parametrize("modes", [64, 16, 10, 1, 100])
@pytest.mark.parametrize("power", [1.0, 64.0])
def test_shapes_dtypes_and_power(modes: int, power: float) -> None:
    data = digits(modes=modes, power=power)
    assert data.train_x.shape == (len(data.train_y), modes)
    assert data.train_x.dtype == data.test_x.dtype == torch.complex64
    assert len(data.train_x) + len(data.test_x) == 1797
    for x in (data.train_x, data.test_x):
        torch.testing.assert_close(x.abs().square().sum(1), torch.full((len(x),), power))
        assert (x.real >= 0).all()
        assert (x.imag == 0).all()


def test_64_modes_are_the_pixels() -> None:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    pixels = torch.from_numpy(load_digits().data).to(torch.float32)
    expected = (pixels / pixels.norm(dim=1, keepdim=True)).sort(dim=0).values
    data = digits()
    torch.testing.assert_close(torch.cat([data.train_x, data.test_x]).real.sort(dim=0).values, expected)


def test_split_is_stratified_and_the_seed_decides() -> None:
    data, again, other = digits(), digits(), digits(seed=1)
    counts = torch.bincount(torch.cat([data.train_y, data.test_y]))
    assert torch.equal(torch.bincount(data.test_y), (0.2 * counts).round().long())
    assert torch.equal(data.train_x, again.train_x)
    assert torch.equal(data.test_y, again.test_y)
    assert not torch.equal(data.test_y, other.test_y)


def test_samples_keep_their_labels() -> None:
    # The nearest training sample of each test sample: chance would be right once in ten times.
    data = digits()
    nearest = (data.test_x.real @ data.train_x.real.T).argmax(1)
    assert (data.train_y[nearest] == data.test_y).double().mean() > 0.97


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="modes must be at least 1, got -3"):
        digits(modes=-3)
    with pytest.raises(ValueError, match=r"power must be finite and positive, got 0\.0"):
        digits(power=0.0)
    with pytest.raises(ValueError, match="test_fraction must be above 0 and below 1, got 2"):
        digits(test_fraction=2)


def test_scikit_learn_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "retrolux\[study\]"'):
        digits()
