"""What a topology holds, when two are equal, and what `from_columns` refuses."""

from __future__ import annotations

import base64
import copy
import pickle
import subprocess
import sys
import zlib
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.mesh import Topology, butterfly, cascade, diamond, from_columns, rectangular, tree, triangular


@st.composite
def meshes(draw):
    """Return modes and columns of random disjoint pairs of any two modes; columns may be empty."""
    modes = draw(st.integers(2, 9))
    columns = []
    for _ in range(draw(st.integers(0, 6))):
        order = draw(st.permutations(range(modes)))
        pairs = draw(st.integers(0, modes // 2))
        columns.append([(order[2 * i], order[2 * i + 1]) for i in range(pairs)])
    return modes, columns


@given(meshes())
def test_from_columns_keeps_every_pair_in_its_place(mesh):
    modes, columns = mesh
    topology = from_columns(modes, columns)
    assert [[tuple(pair) for pair in column.tolist()] for column in topology.columns] == columns
    assert topology.modes == modes
    assert topology.depth == len(columns)
    assert topology.mzis == sum(map(len, columns))
    assert from_columns(modes, topology.columns) == topology
    assert from_columns(modes + 1, columns) != topology


def test_arrays_are_int32_and_read_only():
    topology = from_columns(np.int64(4), (np.array([[3, 0]], dtype=np.uint8) for _ in range(2)), "mine")
    assert (topology.pairs.dtype, topology.pairs.shape) == (np.int32, (2, 2))
    assert (topology.starts.dtype, topology.starts.tolist()) == (np.int32, [0, 1, 2])
    assert type(topology.modes) is int
    for array in (topology.pairs, topology.starts, topology.columns[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_callers_array_stays_writable_and_apart():
    column = np.array([[0, 1]], dtype=np.int32)
    topology = from_columns(2, [column])
    column[0] = [1, 0]
    assert topology.pairs.tolist() == [[0, 1]]


def test_a_topology_never_changes():
    with pytest.raises(FrozenInstanceError):
        rectangular(4).modes = 5


def test_empty_meshes():
    nothing = from_columns(3, [])
    assert (nothing.mzis, nothing.depth, nothing.pairs.shape, nothing.columns) == (0, 0, (0, 2), ())
    straight = from_columns(3, [[], [(0, 2)], []])
    assert (straight.mzis, straight.depth, straight.starts.tolist()) == (1, 3, [0, 0, 1, 1])
    assert straight != from_columns(3, [[(0, 2)]])


@pytest.mark.parametrize(
    ("mesh", "mzis"),
    [
        (rectangular(6), 6),
        (triangular(6), 9),
        (butterfly(8), 3),
        (tree(8), 3),
        (cascade(5), 4),
        (diamond(4), 5),
        (from_columns(4, [[(0, 1)], [(2, 3)], [], [(3, 0)]]), 2),
        (from_columns(3, [[], []]), 0),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_the_longest_path(mesh, mzis):
    assert mesh.longest_path == mzis


def test_equality_is_layout_and_not_name():
    mesh = from_columns(4, rectangular(4).columns, "mine")
    assert mesh == rectangular(4)
    assert hash(mesh) == hash(rectangular(4))
    assert len({mesh, rectangular(4), triangular(4)}) == 2
    assert mesh.name == "mine"
    assert mesh != "mine"


@pytest.mark.parametrize(
    "other",
    [
        from_columns(5, [[(0, 1), (2, 3)], [(1, 2)]]),
        from_columns(4, [[(2, 3), (0, 1)], [(1, 2)]]),
        from_columns(4, [[(1, 0), (2, 3)], [(1, 2)]]),
        from_columns(4, [[(0, 1)], [(2, 3)], [(1, 2)]]),
        from_columns(4, [[(0, 1), (2, 3)], [(1, 2)], []]),
        from_columns(4, [[(0, 1), (2, 3)]]),
    ],
    ids=["modes", "order in column", "upper and lower", "columns", "empty column", "fewer"],
)
def test_another_layout_is_not_equal(other):
    mesh = from_columns(4, [[(0, 1), (2, 3)], [(1, 2)]])
    assert mesh != other
    assert mesh.key != other.key


def test_pickle_keeps_all():
    mesh = from_columns(5, [[(4, 0)], [], [(1, 3), (0, 2)]], "mine")
    again = pickle.loads(pickle.dumps(mesh))
    assert again is not mesh
    assert again == mesh
    assert (again.name, again.modes, hash(again)) == ("mine", 5, hash(mesh))
    np.testing.assert_array_equal(again.pairs, mesh.pairs)
    np.testing.assert_array_equal(again.starts, mesh.starts)
    assert not again.pairs.flags.writeable
    assert not again.starts.flags.writeable


def test_copies_are_the_topology_itself():
    mesh = rectangular(4)
    assert copy.copy(mesh) is mesh
    assert copy.deepcopy([mesh])[0] is mesh


def test_repr_tells_size():
    assert repr(rectangular(4)) == "Topology(rectangular: 4 modes, 6 MZIs in 4 columns)"


@pytest.mark.parametrize(
    "mesh",
    [
        rectangular(2),
        triangular(7),
        butterfly(16),
        rectangular(64),
        from_columns(7, [[], [(6, 0), (1, 5)], [], [(3, 2)], []], name="mine: 1/2 \N{GREEK SMALL LETTER THETA}"),
        from_columns(3, []),
        from_columns(3, [[]]),
    ],
    ids=str,
)
def test_a_code_holds_the_whole_layout(mesh):
    again = Topology.from_code(mesh.code)
    assert (again, again.name) == (mesh, mesh.name)
    np.testing.assert_array_equal(again.pairs, mesh.pairs)
    np.testing.assert_array_equal(again.starts, mesh.starts)
    assert Topology.from_code(mesh.code) is again  # a saved program asks in every pass


def test_a_code_is_short():
    assert len(rectangular(64).code) < 300
    assert len(triangular(64).code) < 800


def _of(modes, mzis, depth, numbers, name="x"):
    packed = base64.b64encode(zlib.compress(np.diff(np.int32(numbers), prepend=np.int32(0)).tobytes())).decode()
    return f"{modes}:{mzis}:{depth}:{packed}:{name}"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "4:6",
        "4:six:4:abc:name",
        "4:1:1:not base64!:name",
        "4:1:1:" + base64.b64encode(b"not zlib").decode() + ":name",
        _of(4, 1, 1, [0, 1, 0, 1]).replace("4:1", "4:2"),  # another number of MZIs than there are
        _of(4, -1, 3, [0, 1]),
        _of(4, 2, 3, [0, 2, 1, 2, 0, 1, 2, 3]),  # columns that overlap
        _of(4, 2, 1, [0, 1, 0, 1, 2, 3]),
        _of(4, 1, 1, [0, 1, 0, 4]),  # no such mode
        _of(4, 1, 1, [0, 1, 2, 2]),
        _of(1, 0, 0, [0]),
        _of(4, 10**12, 1, np.zeros(1000)),
        _of(4, 10**20, 1, [0, 1, 0, 1]),  # more than C counts
    ],
)
def test_what_is_no_code_is_refused(code):
    with pytest.raises(ValueError, match="not the code of a topology"):
        Topology.from_code(code)
    assert Topology.from_code(_of(4, 1, 1, [0, 1, 3, 0])) == from_columns(4, [[(3, 0)]])


def test_another_process_has_the_same_key_and_no_torch():
    code = "import sys, retrolux.mesh as m; print(m.triangular(5).key, 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [triangular(5).key, "False"]


@pytest.mark.parametrize(
    ("modes", "columns", "message"),
    [
        (1, [], r"modes must be at least 2, got 1$"),
        (-3, [], r"modes must be at least 2, got -3$"),
        (4, [[], [(0, 4)]], r"column 1 must use modes 0 to 3, got mode 4$"),
        (4, [[(-1, 2)]], r"column 0 must use modes 0 to 3, got mode -1$"),
        (4, [[(0, 1), (1, 2)]], r"column 0 must use a mode at most once, got mode 1 twice$"),
        (4, [[(3, 3)]], r"column 0 must use a mode at most once, got mode 3 twice$"),
        (4, [[(0, 2**40)]], r"column 0 must use modes 0 to 3, got mode 1099511627776$"),
        (4, [[0, 1]], r"column 0 must be a list of \(upper, lower\) pairs of integers, got \[0, 1\]$"),
        (4, [[(0, 1, 2)]], r"column 0 must be a list .* pairs of integers, got \[\(0, 1, 2\)\]$"),
        (4, [[(0, 1), (2,)]], r"column 0 must be a list .* pairs of integers, got \[\(0, 1\), \(2,\)\]$"),
        (4, [[(0.0, 1.0)]], r"column 0 must be a list .* pairs of integers, got \[\(0\.0, 1\.0\)\]$"),
        (4, [[(True, False)]], r"column 0 must be a list .* pairs of integers, got \[\(True, False\)\]$"),
    ],
)
def test_from_columns_says_what_is_wrong(modes, columns, message):
    with pytest.raises(ValueError, match=message):
        from_columns(modes, columns)


def test_modes_must_be_an_integer():
    with pytest.raises(TypeError, match="integer"):
        from_columns(2.5, [])
