"""Drawings of meshes: powers against the oracle, colours that are the phases, what is labelled, what is refused."""

from __future__ import annotations

import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.image import imread

from retrolux import mesh
from retrolux.mesh import reference
from retrolux.plot import column_powers, draw_mesh, draw_meshes

SMALL = [named.at_least(4) for named in mesh.TOPOLOGIES.values()]
TOPOLOGIES = [*SMALL, mesh.rectangular(9), mesh.butterfly(16), mesh.triangular(64)]


@pytest.fixture(params=TOPOLOGIES, ids=repr)
def drawn(request, rng):
    topology = request.param
    theta, phi, _ = mesh.haar_phases(topology, rng)
    field = rng.normal(size=topology.modes) + 1j * rng.normal(size=topology.modes)
    return topology, theta, phi, column_powers(topology, field, theta, phi)


def collections(axes, kind):
    return [artist for artist in axes.collections if isinstance(artist, kind)]


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    file.seek(0)
    return imread(file)


@pytest.mark.parametrize("topology", SMALL, ids=repr)
def test_column_powers_equal_the_oracle(rng, topology):
    theta, phi, _ = mesh.haar_phases(topology, rng)
    field = rng.normal(size=topology.modes) + 1j * rng.normal(size=topology.modes)
    powers = column_powers(topology, field, theta, phi)
    assert powers.shape == (topology.depth + 1, topology.modes)
    for column in range(topology.depth + 1):
        part = mesh.from_columns(topology.modes, topology.columns[:column])
        crossed = reference.propagate(part, field, theta[: part.mzis], phi[: part.mzis], np.zeros(topology.modes))
        np.testing.assert_allclose(powers[column], np.abs(crossed) ** 2, rtol=1e-10)


def test_column_powers_leaves_the_field_alone(rng):
    topology = mesh.triangular(4)
    field = np.ones(4, dtype=np.complex128)
    column_powers(topology, field, *mesh.haar_phases(topology, rng)[:2])
    np.testing.assert_array_equal(field, 1)


@pytest.mark.slow
def test_every_phase_is_a_block_of_its_colour(drawn):
    topology, theta, phi, _ = drawn
    axes = draw_mesh(topology, theta, phi).axes[0]
    blocks = collections(axes, PolyCollection)
    assert [len(block.get_paths()) for block in blocks] == [topology.mzis, topology.mzis]
    for block, phases in zip(blocks, (phi, theta), strict=True):
        expected = mpl.colormaps["twilight"](np.mod(phases, 2 * np.pi) / (2 * np.pi))
        np.testing.assert_allclose(block.get_facecolors(), expected)


@pytest.mark.slow
def test_colours_repeat_after_two_pi(drawn):
    topology, theta, phi, _ = drawn
    one, other = (
        collections(draw_mesh(topology, theta + turn, phi - turn).axes[0], PolyCollection) for turn in (0.0, 2 * np.pi)
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.get_facecolors(), b.get_facecolors(), atol=0.02)


def test_light_widens_and_colours_the_waveguides(drawn):
    topology, theta, phi, powers = drawn
    figure = draw_mesh(topology, theta, phi, powers)
    light = collections(figure.axes[0], LineCollection)[0]
    assert len(light.get_paths()) == len(light.get_linewidths()) == len(light.get_colors())
    widths = np.array(light.get_linewidths())
    assert (np.diff(widths) >= 0).all()  # bright on top of dim
    assert widths.max() > widths.min()
    assert [axes.get_ylabel() for axes in figure.axes][-1] == "power (dB of the input)"


def test_light_in_one_mode_is_as_wide_as_light_gets():
    topology = mesh.triangular(4)
    powers = column_powers(topology, [1, 0, 0, 0], np.full(6, np.pi), np.zeros(6))  # all bar: it stays in mode 0
    light = collections(draw_mesh(topology, np.full(6, np.pi), np.zeros(6), powers).axes[0], LineCollection)[0]
    bright = [path for path, width in zip(light.get_paths(), light.get_linewidths(), strict=True) if width > 1]
    assert bright
    assert all(round(path.vertices[0, 1]) == 0 for path in bright)


def test_no_light_at_all_can_be_drawn(rng):
    topology = mesh.triangular(4)
    theta, phi, _ = mesh.haar_phases(topology, rng)
    image = png(draw_mesh(topology, theta, phi, column_powers(topology, np.zeros(4), theta, phi)))
    assert np.isfinite(image).all()


def test_labels_say_what_is_shown(drawn):
    topology, theta, phi, _ = drawn
    figure = draw_mesh(topology, theta, phi, title="mesh 1")
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title("left")) == ("column", "mode", "mesh 1")
    assert "φ" in bar.get_ylabel()
    assert "θ" in bar.get_ylabel()
    assert "rad" in bar.get_ylabel()
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["0", "π/2", "π", "3π/2", "2π"]
    letters = sorted(text.get_text() for text in axes.texts)
    assert letters == (["θ"] * topology.mzis + ["φ"] * topology.mzis if topology.modes <= 10 else [])


@pytest.mark.slow
def test_the_picture_has_ink_and_mode_0_on_top(drawn):
    topology, theta, phi, powers = drawn
    figure = draw_mesh(topology, theta, phi, powers)
    image = png(figure)
    assert image[..., :3].min() < 0.3
    bottom, top = figure.axes[0].get_ylim()
    assert top < 0 < topology.modes - 1 < bottom


def test_meshes_below_each_other(rng):
    meshes = [(topology, *mesh.haar_phases(topology, rng)[:2]) for topology in SMALL[:2]]
    figure = draw_meshes(meshes, titles=["first", "second"])
    assert [axes.get_title("left") for axes in figure.axes[:2]] == ["first", "second"]
    assert len(figure.axes) == 3
    top, below = (axes.get_position().y0 for axes in figure.axes[:2])
    assert top > below


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(5)}, r"theta must have shape \(mzis,\) = \(6,\), got \(5,\)"),
        ({"phi": np.zeros((6, 1))}, r"phi must have shape \(mzis,\) = \(6,\), got \(6, 1\)"),
        ({"powers": np.zeros((5, 4))}, r"powers must have shape \(columns \+ 1, modes\) = \(6, 4\), got \(5, 4\)"),
    ],
)
def test_wrong_shapes_are_named(change, message):
    arguments = {"theta": np.zeros(6), "phi": np.zeros(6), **change}
    with pytest.raises(ValueError, match=message):
        draw_mesh(mesh.triangular(4), **arguments)


def test_wrong_field_is_named():
    with pytest.raises(ValueError, match=r"field must have shape \(modes,\) = \(4,\), got \(3,\)"):
        column_powers(mesh.triangular(4), np.ones(3), np.zeros(6), np.zeros(6))


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="meshes must hold at least one mesh, got none"):
        draw_meshes([])
    one = (mesh.triangular(4), np.zeros(6), np.zeros(6))
    with pytest.raises(ValueError, match="powers must hold one array per mesh = 1, got 2"):
        draw_meshes([one], [np.zeros((6, 4))] * 2)


@pytest.mark.slow
def test_pyplot_is_left_alone():
    code = "import sys, retrolux.plot; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_one_sentence_says_what_to_install():
    code = "import sys; sys.modules['matplotlib'] = None; import retrolux.plot"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1] == (
        'ModuleNotFoundError: figures need matplotlib, which is not installed: pip install "retrolux[study]"'
    )
