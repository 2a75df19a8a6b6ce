from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrolux.data import PLANAR, embed, planar


@pytest.mark.parametrize("kind", PLANAR)
@pytest.mark.parametrize("power", [9.0, 0.5])
def test_every_sample_has_the_power(kind: str, power: float) -> None:
    data = planar(kind, power=power)
    x = torch.cat([data.train_x, data.test_x])
    assert x.shape == (1000, 4)
    assert x.dtype == torch.complex64
    # Exact up to the rounding of four float32 amplitudes.
    torch.testing.assert_close(x.abs().square().sum(1), torch.full((1000,), power), rtol=1e-6, atol=0)
    assert torch.equal(x[:, 2], x[:, 3])
    assert (x.imag == 0).all()


@pytest.mark.parametrize("kind", PLANAR)
@pytest.mark.parametrize("noise", [None, 0.0, 3.0])
def test_points_fill_the_disc_whose_square_can_be_embedded(kind: str, noise: float | None) -> None:
    data = planar(kind, noise=noise, seed=3)
    points = torch.cat([data.train_x, data.test_x])[:, :2].real
    assert float(points.norm(dim=1).max()) == pytest.approx(math.sqrt(4.5), rel=1e-6)
    torch.testing.assert_close(points.mean(0), torch.zeros(2), rtol=0, atol=1e-5)
    edge = math.sqrt(4.5)
    corners = torch.tensor([[edge, edge], [-edge, edge]], dtype=torch.float64) * (1 - 1e-12)
    assert embed(corners)[:, 2].real.max() < 1e-4


@pytest.mark.parametrize("kind", PLANAR)
@pytest.mark.parametrize("samples", [10, 37, 250, 1003])
def test_classes_are_balanced(kind: str, samples: int) -> None:
    data = planar(kind, samples)
    counts = torch.bincount(torch.cat([data.train_y, data.test_y]), minlength=2)
    assert counts.sum() == samples
    assert abs(int(counts[0]) - int(counts[1])) == samples % 2
    assert abs(int(torch.bincount(data.test_y)[0]) - 0.1 * samples) <= 1
    assert len(data.classes) == 2


@pytest.mark.parametrize("kind", PLANAR)
def test_the_seed_decides(kind: str) -> None:
    data, again, other = planar(kind, seed=4), planar(kind, seed=4), planar(kind, seed=5)
    assert torch.equal(data.train_x, again.train_x)
    assert torch.equal(data.train_y, again.train_y)
    assert torch.equal(data.test_x, again.test_x)
    assert not torch.equal(data.train_x, other.train_x)


def radii(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    data = planar(kind, noise=0.0)
    return data.train_x[:, :2].real.norm(dim=1), data.train_y


def test_circle_is_two_circles() -> None:
    radius, label = radii("circle")
    torch.testing.assert_close(radius[label == 0], torch.full((400,), math.sqrt(4.5)))
    torch.testing.assert_close(radius[label == 1], torch.full((400,), math.sqrt(4.5) / 2))


def test_ring_lies_between_the_core_and_the_rest() -> None:
    data = planar("ring", 4000)
    points = torch.cat([data.train_x, data.test_x])[:, :2].real
    label = torch.cat([data.train_y, data.test_y])
    # The origin moved by the mean of the points: not by more than a few standard errors.
    radius, slack = points.norm(dim=1), 0.1
    on = radius[label == 1]
    core = (radius < on.min() + slack) & (label == 0)
    outside = (radius > on.max() - slack) & (label == 0)
    assert int(core.sum()) == pytest.approx(1000, abs=60)
    assert int((core | outside).sum()) == 2000


def test_blobs_are_on_either_side() -> None:
    data = planar("blobs", noise=0.01)
    side = data.train_x[:, :2].real.sum(1)
    assert torch.equal(data.train_y, (side > 0).long())


def test_moons_are_half_circles_that_interleave() -> None:
    data = planar("moons", noise=0.0)
    points, label = data.train_x[:, :2].real, data.train_y
    assert points[label == 0, 1].min() > points[label == 1, 1].min()
    assert points[label == 0, 1].min() < points[label == 1, 1].max()
    assert points[label == 0, 0].max() > points[label == 1, 0].min()


@pytest.mark.parametrize("kind", PLANAR)
def test_noise_spreads(kind: str) -> None:
    calm, rough = planar(kind, noise=0.0), planar(kind, noise=0.4)
    assert not torch.equal(calm.train_x, rough.train_x)


@given(
    x1=st.floats(-1, 1),
    x2=st.floats(-1, 1),
    power=st.floats(1e-3, 1e3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_embedding_has_the_power_and_keeps_the_point(x1: float, x2: float, power: float, dtype: torch.dtype) -> None:
    points = torch.tensor([x1, x2], dtype=dtype) * math.sqrt(power) * 0.7
    fields = embed(points, power)
    assert fields.dtype == (torch.complex64 if dtype == torch.float32 else torch.complex128)
    assert torch.equal(fields[:2].real, points)
    assert fields[2] == fields[3]
    assert fields[2].real >= 0
    total = float(fields.abs().square().sum())
    assert total == pytest.approx(power, rel=8 * torch.finfo(dtype).eps)


def test_embedding_of_many_points_of_any_shape() -> None:
    points = torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(0))
    fields = embed(points)
    assert fields.shape == (3, 5, 4)
    assert torch.equal(fields[1, 2], embed(points[1, 2]))
    assert embed(points[:0]).shape == (0, 5, 4)


def test_a_point_on_the_circle_has_nothing_left() -> None:
    assert embed(torch.tensor([0.0, 3.0])).tolist() == [0, 3, 0, 0]


@pytest.mark.parametrize("point", [(3.0, 0.5), (0.0, -3.1), (math.nan, 0.0)])
def test_a_point_with_too_much_power_is_refused(point: tuple[float, float]) -> None:
    points = torch.tensor([[0.0, 0.0], point, [1.0, 1.0]])
    shown = f"{point[0]:.4g}, {point[1]:.4g}"
    with pytest.raises(ValueError, match=rf"x1² \+ x2² ≤ power = 9\.0, got the point \({shown}\)"):
        embed(points)


@pytest.mark.parametrize(
    "points", [torch.zeros(3), torch.zeros(2, 3), torch.tensor(1.0), torch.zeros(4, 2, dtype=torch.complex64)]
)
def test_points_are_real_pairs(points: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"points must be float32 or float64 of shape \(…, 2\), got torch"):
        embed(points)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "spiral"}, "kind must be one of moons, circle, ring, blobs, got 'spiral'"),
        ({"samples": 3}, "samples must be at least 4, got 3"),
        ({"seed": -1}, "seed must lie in .*got -1"),
        ({"seed": 2**32}, "seed must lie in .*got 4294967296"),
        ({"power": 0.0}, r"power must be finite and positive, got 0\.0"),
        ({"power": math.inf}, "power must be finite and positive, got inf"),
        ({"noise": -0.1}, r"noise must be finite and at least 0, got -0\.1"),
        ({"noise": math.nan}, "noise must be finite and at least 0, got nan"),
        ({"test_fraction": 1.5}, r"test_fraction must be above 0 and below 1, got 1\.5"),
        ({"samples": 8, "test_fraction": 0.1}, "leaves class 0 with 4 training and 0 test samples of 4"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        planar(**({"kind": "moons"} | arguments))
