"""What a search looks through: TOML, and what is refused."""

from __future__ import annotations

import math

import pytest

from retrolux.study.search_space import Range, Search, from_toml, to_toml

LR = Range(1e-3, 0.1, log=True)


@pytest.mark.parametrize(
    "search",
    [
        Search(space={"lr": LR}),
        Search(settings={"seed": 4, "adc_bits": None}, space={"phase_bits": ["none", 4]}, objective="last"),
        Search(settings={"dataset": "moons"}, space={"meshes": Range(2, 4), "optimizer": ["sgd", "adam"], "gain": LR}),
    ],
)
def test_toml_round_trip(tmp_path, search):
    file = tmp_path / "search.toml"
    file.write_text(to_toml(search), encoding="utf-8")
    assert from_toml(file) == search


def test_a_file_as_people_write_it(tmp_path):
    file = tmp_path / "search.toml"
    file.write_text(
        'dataset = "moons"\n[search]\nobjective = "last"\nmeshes = {low = 2, high = 4}\n'
        "imperfections.tap_noise = [0, 0.1]\n[search.lr]\nlow = 0.001\nhigh = 0.1\nlog = true\n"
    )
    assert from_toml(file) == Search(
        settings={"dataset": "moons"},
        space={"meshes": Range(2, 4), "tap_noise": [0.0, 0.1], "lr": LR},
        objective="last",
    )


def test_a_choice_becomes_a_configuration():
    search = Search(
        settings={"dataset": "moons", "chip_seed": 3}, space={"tap_noise": Range(0.0, 0.1), "meshes": [1, 2]}
    )
    config = search.config({"tap_noise": 0.05, "meshes": 2})
    assert (config.dataset, config.modes, config.meshes) == ("moons", 4, 2)
    assert (config.imperfections.tap_noise, config.chip_seed) == (0.05, 3)


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (1, 1, False),
        (2, 1, False),
        (0, 1, True),
        (-1, 1, True),
        ("a", 1, False),
        (0, True, False),
        (0, math.inf, False),
        (0, 10**400, False),
    ],
)
def test_bad_ranges(low, high, log):
    message = (
        rf"^a range must have numbers low < high, both finite, .*, got low = {low!r}, high = {high!r}, log = {log}$"
    )
    with pytest.raises(ValueError, match=message):
        Range(low, high, log=log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"a search needs an option to choose at least, got none"),
        ({"space": {"lr": LR}, "objective": "first"}, r"objective must be one of best, last, got 'first'"),
        ({"space": {"rate": LR}}, r"there is no option 'rate'.*"),
        ({"space": {"epochs": Range(1, 5)}}, r"epochs cannot take several values: the metrics of every epoch are kept"),
        ({"space": {"optimizer": LR}}, r"optimizer is no number: give it a list of values, got Range\(low=0.001, .*\)"),
        ({"space": {"meshes": Range(1, 2.5)}}, r"meshes is a whole number: give it a range of such, got Range\(.*\)"),
        ({"space": {"phase_bits": Range(1.0, 3.0)}}, r"phase_bits is a whole number: give it a range of such, got .*"),
        ({"space": {"lr": []}}, r"lr must be a list of at least one value, got \[\]"),
        ({"space": {"modes": Range(4, 64)}}, r"modes must be at least 10 for digits, a port per class, got 4"),
        ({"space": {"crosstalk": Range(0.0, 2.0)}}, r"crosstalk must be below 1, got 2.0"),
        ({"space": {"lr": LR}, "settings": {"batch": 0}}, r"batch must be an integer of at least 1, got 0"),
    ],
)
def test_bad_searches_are_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Search(**arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("search = 3", r"search must be a table of names and ranges or lists, got 3"),
        ("[search]\nlr = {low = 1}", r"lr must have low, high and, if wanted, log, got {'low': 1}"),
        ("[search]\nlr = {low = 1, high = 2, step = 1}", r"lr must have low, high and, if wanted, log, got {.*}"),
        ("lr = 0.1", r"a search needs an option to choose at least, got none"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"bad.toml: {message}$"):
        from_toml(file)
