"""Points of the plane in two classes, as light in four modes: tasks that can be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from retrolux.data.dataset import Dataset
from retrolux.data.scikit_learn import scikit_learn_datasets
from retrolux.data.split import stratified_split

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    # Points of shape (samples, 2), and labels.
    _Points = tuple[NDArray[np.float64], NDArray[np.integer[Any]]]

__all__ = ["embed", "planar"]


def planar(
    kind: str,
    samples: int = 1000,
    seed: int = 0,
    *,
    power: float = 9.0,
    noise: float | None = None,
    test_fraction: float = 0.2,
) -> Dataset:
    """Draw a task of two classes of points in the plane and embed it in four modes.

    * ``"moons"``: two interleaving half circles of radius 1.
    * ``"circle"``: a circle of radius 1 around one of radius ½.
    * ``"ring"``: points of a normal distribution of variance 0.4; on the ring are those between the quartiles
      of the radius.
    * ``"blobs"``: two normal distributions, centred at (−0.4, −0.4) and (0.25, 0.3).

    The points are then centred and scaled as a whole, so that they fill a disc of radius √(power/2): the
    square around this disc can be embedded as well, so a decision map can show all of it.

    Parameters
    ----------
    kind : str
        One of these.
    samples : int
        Number of points of both classes, which are equally frequent (to one point when `samples` is odd).
    seed : int
        Seed of the points and of the split, 0 to 2³² − 1.
    power : float
        Total power of every sample, > 0, in units in which a mode of amplitude 1 has power 1.
    noise : float, optional
        Standard deviation, ≥ 0, of the normal displacement of each point, in the units of the list above,
        before scaling; the default is that of the experiment: 0.2 for moons and circle, 0 for ring, 0.5 for
        blobs.
    test_fraction : float
        Share of the points that test, above 0 and below 1.

    Returns
    -------
    Dataset
        `train_x` and `test_x` are complex64 of shape (samples, 4): see `embed`. The points are the real parts
        of the first two modes.

    Raises
    ------
    ValueError
        When an argument is out of range or a class would be left without training or test samples.
    ModuleNotFoundError
        When scikit-learn is not installed.

    References
    ----------
    Pai et al., Science 380, 398 (2023): the tasks, except that its ring is the middle third of the points.
    """
    if kind not in _TASKS:
        raise ValueError(f"kind must be one of {', '.join(_TASKS)}, got {kind!r}")
    if samples < 4:
        raise ValueError(f"samples must be at least 4, got {samples}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must lie in 0..2**32 - 1, got {seed}")
    _check_power(power)
    task = _TASKS[kind]
    spread = task.noise if noise is None else noise
    if not (spread >= 0 and math.isfinite(spread)):
        raise ValueError(f"noise must be finite and at least 0, got {noise}")
    drawn = task.draw(samples, seed, spread)
    points, labels = torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1].astype(np.int64))
    points -= points.mean(dim=0)
    points *= math.sqrt(power / 2) / float(points.norm(dim=1).max())
    fields = embed(points, power).to(torch.complex64)
    train, test = stratified_split(labels.numpy(), test_fraction, seed)
    return Dataset(
        name=kind,
        train_x=fields[train],
        train_y=labels[train],
        test_x=fields[test],
        test_y=labels[test],
        classes=task.classes,
    )


def embed(points: Tensor, power: float = 9.0) -> Tensor:
    """Embed points (x₁, x₂) in four modes [x₁, x₂, b, b] of equal total power P: b = √((P − x₁² − x₂²)/2).

    Parameters
    ----------
    points : Tensor of float32 or float64, shape (…, 2)
        Field amplitudes of the first two modes.
    power : float
        Total power P > 0.

    Returns
    -------
    Tensor of complex64 or complex128, shape (…, 4)
        With Σ|x|² = P.

    Raises
    ------
    ValueError
        When a point has x₁² + x₂² > P, or an argument has the wrong shape or type.

    References
    ----------
    Pai et al., Science 380, 398 (2023).
    """
    _check_power(power)
    if points.ndim == 0 or points.shape[-1] != 2 or points.dtype not in {torch.float32, torch.float64}:
        raise ValueError(
            f"points must be float32 or float64 of shape (…, 2), got {points.dtype} of shape {tuple(points.shape)}"
        )
    rest = power - points.square().sum(dim=-1, keepdim=True)
    if not (rest >= 0).all():
        x1, x2 = points.reshape(-1, 2)[int(rest.flatten().argmin())].tolist()
        raise ValueError(f"every point must have x1² + x2² ≤ power = {power}, got the point ({x1:.4g}, {x2:.4g})")
    fields = torch.cat([points, (rest / 2).sqrt().expand_as(points)], dim=-1)
    return torch.complex(fields, torch.zeros_like(fields))


def _check_power(power: float) -> None:
    if not (power > 0 and math.isfinite(power)):
        raise ValueError(f"power must be finite and positive, got {power}")


def _moons(samples: int, seed: int, noise: float) -> _Points:
    points: _Points = scikit_learn_datasets().make_moons(samples, noise=noise, random_state=seed)
    return points


def _circle(samples: int, seed: int, noise: float) -> _Points:
    points: _Points = scikit_learn_datasets().make_circles(samples, noise=noise, factor=0.5, random_state=seed)
    return points


def _ring(samples: int, seed: int, noise: float) -> _Points:
    rng = np.random.default_rng(seed)
    points = math.sqrt(0.4) * rng.standard_normal((samples, 2))
    outwards = np.linalg.norm(points, axis=1).argsort()
    labels = np.zeros(samples, dtype=np.int64)
    labels[outwards[samples // 4 : samples // 4 + samples // 2]] = 1
    points += noise * rng.standard_normal(points.shape)
    return points, labels


def _blobs(samples: int, seed: int, noise: float) -> _Points:
    centers = [(-0.4, -0.4), (0.25, 0.3)]
    points: _Points = scikit_learn_datasets().make_blobs(samples, centers=centers, cluster_std=noise, random_state=seed)
    return points


@dataclass(frozen=True)
class _Task:
    """The names of the classes, the noise of the experiment, and what draws points and labels."""

    classes: tuple[str, str]
    noise: float
    draw: Callable[[int, int, float], _Points]


_TASKS = {
    "moons": _Task(("upper moon", "lower moon"), 0.2, _moons),
    "circle": _Task(("outer circle", "inner circle"), 0.2, _circle),
    "ring": _Task(("off the ring", "on the ring"), 0.0, _ring),
    "blobs": _Task(("lower left", "upper right"), 0.5, _blobs),
}
