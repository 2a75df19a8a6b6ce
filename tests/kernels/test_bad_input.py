"""What the bindings refuse, so that the kernels may trust it: one sentence with the offending value."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux._kernels import Kernels, Layout, isas_built


@pytest.fixture
def case(draw, rng):
    return draw(mesh.rectangular(4), 3, np.dtype("float64"), rng)


def test_a_layout_must_stay_inside_its_modes():
    for pair in ((0, 4), (-1, 2), (2, 2)):
        with pytest.raises(ValueError, match=rf"MZI 0 must join two of 4 modes, got {pair[0]} and {pair[1]}"):
            Layout(4, np.array([pair], dtype=np.int32))
    with pytest.raises(ValueError, match="modes must be between 1 and"):
        Layout(0, np.empty((0, 2), dtype=np.int32))


@pytest.mark.parametrize(
    ("name", "value"), [("theta", np.nan), ("phi", np.inf), ("gamma", -np.inf), ("coupler_error", np.nan)]
)
def test_settings_must_be_finite(kernels, case, name, value):
    case.settings[name].flat[3] = value
    place = r"1, 1" if name == "coupler_error" else "3"
    with pytest.raises(ValueError, match=rf"{name} must be finite, got -?{abs(value)} at \[{place}\]"):
        case.forward(kernels)


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf])
def test_a_loss_is_not_a_gain(kernels, case, value):
    case.settings["loss_db"][2, 3] = value
    with pytest.raises(ValueError, match=rf"loss_db must be finite and at least 0 dB, got {value}.* at \[2, 3\]"):
        case.reverse(kernels)


@pytest.mark.parametrize("name", ["theta", "phi", "gamma", "coupler_error", "loss_db"])
def test_shapes_must_fit_the_mesh(kernels, case, name):
    case.settings[name] = case.settings[name][:-1].copy()
    shape = case.settings[name].shape
    wanted = (shape[0] + 1, *shape[1:])
    with pytest.raises(ValueError, match=rf"{name} must have shape \({wanted[0]},.*got \({shape[0]},"):
        case.forward(kernels)


def test_light_must_fit_the_mesh(kernels, case):
    case.x = case.x[:, :-1].copy()
    with pytest.raises(ValueError, match=r"x must have shape \(..., modes\) = \(..., 4\), got \(3, 3\)"):
        case.forward(kernels)
    case.x = np.array(0j)
    with pytest.raises(ValueError, match=r"x must have shape \(..., modes\) = \(..., 4\), got \(\)"):
        case.forward(kernels)


def test_no_copy_is_made_behind_the_callers_back(kernels, case):
    case.x = case.x.astype(np.complex64)
    with pytest.raises(TypeError):
        case.forward(kernels)
    case.x = np.asfortranarray(case.x.astype(np.complex128))
    with pytest.raises(TypeError):
        case.forward(kernels)


def test_results_need_a_place_that_may_be_written(kernels, case):
    y = np.empty_like(case.x)
    y.setflags(write=False)
    with pytest.raises(ValueError, match="y must be writeable, it is read-only"):
        kernels.forward(case.topology.layout, case.record, case.x, y, 1)


def test_light_may_be_read_only(kernels, case):
    expected = case.forward(kernels)
    for array in (case.x, *case.settings.values()):
        array.setflags(write=False)
    np.testing.assert_array_equal(case.forward(kernels), expected)


def test_threads_must_be_positive(kernels, case):
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        case.forward(kernels, threads=0)


def test_instruction_sets_have_names():
    with pytest.raises(ValueError, match=rf"must be one of {', '.join(isas_built)}, got 'sse9'"):
        Kernels("sse9")
