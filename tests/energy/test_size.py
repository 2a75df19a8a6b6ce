"""Sizes of meshes: the closed forms are those of the meshes that are built."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux import mesh
from retrolux.energy import MeshSize
from retrolux.energy.size import mesh_size


@pytest.mark.parametrize("name", ["rectangular", "triangular"])
def test_closed_forms_are_those_of_real_meshes(name):
    sizes = getattr(MeshSize, name)(np.arange(2, 20))
    for i, modes in enumerate(range(2, 20)):
        built = MeshSize.of(getattr(mesh, name)(modes))
        for quantity in ("modes", "mzis", "columns", "path", "phases"):
            assert getattr(sizes, quantity)[i] == getattr(built, quantity), (modes, quantity)
    np.testing.assert_array_equal(sizes.phases, np.arange(2, 20) ** 2)


def test_a_mesh_that_is_not_universal():
    size = MeshSize.of(mesh.butterfly(16))
    assert (size.modes, size.mzis, size.columns, size.path, size.phases) == (16, 32, 4, 4, 80)


def test_numbers_mean_rectangular_meshes():
    assert mesh_size(8).columns == 8
    assert mesh_size(MeshSize.triangular(8)).columns == 13


@pytest.mark.parametrize(("modes", "shown"), [(1, "1"), ([4, 2.5], "2.5"), (float("nan"), "nan"), (np.inf, "inf")])
def test_what_is_no_size_is_refused(modes, shown):
    with pytest.raises(ValueError, match=rf"^modes must be integers of at least 2, got {shown}$"):
        MeshSize.rectangular(modes)


@pytest.mark.parametrize("modes", [2**31, 2**63, 2**64, 10**400, [8, 1e300]])
def test_sizes_are_counted_in_64_bits(modes):
    with pytest.raises(ValueError, match=r"^modes must be at most 2147483647, got "):
        MeshSize.rectangular(modes)


@pytest.mark.parametrize("modes", ["8", 8j, None])
def test_what_is_no_number_is_refused(modes):
    with pytest.raises(ValueError, match=r"^modes must be integers of at least 2, got "):
        mesh_size(modes)
