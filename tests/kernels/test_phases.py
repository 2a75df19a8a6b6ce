"""Phases of any size, on either path, against sixty digits: an ideal mesh pushes them to its outputs, others do not."""

from __future__ import annotations

import dataclasses
import functools

import mpmath
import numpy as np
import pytest

from retrolux import mesh

# Around the ends of the quick reductions, and as far as numbers go.
SIZES = [0.0, 1.0, np.pi, 1e3, 9.9e5, 1.01e6, 1e8, 1e15, 1e38]
TOPOLOGY, LARGE = mesh.rectangular(5), mesh.triangular(40)
PATHS = ["ideal", "zero errors", "zero losses"]


def on_path(case, path):
    """Return a case with errors that say nothing: they choose the path."""
    real, mzis = case.settings["theta"].dtype, case.topology.mzis
    errors = {"ideal": {}, "zero errors": {"coupler_error": np.zeros((mzis, 2), real)}}
    errors["zero losses"] = {"loss_db": np.zeros((mzis, 4), real)}
    return dataclasses.replace(case, settings=case.settings | errors[path])


@functools.cache
def drawn(topology, size, real, draw):
    """Return a case with phases of up to `size`, and one with the same phases within a turn."""
    rng = np.random.default_rng(11)
    case, reduced = (draw(topology, 20, real, np.random.default_rng(3), imperfect=False) for _ in range(2))
    with mpmath.workdps(60 + int(np.log10(size + 1))):
        for name in ("theta", "phi", "gamma"):
            shape = case.settings[name].shape
            phases = size * rng.choice([-1, 1], shape) * rng.choice([1, 0.37, 1e-3], shape) + rng.uniform(-1, 1, shape)
            case.settings[name] = phases.astype(real)
            turn = 2 * mpmath.pi
            exact = [mpmath.mpf(float(phase)) for phase in case.settings[name]]
            reduced.settings[name] = np.array([float(p - turn * mpmath.nint(p / turn)) for p in exact], real)
    return case, reduced


@functools.cache
def output(size, real, draw):
    """Return what the small mesh makes of light, in sixty digits behind the point."""
    case, _ = drawn(TOPOLOGY, size, real, draw)
    with mpmath.workdps(60 + int(np.log10(size + 1))):
        phases = {name: [mpmath.mpf(float(p)) for p in case.settings[name]] for name in ("theta", "phi", "gamma")}
        y = np.empty(case.x.shape, complex)
        for sample, row in enumerate(case.x):
            field = [mpmath.mpc(complex(amplitude)) for amplitude in row]
            for (a, b), theta, phi in zip(TOPOLOGY.pairs, phases["theta"], phases["phi"], strict=True):
                common, upper = mpmath.mpc(0, 1) * mpmath.expj(theta / 2), mpmath.expj(phi) * field[a]
                sine, cosine = mpmath.sin(theta / 2), mpmath.cos(theta / 2)
                field[a], field[b] = (
                    common * (sine * upper + cosine * field[b]),
                    common * (cosine * upper - sine * field[b]),
                )
            y[sample] = [complex(z * mpmath.expj(gamma)) for z, gamma in zip(field, phases["gamma"], strict=True)]
    return y


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", SIZES)
def test_light_is_right(kernels, real, size, path, draw):
    case = on_path(drawn(TOPOLOGY, size, real, draw)[0], path)
    np.testing.assert_allclose(case.forward(kernels), output(size, real, draw), rtol=0, atol=20 * np.finfo(real).eps)


def passes(kernels, case):
    """Return what every pass that knows phases makes of a case."""
    layout, settings, real = case.topology.layout, case.record, case.settings["theta"].dtype
    y = case.forward(kernels)
    results = {"forward": y, "reverse": case.reverse(kernels), **case.adjoint(kernels, y)}
    for name in ("forward_taps", "backward_taps"):
        each, out = np.empty((len(case.x), case.topology.mzis, 2), real), np.empty_like(case.x)
        getattr(kernels, name)(layout, settings, case.x, out, each=each, threads=1)
        results |= {name: each, f"output of {name}": out}
    results["matrices"] = np.empty((case.topology.modes,) * 2, case.x.dtype)
    kernels.matrices(layout, settings, results["matrices"], 1)
    return results


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1e5, 1e8, 1e15])
def test_whole_turns_change_nothing(kernels, real, size, path, draw, tolerance):
    """Light, gradients and taps of a large mesh are those of the same phases within a turn."""
    case, reduced = (on_path(c, path) for c in drawn(LARGE, size, real, draw))
    found, wanted = passes(kernels, case), passes(kernels, reduced)
    for name, expected in wanted.items():
        allowed = 4 * tolerance(real, LARGE.depth) * max(1, np.abs(expected).max())
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=allowed, err_msg=name)
