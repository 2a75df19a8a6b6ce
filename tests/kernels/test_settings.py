"""The table of settings in csrc/types.h is that of retrolux.mesh.settings: names, order, shapes, what is optional."""

from __future__ import annotations

import re

import numpy as np
import pytest

from retrolux import mesh
from retrolux.mesh.settings import FIELDS, OPTIONAL, Settings, setting_shapes

TOPOLOGY = mesh.rectangular(7)


def shape_text(shape):
    return re.escape(str(tuple(shape)))


def settings(stack=(), **changes):
    zeros = {name: np.zeros(shape) for name, shape in setting_shapes(TOPOLOGY, stack).items()}
    return Settings(**zeros | changes)


def matrices(kernels, record, stack=()):
    transposed = np.empty((*stack, 7, 7), complex)
    kernels.matrices(TOPOLOGY.layout, record, transposed, 1)
    return transposed


def test_the_table_is_of_the_record():
    assert tuple(FIELDS) == Settings._fields
    assert Settings._field_defaults.keys() == {name for name, field in FIELDS.items() if field.optional}
    assert tuple(field.optional for field in FIELDS.values()) == OPTIONAL


@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("name", FIELDS)
def test_shapes(kernels, name, stack):
    right = settings(stack)
    matrices(kernels, right, stack)
    shape = getattr(right, name).shape
    wrong = (*shape[:-1], shape[-1] + 1)
    with pytest.raises(ValueError, match=f"{name} must have shape {shape_text(shape)}, got {shape_text(wrong)}"):
        matrices(kernels, settings(stack, **{name: np.zeros(wrong)}), stack)


@pytest.mark.parametrize("name", FIELDS)
def test_what_may_be_left_out(kernels, name):
    if FIELDS[name].optional:
        np.testing.assert_array_equal(matrices(kernels, settings(**{name: None})), matrices(kernels, settings()))
    else:
        with pytest.raises(TypeError, match=f"{name} must be a NumPy array, or a tensor .*, got NoneType"):
            matrices(kernels, settings(**{name: None}))


@pytest.mark.parametrize("name", FIELDS)
def test_each_gradient_has_the_name_and_the_shape_of_its_setting(on_either, name):
    right, u = settings(), np.zeros((7, 7), complex)
    room = Settings(*map(np.empty_like, right))
    on_either.matrices_adjoint(TOPOLOGY.layout, right, u, u, room, 1)
    assert all(not gradient.any() for gradient in room)
    shape = getattr(right, name).shape
    wrong = room._replace(**{name: np.zeros((*shape, 1))})
    with pytest.raises(ValueError, match=f"grad_{name} must have shape {shape_text(shape)}"):
        on_either.matrices_adjoint(TOPOLOGY.layout, right, u, u, wrong, 1)


def test_settings_are_as_many_as_the_table_has(kernels):
    for wrong in (settings()[:-1], (*settings(), None)):
        with pytest.raises(ValueError, match=f"settings and gradients must be {len(FIELDS)}, got {len(wrong)}"):
            matrices(kernels, wrong)
