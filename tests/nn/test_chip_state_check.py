"""The saved state of a chip: what is missing or bad is named, and nothing of it reaches the chip."""

from __future__ import annotations

import dataclasses
import io
import math

import numpy as np
import pytest
import torch

from retrolux import hardware, mesh, nn
from retrolux.nn.chip_state_check import checked_chip_state

TOPOLOGY = mesh.rectangular(3)


def layer(seed=0):
    imperfections = hardware.Imperfections(coupler_std=0.1, tap_noise=0.1)
    return nn.Mesh(TOPOLOGY, seed=0, imperfections=imperfections, chip_seed=seed)


@pytest.fixture
def state():
    saved = layer(seed=5)
    saved(torch.ones(2, 3, dtype=torch.complex64)).abs().sum().backward()
    return checked_chip_state(saved.state_dict()["_chip._extra_state"], TOPOLOGY)


def test_what_is_whole_is_given_back(state):
    assert checked_chip_state(state, TOPOLOGY) == state
    assert checked_chip_state({"shots": 3, "more": 1}, None) == {"shots": 3}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(hardware.Fabrication)])
def test_a_chip_from_before_an_array_is_ideal_in_it(state, name):
    old = {**state, "fabrication": {k: v for k, v in state["fabrication"].items() if k != name}}
    loaded = layer()
    loaded.load_state_dict({**loaded.state_dict(), "_chip._extra_state": old})
    made = loaded.experiment.chip.fabrication
    for array, value in vars(made).items():
        np.testing.assert_array_equal(value, 0 if array == name else state["fabrication"][array])
    loaded(torch.ones(2, 3, dtype=torch.complex64))


def test_a_chip_from_before_its_history_is_a_new_one(state):
    new = layer().experiment.chip.state()
    assert checked_chip_state({**state, "history": {}}, TOPOLOGY)["history"].keys() == new.keys()
    for name in ("clock", "writes", "drift", "programmed"):
        old = {**state, "history": {k: v for k, v in state["history"].items() if k != name}}
        np.testing.assert_array_equal(checked_chip_state(old, TOPOLOGY)["history"][name], new[name])


@pytest.mark.parametrize("place", ["", "fabrication", "history"])
def test_what_a_newer_version_knows_is_refused(state, place):
    newer = {**state, "more": 1} if not place else {**state, place: {**state[place], "more": 1}}
    message = (
        rf"^{place or 'the state of a chip'} has an unknown 'more': a newer version of retrolux may have saved it$"
    )
    with pytest.raises(ValueError, match=message):
        checked_chip_state(newer, TOPOLOGY)


def test_bytes_of_a_file_are_a_state(state):
    file = io.BytesIO()
    torch.save(state, file)
    read = checked_chip_state(torch.from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy()), TOPOLOGY)
    assert read["seed"] == 5
    assert torch.equal(read["fabrication"]["coupler_error"], state["fabrication"]["coupler_error"])
    with pytest.raises(ValueError, match=r"^the state of a chip must be bytes, got torch.float32 of shape \(2,\)$"):
        checked_chip_state(torch.zeros(2), TOPOLOGY)


DEEP = ()
for _ in range(60):
    DEEP = (DEEP, DEEP)

WRONG = [
    ((), 3, "the state of a chip must be a table, got a int"),
    ((), {}, "the state of a chip must have shots, imperfections, seed, .*, got no shots"),
    (("shots",), -1, "shots must be a whole number from 0 to 9223372036854775807, got -1"),
    (("shots",), True, "shots must be a whole number .*, got True"),
    (("seed",), 2**64, "seed must be a whole number from 0 to 18446744073709551615, got 18446744073709551616"),
    (("seed",), DEEP, "seed must be a whole number .*, got a tuple"),
    (("imperfections",), None, "imperfections must be JSON, got a NoneType"),
    (("fabrication",), [], "fabrication must be a table, got a list"),
    (
        ("fabrication", "loss_db"),
        torch.zeros(3, 2),
        r"fabrication.loss_db must be torch.float64 of shape \(3, 4\), got .*",
    ),
    (
        ("fabrication", "gamma_offset"),
        torch.zeros(4, dtype=torch.float64),
        r"fabrication.gamma_offset must be .*\(3,\).*",
    ),
    (
        ("fabrication", "theta_offset"),
        torch.full((3,), math.inf).double(),
        "fabrication.theta_offset must be finite, .*",
    ),
    (("history", "clock"), math.nan, "history.clock must be a finite number of at least 0, got nan"),
    (("history", "ticked"), DEEP, "history.ticked must be a finite number of at least 0, got a tuple"),
    (("history", "writes"), 1.0, "history.writes must be a whole number .*, got 1.0"),
    (("history", "drift"), None, r"history.drift must be torch.float64 of shape \(9,\), got NoneType"),
    (("history", "programmed"), "x", r"history.programmed must be torch.float64 of shape \(9,\), got str"),
    (("written",), [1], "written must be None or a list of theta, phi and gamma"),
    (("written", 2), torch.zeros(4), r"written gamma must be torch.float32 of shape \(3,\), got .*"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named(state, place, value, message):
    """Also where the shapes fit each other, but not the mesh: the kernels would read behind the end of the array."""
    changed = {**state, "fabrication": {**state["fabrication"]}, "history": {**state["history"]}}
    changed["written"] = list(state["written"])
    at = changed
    for key in place[:-1]:
        at = at[key]
    if place:
        at[place[-1]] = value
    with pytest.raises(ValueError, match=rf"^{message}$"):
        checked_chip_state(changed if place else value, TOPOLOGY)


def test_a_layer_takes_what_is_whole_and_nothing_else(state):
    whole = layer()
    contents = {**whole.state_dict(), "_chip._extra_state": state}
    whole.load_state_dict(contents)
    assert whole.experiment.chip.seed == 5
    refusing = layer()
    with pytest.raises((ValueError, RuntimeError), match=r"history.drift must be torch.float64 of shape \(9,\)"):
        refusing.load_state_dict(
            {**contents, "_chip._extra_state": {**state, "history": {**state["history"], "drift": 0}}}
        )
    assert refusing.experiment.chip.seed == 0
