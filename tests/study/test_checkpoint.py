"""Checkpoints: whole or not at all, plain values only, and a model in two lines."""

from __future__ import annotations

import dataclasses
import os
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from retrolux.hardware import Imperfections
from retrolux.study import TrainConfig, load, start_run
from retrolux.study.checkpoint import read_checkpoint, write_checkpoint


class Attack:
    """Run a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.fixture(scope="module", params=["adam", "sgd"])
def begun(request, tmp_path_factory):
    """The file of a run of two epochs, on chips with adam."""
    imperfections = Imperfections(tap_noise=0.01) if request.param == "adam" else Imperfections()
    config = dataclasses.replace(
        TrainConfig.recommended("moons", request.param), epochs=3, batch=400, meshes=2, imperfections=imperfections
    )
    folder = tmp_path_factory.mktemp(request.param)
    start_run(dataclasses.replace(config, epochs=2), folder)
    return folder / "last.pt"


def test_round_trip(begun, tmp_path):
    read = read_checkpoint(begun)
    path = tmp_path / "deep" / "a.pt"
    write_checkpoint(path, {name: value for name, value in read.items() if name != "format"})
    again = read_checkpoint(path)
    assert again.keys() == read.keys() == {"format", "config", "network", "optimizer", "history"}
    assert again["config"] == read["config"]
    assert again["history"] == read["history"]
    assert torch.equal(again["network"]["meshes.1.phi"], read["network"]["meshes.1.phi"])


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    write_checkpoint(path, {"epoch": 1})
    before = path.read_bytes()

    def refuse(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, {"epoch": 2})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]


def changed(begun, path, change):
    """Write the checkpoint with something else in it."""
    contents = torch.load(begun, weights_only=True)
    del contents["format"]
    change(contents)
    write_checkpoint(path, contents)


def at(*keys):
    """Return a function that puts a value where the keys lead, or takes away what is there."""

    def put(value):
        def change(contents):
            for key in keys[:-1]:
                contents = contents[key]
            if value is None:
                del contents[keys[-1]]
            else:
                contents[keys[-1]] = value

        return change

    return put


GROUP, STATE = ("optimizer", "param_groups", 0), ("optimizer", "state")
BOTH = {
    "no history": (at("history")(None), "it must have config, format, history, network, optimizer"),
    "more": (at("more")(1), "it must have config, format, history, network, optimizer"),
    "config": (at("config")([1]), "config must be a table, got a list"),
    "a mode": (at("config", "modes")(1), "config: modes must be an integer of at least 2, got 1"),
    "deep config": (at("config", "x")({"a": {"a": {"a": (1,)}}}), "config must be a table of numbers and texts"),
    "long config": (at("config", "x")(dict.fromkeys(range(1000))), "config must be a table of numbers and texts"),
    "a field": (at("config", 3)(3), "config: there is no option 3: a newer version of retrolux may have saved it"),
    "large modes": (at("config", "modes")(10**4), "config: modes must be 4 for moons"),
    "large mesh": (
        lambda c: c["config"].update(dataset="digits", modes=10**4),
        "network: meshes.0.theta must have shape",
    ),
    "more modes than there can be": (
        at("config", "modes")(10**9),
        "config: modes must be at most 65536, got 1000000000",
    ),
    "many meshes": (at("config", "meshes")(10**9), "network must have 1000000000 meshes, got "),
    "topology": (at("config", "topology")("butterfly"), "network: meshes.0.theta must have shape"),
    "no network": (at("network")({}), "network must have 2 meshes, got 0 tensors"),
    "no phases": (at("network", "meshes.1.phi")(None), "network: meshes.1.phi must be torch.float32 of shape"),
    "shape": (at("network", "meshes.1.phi")(torch.zeros(7)), "network: meshes.1.phi must be .*, got .*shape \\(7,\\)"),
    "dtype": (
        at("network", "meshes.1.phi")(torch.zeros(6, dtype=torch.float64)),
        "network: meshes.1.phi must be torch.f",
    ),
    "nan": (at("network", "meshes.0.theta")(torch.full((6,), torch.nan)), "network: meshes.0.theta must be finite"),
    "text": (at("network", "meshes.0.theta")("x"), "network: meshes.0.theta must have shape \\(6,\\), got str"),
    "another": (at("network", "x")(torch.zeros(1)), "network must have .*, got 'x'"),
    "optimizer": (at("optimizer")([]), "optimizer must be a table, got a list"),
    "no groups": (at("optimizer", "param_groups")([]), "optimizer must have state, and param_groups with one group"),
    "lr": (at(*GROUP, "lr")(float("inf")), "optimizer: lr must be a number from 0 to that of the configuration, 0.01"),
    "params": (at(*GROUP, "params")([0, 1]), r"optimizer: params must be \[0, 1, 2, 3\]"),
    "params as tensors": (at(*GROUP, "params")([torch.zeros(3)] * 4), r"optimizer: params must be \[0, 1, 2, 3\]"),
    "another option": (at(*GROUP, "x")(1), r"optimizer: param_groups must have .*, got \['x'\]"),
    "no state": (at(*STATE)({}), "optimizer: state must be of 4 tensors after 2 epochs"),
    "a state less": (at(*STATE, 2)(None), "optimizer: state must be of 4 tensors after 2 epochs"),
    "a state of what": (at(*STATE, 2)(3), "optimizer: state of tensor 2 must be a table, got a int"),
    "a state of nothing": (at(*STATE, 2)({}), "optimizer: state of tensor 2 must have "),
    "history": (at("history")(3), "history must be a list of epochs, got a int"),
    "an epoch": (at("history", 0)(None), "history must hold the epochs 1, 2, .*, got 2 as number 1"),
    "a loss": (at("history", 1, "train_loss")(float("nan")), "history: epoch 2: train_loss is no float that it can be"),
    "a deep loss": (at("history", 1, "train_loss")([[[1]]]), "history: epoch 2: train_loss is no .*, got a list"),
    "few epochs": (at("config", "epochs")(1), "history must have at most 1 epochs, got 2"),
}
ADAM = {
    "step": (
        at(*STATE, 1, "step")(torch.tensor(7.0)),
        "optimizer: step of tensor 1 must be the same for all, and so in",
    ),
    "steps": (at(*STATE, 1, "step")(torch.zeros(2)), "optimizer: step of tensor 1 must be torch.float32 of shape"),
    "square": (at(*STATE, 1, "exp_avg_sq")(-torch.ones(6)), "optimizer: exp_avg_sq of tensor 1 must be at least 0"),
    "betas": (at(*GROUP, "betas")((0.5, 0.999)), r"optimizer: betas must be \(0.9, 0.999\)"),
    "chip": (at("network", "meshes.0._chip._extra_state")({}), "network: .*must have shots, imperfections, .*no shots"),
    "no chip": (at("network", "meshes.0._chip._extra_state")(None), "network: .*Missing key"),
    "another chip": (lambda c: swap(c["network"]), "network: its chips are not those of the configuration"),
    "an ideal chip": (
        at("config", "imperfections")({"tap_noise": 0.5}),
        "network: its chips are not those of the conf",
    ),
}


def swap(network):
    name, other = (f"meshes.{i}._chip._extra_state" for i in (0, 1))
    network[name], network[other] = network[other], network[name]


def refused(begun, path, change, message):
    changed(begun, path, change)
    with pytest.raises(ValueError, match=rf"last.pt is not a checkpoint of retrolux train: {message}") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(("change", "message"), BOTH.values(), ids=BOTH)
def test_what_does_not_belong_to_the_run_is_named(begun, tmp_path, change, message):
    refused(begun, tmp_path / "last.pt", change, message)


@pytest.mark.parametrize("begun", ["adam"], indirect=True)
@pytest.mark.parametrize(("change", "message"), ADAM.values(), ids=ADAM)
def test_what_does_not_belong_to_adam_or_the_chips_is_named(begun, tmp_path, change, message):
    refused(begun, tmp_path / "last.pt", change, message)


def test_memory_that_the_file_does_not_have_is_refused(begun, tmp_path):
    """A tensor of a single number in a thousand million places, and a number less than the tensor wants."""
    path = tmp_path / "last.pt"
    changed(begun, path, at("network", "meshes.0.theta")(torch.zeros(1).expand(10**9)))
    with pytest.raises(ValueError, match=r"meshes.0.theta must have shape \(6,\), got shape \(1000000000,\)$"):
        read_checkpoint(path)
    with zipfile.ZipFile(begun) as whole, zipfile.ZipFile(path, "w") as short:
        for record in whole.infolist():
            content = whole.read(record)
            short.writestr(record.filename, content[:-4] if "/data/" in record.filename else content)
    with pytest.raises(ValueError, match=r"the record \d+ has \d+ bytes, and must have \d+$"):
        read_checkpoint(path)


@pytest.mark.parametrize("kind", ["compressed", "twice", "nested", "doubled", "called", "method"])
def test_a_hostile_file_is_refused(begun, tmp_path, kind):
    path = tmp_path / "last.pt"
    doubled = b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    data = {
        "nested": b"\x80\x02})" + b"\x85" * 50_000 + b"Ns.",
        "doubled": b"\x80\x02}" + doubled + b"Ns.",
        "called": b"\x80\x02ctorch\nload\n(X\x01\x00\x00\x00xtR.",
        "method": b"\x80\x02ccollections\nOrderedDict\n)R}X\x04\x00\x00\x00keysK\x01sb.",
    }.get(kind)
    message = {
        "compressed": "its records must not be compressed",
        "twice": "it must have at most 100000 records, each once, got",
        "called": "it asks for torch.load, and only tensors are allowed",
        "method": "an ordered dictionary must have _metadata alone",
    }.get(kind, "keys must be texts or whole numbers, got a tuple")
    packing = zipfile.ZIP_DEFLATED if kind == "compressed" else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(begun) as whole, zipfile.ZipFile(path, "w", packing) as other:
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the second record of a name
        for record in [*whole.infolist(), *(whole.infolist()[:1] if kind == "twice" else [])]:
            is_pickle = data is not None and record.filename.endswith("/data.pkl")
            other.writestr(record.filename, data if is_pickle else whole.read(record))
    with pytest.raises(ValueError, match=rf"last.pt is not a checkpoint of tensors and plain values: {message}"):
        read_checkpoint(path)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "evil.pt"
    torch.save({"format": "retrolux train 3", "network": Attack(f"touch {mark}")}, path)
    with pytest.raises(ValueError, match=r"evil.pt is not a checkpoint of tensors and plain values: "):
        load(path)
    assert not mark.exists()
    os.system(f"touch {mark}")  # the attack would have left this trace
    assert mark.exists()


def test_a_bare_pickle_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Attack(f"touch {mark}")))
    with pytest.raises(ValueError, match=r"evil.pt is not a checkpoint"):
        load(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x02}q\x00.", "truncated", "damaged", "zip"])
def test_other_files_are_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "other.pt"
    if content == "truncated":
        write_checkpoint(path, {"weights": torch.zeros(1000)})
        content = path.read_bytes()[:-100]
    if content == "damaged":
        write_checkpoint(path, {"weights": torch.zeros(1000)})
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1  # inside the zeros, where only a checksum can tell
    if content == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hello", "world")
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other.pt is not a checkpoint") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"weights.pt is not a checkpoint of retrolux train: it has no format"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no checkpoint .*none.pt$"):
        load(tmp_path / "none.pt")


def test_load_gives_the_trained_network(tmp_path, tiny):
    run = start_run(tiny, tmp_path)
    network = load(tmp_path / "last.pt")
    assert not network.training
    x = run.dataset.test_x
    assert torch.equal(network(x), run.network(x))
    error = (load(str(tmp_path / "best.pt"))(x).argmax(dim=1) != run.dataset.test_y).double().mean()
    assert error.item() == run.best.test_error == min(epoch.test_error for epoch in run.history)


def test_load_of_a_folder_points_at_the_file(tmp_path, tiny):
    start_run(tiny, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"did you mean .*best.pt\?$"):
        load(tmp_path)
