"""The comparison with peers: that contenders are checked, processes are held to their time, and figures are paired."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import _cases
import _measure
import _mesh
import numpy as np
import pytest
from _cases import Case
from _contenders import ContenderError
from _process import Process
from _report import report
from _results import Readings, Results, Sitting

from retrolux.mesh import convention, rectangular

BENCH = Path(__file__).parents[2] / "bench"

SMALL, LARGE = Case("mesh", 8, 1), Case("mesh", 8, 64)
# A script in peers/, but with nothing to compute: the name of the "case" says how it behaves.
SCRIPT = """
import os, sys, time
from types import SimpleNamespace
from _worker import serve

def build(path):
    print("libraries talk")
    if path.name == "end":
        sys.exit("no more memory")
    pause = {"slow": 30.0, "long": 0.2}.get(path.name, 1e-4)
    step = None if path.name == "no step" else lambda: time.sleep(pause)
    return SimpleNamespace(forward=lambda: time.sleep(pause), step=step, check=lambda what: {"output": 0.5})

serve(lambda: {"version": "1", "precision": "complex64", "patches": []}, build)
"""


@pytest.fixture
def process(tmp_path):
    """Return a function that starts the script above."""
    (tmp_path / "peer.py").write_text(SCRIPT)
    variables = {**os.environ, "PYTHONPATH": str(BENCH / "versus/peers"), "VERSUS_MEMORY_BYTES": str(2**34)}
    started = []

    def start(name):
        started.append(Process([sys.executable, str(tmp_path / "peer.py")], variables, tmp_path / f"{name}.log"))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def results():
    """Return two sittings of one case, the reference being twice as slow in the second, and a contender left out."""
    first = {"retrolux": Readings([1e-3, 1e-3, 4e-3], [0, 0, 0.5]), "torch": Readings([4e-3, 4e-3, 16e-3], [0, 0, 0])}
    second = {"retrolux": Readings([2e-3, 3e-3], [0.3, 0.3]), "simphox": Readings([20e-3], [0.0])}
    sittings = [
        Sitting(SMALL, "step", first),
        Sitting(SMALL, "step", second),
        Sitting(LARGE, "step", {"torch": Readings(left_out="a call takes more than 20 s")}),
    ]
    about = {name: {"version": "1", "precision": "complex64", "patches": []} for name in ("retrolux", "torch")}
    return Results(2, 1e11, ["a machine."], about, sittings)


def test_figures_are_paired_within_a_sitting(results):
    assert results.median(SMALL, "step", "retrolux") == 2.5e-3  # of the latest sitting
    assert results.ratio(SMALL, "step", "torch", "retrolux") == 4  # of the first, where both were
    assert results.ratio(SMALL, "step", "simphox", "retrolux") == 10  # of the round that both have
    assert results.ratio(LARGE, "step", "torch", "retrolux") is None
    assert results.known(SMALL, "step") == {"retrolux", "torch", "simphox"}
    assert results.known(SMALL, "forward") == set()
    assert results.disturbed(SMALL, "step")


def test_who_was_too_slow_is_spared_what_is_nowhere_smaller(results):
    reason = "a call takes more than 20 s"
    assert results.hopeless(replace(LARGE, modes=16), "step", "torch") == reason
    for case, what, name in ((SMALL, "step", "torch"), (LARGE, "forward", "torch"), (LARGE, "step", "simphox")):
        assert results.hopeless(case, what, name) == ""
    results.forget_left_out()
    assert results.known(LARGE, "step") == set()


def test_results_survive_a_file(results, tmp_path):
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match=r"other\.json must hold results of format 1, got None"):
        Results.load(tmp_path / "other.json")


def test_the_tables_show_times_ratios_limits_and_doubts(results):
    results.contenders["simphox"] = {"skipped": "not installed"}
    results.sittings[0].readings["torch"].differences = {"output": 1e-7, "gradient in x": 0.2}
    text = report(results)
    assert "| ~8 × 1 | 2.5 ms | 4 ms (4×) | 20 ms (10×) |" in text
    assert "| 8 × 64 | – | > 20 s | – |" in text
    assert "| torch | 1 | complex64 | 1e-07 | **2e-01** | – | – |" in text
    assert "* simphox was skipped: not installed." in text
    assert "* torch is left out of step 8 × 64 and what is larger: a call takes more than 20 s." in text


@pytest.mark.slow
def test_contenders_take_turns_and_the_slow_ones_stop_first(process):
    limits = _measure.Limits(seconds=0.4, call=10, setup=10)
    started = {name: process(name) for name in ("fast", "long", "no step")}
    cases = {"fast": "quick", "long": "long", "no step": "no step"}
    for name, each in started.items():
        each.ask = lambda timeout, ask=each.ask, name=name, **request: ask(
            timeout, **{**request, **({"case": cases[name]} if "case" in request else {})}
        )
    sitting = _measure.measure(SMALL, "step", Path("unused"), started, started.get, limits)
    assert len(sitting.readings["long"].seconds) == 3  # the least
    assert len(sitting.readings["fast"].seconds) > 3
    assert 0.2 < min(sitting.readings["long"].seconds) < 0.3
    assert sitting.readings["fast"].differences == {"output": 0.5}
    assert sitting.readings["no step"].left_out == "NotImplementedError: it has no gradients in the phases"


@pytest.mark.parametrize(
    ("request_", "message", "running"),
    [
        ({"do": "first", "what": "forward"}, "no answer within 0.5 s", False),
        ({"do": "build", "case": "end"}, "ended with 1: no more memory", False),
        ({"do": "odd"}, "ValueError: do must be about, build, first, check or read, got 'odd'", True),
    ],
)
def test_a_process_that_fails_says_why(process, request_, message, running):
    contender = process("contender")
    assert contender.ask(10, do="about")["precision"] == "complex64"
    contender.ask(10, do="build", case="slow")
    with pytest.raises(ContenderError, match=message):
        contender.ask(0.5, **request_)
    assert contender.running == running


def test_external_phases_go_behind_the_mzis(rng):
    topology = rectangular(6)
    theta, phi, gamma = (rng.uniform(0, 2 * np.pi, size) for size in (topology.mzis, topology.mzis, 6))
    internal, external, at_input = _mesh.behind(theta, phi, gamma)

    def matrix(before, after, last, first):
        u = np.diag(np.exp(1j * first))
        for mzis, upper in _mesh.columns(6):
            for mzi, a in zip(range(mzis.start, mzis.stop), upper, strict=True):
                t = np.diag([np.exp(1j * after[mzi]), 1]) @ convention.mzi(theta[mzi], before[mzi])
                u[a : a + 2] = t @ u[a : a + 2]
        return np.exp(1j * last)[:, None] * u

    nothing = np.zeros(topology.mzis)
    np.testing.assert_array_equal(internal, theta)
    np.testing.assert_allclose(
        matrix(nothing, external, np.zeros(6), at_input), matrix(phi, nothing, gamma, np.zeros(6)), atol=1e-12
    )


def test_wrong_results_are_noticed(tmp_path):
    _cases.write(tmp_path / "case.npz", Case("mesh", 6, 5))
    case = _mesh.load(tmp_path / "case.npz")
    gradients = case.grad_x, _mesh.in_order(case.grad_theta, case.grad_phi, case.grad_gamma)
    right = _mesh.Mesh(case, lambda: case.x @ case.matrix.T, lambda: gradients, np.asarray, lambda found: found)
    assert right.check("forward")["output"] == 0
    assert max(right.check("step").values()) < 1e-12
    wrong = replace(
        right,
        forward=lambda: case.x @ case.matrix,
        gradients=lambda found: (found[0].conj(), found[1] * [2, *[1] * 35]),
    )
    assert wrong.check("forward")["output"] > 0.1
    assert min(wrong.check("step").values()) > 1e-3
