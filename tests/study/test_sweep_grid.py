"""Sweeps: which runs they are, TOML, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from retrolux.hardware import Imperfections
from retrolux.study import Sweep, TrainConfig
from retrolux.study.sweep_grid import from_toml, to_toml


def test_every_combination_with_every_seed():
    sweep = Sweep(settings={"epochs": 7}, lists={"modes": [16, 32], "tap_noise": [0, 0.1, 1]}, seeds=range(2))
    assert sweep.shape == (2, 3, 2)
    expected = [
        replace(
            TrainConfig(),
            epochs=7,
            modes=modes,
            seed=seed,
            chip_seed=seed if noise else 0,
            imperfections=Imperfections(tap_noise=noise),
        )
        for modes, noise, seed in itertools.product([16, 32], [0.0, 0.1, 1.0], [0, 1])
    ]
    assert list(sweep.configs) == expected


def test_without_lists_it_is_one_run():
    assert Sweep(settings={"seed": 5}).configs == (replace(TrainConfig(), seed=5),)


def test_what_is_not_said_is_recommended_for_each_run():
    """A learning rate for sgd is none for adam."""
    found = Sweep(lists={"optimizer": ["sgd", "adam"], "dataset": ["digits", "moons"]}).configs
    expected = [TrainConfig.recommended(d, o) for o in ("sgd", "adam") for d in ("digits", "moons")]
    assert list(found) == expected
    assert {config.lr for config in Sweep(settings={"lr": 0.5}, lists={"optimizer": ["sgd", "adam"]}).configs} == {0.5}


def test_one_thread_where_that_is_left_to_torch():
    assert TrainConfig.recommended("mnist").threads == 0
    assert Sweep(settings={"dataset": "mnist"}).configs[0].threads == 1
    assert Sweep(settings={"dataset": "mnist", "threads": 3}).configs[0].threads == 3


def test_options_of_chips_are_left_out_without_one():
    sweep = Sweep(settings={"output_phase": "known", "chip_seed": 4}, lists={"tap_noise": [0, 0.1]}, seeds=[0, 3])
    assert [(config.output_phase, config.chip_seed) for config in sweep.configs] == [
        ("measured", 0),
        ("measured", 0),
        ("known", 4),
        ("known", 7),
    ]


def test_a_list_of_chips_is_not_moved_by_the_seed():
    sweep = Sweep(settings={"tap_noise": 0.1}, lists={"chip_seed": [5, 6]}, seeds=[0, 1])
    assert [(config.chip_seed, config.seed) for config in sweep.configs] == [(5, 0), (5, 1), (6, 0), (6, 1)]


def test_none_and_whole_numbers_are_taken_as_the_options_have_them():
    sweep = Sweep(lists={"phase_bits": [4, "none"], "lr": [1, 0.5]})
    assert sweep.lists == {"phase_bits": (4, None), "lr": (1.0, 0.5)}
    assert [type(value) for value in sweep.lists["lr"]] == [float, float]
    assert [config.imperfections.phase_bits for config in sweep.configs] == [4, 4, None, None]


@pytest.mark.parametrize(
    "sweep",
    [
        Sweep(),
        Sweep(settings={"dataset": "moons", "imperfections": {"tap_noise": 0.1, "adc_bits": None}}, seeds=[3, 1]),
        Sweep(lists={"imperfections.loss_db": [0, 1e-7], "optimizer": ["sgd", "adam"], "phase_bits": [None, 3]}),
        Sweep(settings={"data_dir": 'a "null" \\ folder'}),
    ],
)
def test_toml_round_trip(tmp_path, sweep):
    file = tmp_path / "sweep.toml"
    file.write_text(to_toml(sweep), encoding="utf-8")
    assert from_toml(file) == sweep
    assert from_toml(file).configs == sweep.configs


def test_a_file_as_people_write_it(tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        'dataset = "moons"\nseed = 2\n[imperfections]\nloss_db = 0.1\n'
        "[sweep]\nlr = [0.1, 1]\nimperfections.tap_noise = [0.0, 0.1]\n"
    )
    sweep = from_toml(file)
    assert sweep.settings == {"dataset": "moons", "seed": 2, "loss_db": 0.1}
    assert sweep.lists == {"lr": (0.1, 1.0), "tap_noise": (0.0, 0.1)}
    assert sweep.seeds == (2,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"lists": {"tapnoise": [1]}},
            r"there is no option 'tapnoise' \(did you mean 'tap_noise'\?\); there are dat.*",
        ),
        ({"settings": {"rate": 1}}, r"there is no option 'rate'.*; there are dataset, .*, detuning_nm"),
        ({"settings": {"imperfections": 3}}, r"there is no option 'imperfections'.*"),
        ({"lists": {"lr": []}}, r"lr must be a list of at least one value, got \[\]"),
        ({"lists": {"lr": 0.1}}, r"lr must be a list of at least one value, got 0.1"),
        ({"lists": {"optimizer": "sgd"}}, r"optimizer must be a list of at least one value, got 'sgd'"),
        ({"lists": {"lr": [1, 0.1, 1.0]}}, r"lr must hold each value once, got 1.0 twice"),
        ({"seeds": [1, 1]}, r"seed must hold each value once, got 1 twice"),
        ({"settings": {"lr": [0.1, 1]}}, r"lr must be one value in the settings, got \[0.1, 1\]; lists belong to .*"),
        ({"lists": {"epochs": [1, 2]}}, r"epochs cannot take several values: the metrics of every epoch are kept"),
        ({"lists": {"threads": [1, 2]}}, r"threads cannot take several values: it does not change what is computed"),
        ({"lists": {"seed": [1, 2]}}, r"seed cannot take several values: repeats have seeds of their own"),
        (
            {"lists": {"modes": [16, 4], "lr": [0.1]}},
            r"modes must be at least 10 for digits, a port per class, got 4 \(at modes = 4, lr = 0.1\)",
        ),
        ({"lists": {"tap_noise": [-1]}}, r"tap_noise must be a finite number of at least 0, got -1.0 \(at tap_.*\)"),
        ({"lists": {"lr": ["fast"]}}, r"lr must be a finite number above 0, got 'fast' \(at lr = 'fast'\)"),
        ({"lists": {"lr": [[0.1]]}}, r"lr must hold texts or numbers, got \[0.1\]"),
        ({"lists": {"lr": [i / 1000 for i in range(1, 1001)], "gain": range(1, 1001)}}, r"a sweep .* got 1000000"),
        ({"lists": {"tap_noise": [i / 1e6 for i in range(100_001)]}}, r"a sweep must have at most 100000 runs, got .*"),
        ({"settings": {"seed": "x"}}, r"seed must be an integer of at least 0, got 'x'"),
    ],
)
def test_bad_sweeps_are_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Sweep(**arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep = 3", r": sweep must be a table of names and lists, got 3"),
        ("[sweep]\nlr = 0.1", r": lr must be a list of at least one value, got 0.1"),
        ("[sweep]\nseed = 3", r": seed must be a list of at least one value, got 3"),
        ("lr = ", r" is not a TOML file: .*"),
        ("lr = " + "[" * 3000, r" is not a TOML file: brackets must be nested at most 32 deep, got more"),
        ("[sweep]\nlr = 1" + ".a" * 50_000, r" is not a TOML file: a key must have at most 32 parts .*, got 50001"),
        ("seed = " + "1" * 5000, r" is not a TOML file: a number must have at most 64 digits, got 5000"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"bad.toml{message}$") as caught:
        from_toml(file)
    assert "\n" not in str(caught.value)
