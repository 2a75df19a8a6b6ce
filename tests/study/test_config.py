"""Configuration: what is refused and how it is said, TOML, and what a resumed run may change."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import FrozenInstanceError, asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.data import DATASETS
from retrolux.gradient import METHODS
from retrolux.hardware import Imperfections
from retrolux.option import options_of
from retrolux.study.config import CHOICES, TrainConfig, check_resumable, from_dict, from_saved, from_toml, to_toml


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        *(
            (field, value, re.escape(f"{field} must be one of {', '.join(names)}, got {value!r}"))
            for field, names in CHOICES.items()
            for value in ("guess", "", [names[0]])
        ),
        ("dataset", "cifar10", "dataset must be one of digits, .*, got 'cifar10'"),  # of images
        ("topology", "tree", "topology must be one of triangular, .*, got 'tree': it spreads the light .*"),
        ("modes", 1, "modes must be an integer of at least 2, got 1"),
        ("modes", 64.0, "modes must be an integer of at least 2, got 64.0"),
        ("modes", 9, "modes must be at least 10 for digits, a port per class, got 9"),
        ("meshes", 0, "meshes must be an integer of at least 1, got 0"),
        ("batch", 0, "batch must be an integer of at least 1, got 0"),
        ("batch", True, "batch must be an integer of at least 1, got True"),
        ("epochs", -3, "epochs must be an integer of at least 1, got -3"),
        ("seed", -1, "seed must be an integer of at least 0, got -1"),
        ("seed", 2**63, "seed must be at most 9223372036854775807, got 9223372036854775808"),
        ("threads", -1, "threads must be an integer of at least 0, got -1"),
        ("threads", 100_000, "threads must be at most 1024, got 100000"),
        ("lr", 0.0, "lr must be a finite number above 0, got 0.0"),
        ("lr", math.nan, "lr must be a finite number above 0, got nan"),
        ("lr", "fast", "lr must be a finite number above 0, got 'fast'"),
        ("gain", math.inf, "gain must be a finite number above 0, got inf"),
        ("gain", True, "gain must be a finite number above 0, got True"),
        ("modes", 10**6, "modes must be at most 65536, got 1000000"),
        ("meshes", 2**31, "meshes must be at most 2147483647, got 2147483648"),
        ("batch", 2**63, "batch must be at most 2147483647, got 9223372036854775808"),
        ("epochs", 10**30, "epochs must be at most 2147483647, got 10{30}"),
        ("lr", 1e300, r"lr must be at most 3\.4e\+37, got 1e\+300"),
        ("lr", 10**400, "lr must be a finite number above 0, got 10{400}"),
        ("lr_half_life", 10**400, "lr_half_life must be a finite number of at least 0, got 10{400}"),
        ("gain", 1e39, r"gain must be at most 3\.4e\+38, got 1e\+39"),
        ("data_dir", 3, "data_dir must be a string, got 3"),
        ("lr_half_life", -1.0, "lr_half_life must be a finite number of at least 0, got -1.0"),
        ("lr_half_life", False, "lr_half_life must be a finite number of at least 0, got False"),
        ("output_phase", "known", "output_phase needs a chip: an imperfection or a gradient .* auto, got 'known'"),
        ("chip_seed", 3, "chip_seed needs a chip: an imperfection or a gradient other than auto, got 3"),
        ("chip_seed", -1, "chip_seed must be an integer of at least 0, got -1"),
        ("imperfections", {"tap_noise": 0.1}, r"imperfections must be Imperfections, got {'tap_noise': 0.1}"),
    ],
)
def test_bad_values_are_named(field, value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        TrainConfig(**{field: value})


def test_planar_tasks_have_four_modes():
    with pytest.raises(ValueError, match=r"^modes must be 4 for ring, got 8$"):
        replace(TrainConfig.recommended("ring"), modes=8)


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        TrainConfig().lr = 1.0


@pytest.mark.parametrize("dataset", CHOICES["dataset"])
@pytest.mark.parametrize("optimizer", CHOICES["optimizer"])
def test_recommended(dataset, optimizer):
    config, known = TrainConfig.recommended(dataset, optimizer), DATASETS[dataset]
    assert (config.dataset, config.optimizer) == (dataset, optimizer)
    assert (config.classes, config.ports_per_class) == (known.classes, known.ports_per_class)
    assert (config.modes, config.lr) == (known.modes or 64, known.lr[optimizer])
    assert known.training.items() <= vars(config).items()


@pytest.mark.parametrize(
    ("dataset", "optimizer", "expected"),
    [
        ("digits", "sgd", TrainConfig(optimizer="sgd", lr=0.03)),
        ("mnist", "adam", TrainConfig(dataset="mnist", lr=0.005, batch=600, epochs=20, gain=0.5, threads=0)),
        (
            "blobs",
            "sgd",
            TrainConfig(dataset="blobs", optimizer="sgd", lr=0.01, batch=50, epochs=100, gain=1.0, modes=4, meshes=3),
        ),
    ],
)
def test_recommended_by_hand(dataset, optimizer, expected):
    assert TrainConfig.recommended(dataset, optimizer) == expected


def test_defaults_are_the_recommended_ones_of_digits():
    assert TrainConfig() == TrainConfig.recommended("digits", "adam")


def test_recommended_refuses_unknown_names():
    with pytest.raises(ValueError, match=r"^dataset must be one of .*, got 'imagenet'$"):
        TrainConfig.recommended("imagenet")
    with pytest.raises(ValueError, match=r"^optimizer must be one of adam, sgd, got 'rmsprop'$"):
        TrainConfig.recommended("digits", "rmsprop")


def test_auto_measures_on_chips_that_have_an_imperfection():
    assert TrainConfig().method is None
    assert TrainConfig(imperfections=Imperfections(tap_noise=0.01)).method == "three_measurement"
    assert TrainConfig(gradient="lock_in").method == "lock_in"
    assert TrainConfig(gradient="adjoint", imperfections=Imperfections(tap_noise=0.01)).method == "adjoint"


configs = st.builds(
    TrainConfig,
    modes=st.integers(10, 2**16),
    topology=st.sampled_from(CHOICES["topology"]),
    lr=st.floats(0, 3.4e37, exclude_min=True),
    seed=st.integers(0, 2**63 - 1),
    gain=st.floats(0, 3.4e38, exclude_min=True) | st.integers(1, 10),
    data_dir=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f")),
    gradient=st.sampled_from(list(METHODS)),
    chip_seed=st.integers(0, 2**63 - 1),
    imperfections=st.builds(
        Imperfections,
        tap_noise=st.floats(0, 1),
        phase_bits=st.none() | st.integers(1, 32),
        detuning_nm=st.floats(-1e3, 1e3),
    ),
)


@given(configs)
def test_toml_round_trip(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("toml") / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert from_toml(path) == config


def test_toml_may_leave_fields_out(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('dataset = "mnist"\noptimizer = "sgd"\nepochs = 3\n')
    assert from_toml(path) == replace(TrainConfig.recommended("mnist", "sgd"), epochs=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate = 0.1\n", "there is no field 'learning_rate'; the fields are dataset, modes, "),
        ("lr = -1\n", "lr must be a finite number above 0, got -1$"),
        ('dataset = "imagenet"\n', "dataset must be one of .*, got 'imagenet'$"),
        ("optimizer = 3\n", "optimizer must be one of adam, sgd, got 3$"),
        ("lr = = 1\n", "is not a TOML file: "),
        ("imperfections = 3\n", "imperfections must be a table of names and values, got 3$"),
        ("[imperfections]\ntap_nois = 0.1\n", r"there is no imperfection 'tap_nois' \(did you mean 'tap_noise'\?\)"),
        ("[imperfections]\ntap_noise = 2020-01-01\n", "tap_noise must be a finite number of at least 0, got '2020"),
        (b"\xff\xfe", "is not text in UTF-8: byte 0 is 0xff"),
    ],
)
def test_bad_toml_is_refused_with_its_name(tmp_path, text, message):
    path = tmp_path / "my.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as caught:
        from_toml(path)
    assert str(caught.value).startswith(str(path))


def test_missing_toml(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no configuration file .*none.toml$"):
        from_toml(tmp_path / "none.toml")


def test_what_a_saved_run_leaves_out_has_its_default():
    assert from_saved({"dataset": "mnist"}) == TrainConfig(dataset="mnist") != from_dict({"dataset": "mnist"})
    partial = {"imperfections": {"tap_noise": 0.1}, "modes": 16}
    assert from_saved(partial) == TrainConfig(modes=16, imperfections=Imperfections(tap_noise=0.1))


@pytest.mark.parametrize("values", [{"clip": 1.0}, {"imperfections": {"clip": 1.0}}, {"tap_noise": 1, "clip": 0}])
def test_what_a_newer_version_has_saved_is_refused(values):
    with pytest.raises(ValueError, match=r"^there is no option 'clip': a newer version of retrolux may have saved it$"):
        from_saved(values)


def test_resume_may_grow_epochs_and_move():
    check_resumable(TrainConfig(), replace(TrainConfig(), epochs=100, threads=3, data_dir="elsewhere"))


def test_resume_names_every_field_that_differs():
    other = replace(TrainConfig(), lr=0.5, seed=7, epochs=100)
    with pytest.raises(ValueError, match=r"changed: lr \(was 0\.01, now 0\.5\), seed \(was 0, now 7\)$"):
        check_resumable(TrainConfig(), other)


def test_resume_refuses_fewer_epochs():
    with pytest.raises(ValueError, match=r"^epochs may grow when a run is resumed, got 3 after 40$"):
        check_resumable(TrainConfig(), replace(TrainConfig(), epochs=3))


@pytest.mark.parametrize("name", options_of(Imperfections))
def test_resume_compares_every_imperfection(name, everything):
    value = getattr(everything, name)
    other = TrainConfig(imperfections=Imperfections(**{name: value}))
    with pytest.raises(ValueError, match=rf"changed: {name} \(was .*, now {value}\)$"):
        check_resumable(TrainConfig(), other)


@pytest.mark.parametrize(
    "field",
    [
        name
        for name, about in options_of(TrainConfig).items()
        if about.decides and name not in {"epochs", "imperfections"}
    ],
)
def test_resume_compares_every_field_that_decides(field):
    started = TrainConfig()
    continued = object.__new__(TrainConfig)
    for name, value in asdict(started).items():
        object.__setattr__(continued, name, "other" if name == field else value)
    object.__setattr__(continued, "imperfections", started.imperfections)
    with pytest.raises(ValueError, match=rf"changed: {field} \(was .*, now 'other'\)$"):
        check_resumable(started, continued)


@pytest.mark.parametrize("name", [name for name, about in options_of(TrainConfig).items() if about.kind != "text"])
def test_help_says_the_range(name):
    about = options_of(TrainConfig)[name]
    entry = re.search(rf"^{name}\n((?:    .*\n)+)", inspect.getdoc(TrainConfig), re.MULTILINE)[1]
    least = f"{'above' if about.above else 'at least'} {about.least:g}"
    assert any(words in entry for words in (least, f"{about.least:g} …", f"at most {about.most:g}"))
