"""What callers hold: NumPy's arrays and torch's tensors, which every kernel takes through the same checks."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux._kernels import NotInOrderError

TOPOLOGY = mesh.rectangular(4)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def case(draw, rng):
    return draw(TOPOLOGY, 4, np.dtype("float64"), rng)


def forward(kernels, case, x=None, y=None, **changes):
    x = case.x if x is None else x
    y = np.empty_like(case.x) if y is None else y
    kernels.forward(TOPOLOGY.layout, case.record._replace(**changes), x, y, 1)
    return y


def test_arrays_and_tensors_may_meet_in_one_call(kernels, case, torch):
    expected = case.forward(kernels)
    theta = torch.nn.Parameter(torch.from_numpy(case.settings["theta"]))
    found = forward(kernels, case, torch.from_numpy(case.x), torch.empty(4, 4, dtype=torch.complex128), theta=theta)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_light_may_have_any_number_of_dimensions(on_either, kernels, case):
    expected = case.forward(kernels)
    for shape in ((2, 2, 4), (1, 4, 1, 4)):
        found = forward(on_either, case, case.x.reshape(shape), np.empty(shape, complex))
        np.testing.assert_array_equal(found.reshape(4, 4), expected)
    np.testing.assert_array_equal(forward(on_either, case, case.x[0], np.empty(4, complex)), expected[0])
    with pytest.raises(ValueError, match=r"y must have shape \(2, 2, 4\) as x, got \(4, 4\)"):
        forward(on_either, case, case.x.reshape(2, 2, 4))


def test_what_does_not_lie_in_order_is_told_from_the_rest(on_either, case):
    phi = np.stack([case.settings["phi"]] * 2, axis=1)[:, 0]
    with pytest.raises(NotInOrderError, match="phi must lie in memory in C order"):
        forward(on_either, case, phi=phi)
    with pytest.raises(NotInOrderError, match="x must lie in memory in C order"):
        forward(on_either, case, case.x.T)
    with pytest.raises(NotInOrderError, match="y must lie in memory in C order"):
        forward(on_either, case, y=case.x.T)


def test_lazy_views_of_torch_do_not_lie_in_order(kernels, case, torch):
    with pytest.raises(NotInOrderError, match=r"x must lie .* neither lazily conjugated nor negated"):
        forward(kernels, case, torch.from_numpy(case.x).conj())
    negated = torch._neg_view(torch.from_numpy(case.settings["gamma"]))
    with pytest.raises(NotInOrderError, match=r"gamma must lie .* neither lazily conjugated nor negated"):
        forward(kernels, case, gamma=negated)


def test_memory_of_one_element_or_none_is_in_order(on_either, case):
    for x in (case.x[:1].T.reshape(4, 1).T, case.x[:0].T.reshape(4, 0).T):
        assert forward(on_either, case, x, np.empty(x.shape, complex)).shape == x.shape


@pytest.mark.parametrize(
    ("dtype", "sentence"),
    [
        ("float32", r"phi must be float64, got (torch\.)?float32"),
        ("int64", r"phi must be float64, got (torch\.)?int64"),
        ("complex128", r"phi must be float64, got (torch\.)?complex128"),
        ("float16", r"phi must be float64, got (torch\.)?float16"),
    ],
)
def test_no_dtype_is_converted(on_either, case, dtype, sentence):
    with pytest.raises(TypeError, match=sentence) as caught:
        forward(on_either, case, phi=np.zeros(6, dtype))
    assert not isinstance(caught.value, NotInOrderError)
    with pytest.raises(TypeError, match=r"theta must be in single or double precision, got (torch\.)?int64"):
        forward(on_either, case, theta=np.zeros(6, np.int64))


def test_bytes_of_other_machines_are_refused(kernels, case):
    other = case.settings["phi"].astype(case.settings["phi"].dtype.newbyteorder())
    with pytest.raises(TypeError, match=r"phi must be float64, got [<>]f8"):
        forward(kernels, case, phi=other)


@pytest.mark.parametrize("value", [None, [0.0] * 6, 3.0])
def test_what_is_no_array_is_named(kernels, case, value):
    with pytest.raises(TypeError, match=f"theta must be a NumPy array, or a tensor .*, got {type(value).__name__}"):
        forward(kernels, case, theta=value)


def test_tensors_need_memory(kernels, case, torch):
    with pytest.raises(TypeError, match="theta must have memory of its own"):
        forward(kernels, case, theta=torch.zeros(6, dtype=torch.float64, device="meta"))


def test_numbers_that_are_wrong_are_no_matter_of_order(on_either, case):
    """Who takes copies of what does not lie in order must not do so for these."""
    for changes in ({"theta": np.full(6, np.nan)}, {"loss_db": np.full((6, 4), -1.0)}):
        with pytest.raises(ValueError, match="must be finite"):
            forward(on_either, case, **changes)
