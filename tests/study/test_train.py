"""Training: what it learns, the folder it leaves, and what it refuses."""

from __future__ import annotations

import csv
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from retrolux import data
from retrolux.data import DATASETS
from retrolux.hardware import Imperfections
from retrolux.mesh import TOPOLOGIES
from retrolux.study import Network, TrainConfig, from_toml, load, start_run
from retrolux.study import train as training
from retrolux.study.checkpoint import read_checkpoint
from retrolux.study.config import CHOICES


@pytest.mark.slow
def test_defaults_learn_the_digits(tmp_path):
    run = start_run(TrainConfig(), tmp_path)
    assert run.history[-1].test_error <= 0.05
    assert run.history[-1].train_error <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "accuracy"), [("moons", 0.93), ("circle", 0.85), ("blobs", 0.82)])
def test_planar_tasks_are_learnt(tmp_path, kind, accuracy):
    run = start_run(replace(TrainConfig.recommended(kind), epochs=30), tmp_path)
    assert 1 - run.history[-1].test_error >= accuracy


@pytest.mark.parametrize(
    ("field", "name"),
    [(field, name) for field in ("topology", "loss", "optimizer", "gradient") for name in CHOICES[field]],
)
def test_every_choice_trains(tmp_path, field, name):
    modes = TOPOLOGIES[name].at_least(10).modes if field == "topology" else 10
    config = replace(TrainConfig(modes=modes, meshes=1, batch=300, epochs=2), **{field: name})
    first, last = start_run(config, tmp_path).history
    assert last.train_loss < first.train_loss


@pytest.mark.parametrize("dataset", [name for name in CHOICES["dataset"] if not DATASETS[name].has_files])
def test_every_data_set_trains(tmp_path, dataset):
    first, last = start_run(replace(TrainConfig.recommended(dataset), epochs=2), tmp_path).history
    assert last.train_loss < first.train_loss


@pytest.mark.slow
def test_sgd_learns(tmp_path):
    run = start_run(replace(TrainConfig.recommended("moons", "sgd"), epochs=30), tmp_path)
    assert run.history[-1].test_error <= 0.15


def test_mnist_from_its_folder(tmp_path, rng):
    raw = tmp_path / "MNIST" / "raw"
    for prefix, count in (("train", 60), ("t10k", 20)):
        images = rng.integers(0, 256, size=(count, 28, 28), dtype=np.uint8)
        data.write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        data.write_idx(raw / f"{prefix}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    config = replace(TrainConfig.recommended("mnist"), modes=16, epochs=1, batch=25, data_dir=str(tmp_path), threads=1)
    run = start_run(config, tmp_path / "run")
    assert run.network(run.dataset.test_x).shape == (20, 10)
    assert from_toml(tmp_path / "run" / "config.toml") == config


def test_the_folder_of_a_run(tmp_path, tiny):
    seen = []
    run = start_run(tiny, tmp_path / "deep" / "run", progress=seen.append)
    kept = [".lock", "best.pt", "config.toml", "last.pt", "metrics.csv"]
    assert sorted(file.name for file in run.folder.iterdir()) == kept
    assert from_toml(run.folder / "config.toml") == tiny
    with (run.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(seen) == run.history
    assert [{k: float(v) for k, v in row.items()} for row in rows] == [asdict(epoch) for epoch in seen]
    assert [epoch.epoch for epoch in seen] == [1, 2, 3, 4]
    assert read_checkpoint(run.folder / "last.pt")["config"] == asdict(tiny)


def test_every_epoch_is_on_disk_when_it_is_reported(tmp_path, tiny, read_metrics):
    def check(epoch):
        assert len(read_metrics(tmp_path)) == epoch.epoch
        assert len(read_checkpoint(tmp_path / "last.pt")["history"]) == epoch.epoch

    start_run(tiny, tmp_path, progress=check)


@pytest.mark.slow
def test_chips_learn_and_say_how_well_they_measured(tmp_path, tiny):
    config = replace(tiny, epochs=20, imperfections=Imperfections(tap_noise=0.01, io_amplitude_std=0.02))
    run = start_run(config, tmp_path)
    assert run.best.test_error <= 0.15
    assert all(0.8 < epoch.gradient_cosine < 1 - 1e-6 for epoch in run.history)
    # Two meshes, four passes per sample that is trained on, one per sample of the test.
    per_epoch = 2 * (4 * len(run.dataset.train_x) + len(run.dataset.test_x))
    assert [epoch.shots for epoch in run.history] == [per_epoch * i for i in range(1, 21)]


def test_without_chips_gradients_are_exact_and_take_no_light(tmp_path, tiny):
    epoch = start_run(replace(tiny, epochs=1), tmp_path).history[0]
    assert (epoch.gradient_cosine, epoch.gradient_cosine_small, epoch.shots) == (1.0, 1.0, 0)


def test_the_small_batch_is_the_first_ten_samples(tmp_path, tiny):
    """Without noise the gradient of the model is wrong in the same way each time."""
    wrong = Imperfections(coupler_std=0.2, loss_db=0.3)
    run = start_run(replace(tiny, epochs=1, gradient="physics_aware", imperfections=wrong), tmp_path)
    network, dataset = load(tmp_path / "last.pt"), run.dataset
    torch.nn.functional.cross_entropy(network(dataset.train_x[:10]), dataset.train_y[:10]).backward()
    assert run.history[0].gradient_cosine_small == network.gradient_cosine() < 0.99


def test_training_does_not_notice_the_small_batch(tmp_path, tiny, read_metrics, monkeypatch):
    wrong = Imperfections(tap_noise=0.1, io_phase_std=0.02, phase_std=0.02, drift_std_per_s=10.0)
    config = replace(tiny, imperfections=wrong)
    start_run(config, tmp_path / "with")
    monkeypatch.setattr(training, "_small_cosine", lambda *_: 0.5)
    start_run(config, tmp_path / "without")
    rows = [read_metrics(tmp_path / name) for name in ("with", "without")]
    assert all(0 < float(row.pop("gradient_cosine_small")) < 1 for row in rows[0])
    assert {row.pop("gradient_cosine_small") for row in rows[1]} == {"0.5"}
    assert rows[0] == rows[1]


def test_the_test_set_goes_through_the_chips(tmp_path, tiny):
    """Light of random phase: what was learnt cannot be read any more."""
    blind = replace(tiny, gradient="adjoint", imperfections=Imperfections(io_amplitude_std=5.0))
    clear = start_run(replace(tiny, lr=1e-12, epochs=1), tmp_path / "clear").history[0]
    noisy = start_run(replace(blind, lr=1e-12, epochs=1), tmp_path / "noisy").history[0]
    assert noisy.test_loss > 2 * clear.test_loss


def test_an_ideal_chip_trains_like_the_exact_mesh(tmp_path, tiny):
    config = replace(tiny, dtype="complex128")
    exact = start_run(config, tmp_path / "exact").history
    measured = start_run(replace(config, gradient="three_measurement"), tmp_path / "chip").history
    assert [epoch.train_loss for epoch in measured] == pytest.approx([epoch.train_loss for epoch in exact], rel=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_learning_rate_falls_by_half(tmp_path, tiny, optimizer):
    run = start_run(replace(tiny, optimizer=optimizer, lr=0.01, lr_half_life=1.5, epochs=4), tmp_path)
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 4)  # after 3 of them


def test_metrics_are_those_of_the_network(tmp_path, tiny):
    run = start_run(replace(tiny, epochs=1, lr=1e-12), tmp_path)  # too slow to move: before is after
    untrained, dataset, epoch = Network(tiny), run.dataset, run.history[0]
    for x, y, loss, error in (
        (dataset.train_x, dataset.train_y, epoch.train_loss, epoch.train_error),
        (dataset.test_x, dataset.test_y, epoch.test_loss, epoch.test_error),
    ):
        logits = untrained(x).detach().double()
        expected = -logits.log_softmax(dim=1)[torch.arange(len(y)), y].mean().item()
        assert loss == pytest.approx(expected, rel=1e-5)
        assert error == pytest.approx((logits.argmax(dim=1) != y).double().mean().item(), abs=1e-12)


def test_batch_axis_loss_is_a_softmax_over_the_samples(tmp_path, tiny):
    run = start_run(replace(tiny, epochs=1, lr=1e-12, loss="batch_axis"), tmp_path)
    logits = Network(tiny)(run.dataset.test_x).detach().double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=0)
    truth = np.eye(2)[run.dataset.test_y.numpy()]
    assert run.history[0].test_loss == pytest.approx(-(truth * np.log(shares)).mean(), rel=1e-5)


def test_only_theta_and_phi_are_trained(tmp_path, tiny):
    run = start_run(tiny, tmp_path)
    for before, after in zip(Network(tiny).meshes, run.network.meshes, strict=True):
        assert not torch.equal(before.theta, after.theta)
        assert not torch.equal(before.phi, after.phi)
        assert not after.gamma.any()


def test_same_seed_same_bits(tmp_path, tiny, read_metrics):
    first, again = (start_run(tiny, tmp_path / name) for name in ("a", "b"))
    assert read_metrics(first.folder) == read_metrics(again.folder)
    other = start_run(replace(tiny, seed=1), tmp_path / "c")
    assert read_metrics(first.folder) != read_metrics(other.folder)


def test_every_epoch_has_an_order_of_its_own(tmp_path, tiny, monkeypatch):
    orders = []

    def spy(seed, purpose, index, stream=training.random_stream):
        orders.append((seed, purpose, index))
        return stream(seed, purpose, index)

    monkeypatch.setattr(training, "random_stream", spy)
    start_run(replace(tiny, seed=7), tmp_path)
    assert orders == [(7, "order", 0), (7, "order", 1), (7, "order", 2), (7, "order", 3)]


def test_best_is_the_first_of_the_smallest_test_errors(tmp_path, tiny, monkeypatch):
    errors = [0.3, 0.1, 0.2, 0.1]

    def trained(run, index, train_epoch=training._train_epoch):
        return replace(train_epoch(run, index), test_error=errors[index])

    monkeypatch.setattr(training, "_train_epoch", trained)
    run = start_run(tiny, tmp_path)
    assert run.best.epoch == 2
    best = read_checkpoint(tmp_path / "best.pt")
    assert [epoch["test_error"] for epoch in best["history"]] == errors[:2]
    assert not torch.equal(best["network"]["meshes.0.theta"], run.network.meshes[0].theta)


def test_threads_are_set_for_the_run_only(tmp_path, tiny):
    before, seen = torch.get_num_threads(), []
    start_run(replace(tiny, threads=before + 1), tmp_path, progress=lambda _: seen.append(torch.get_num_threads()))
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_a_folder_with_a_run_is_left_alone(tmp_path, tiny):
    start_run(replace(tiny, epochs=1), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="already holds a run: continue it with --resume or choose another --out"):
        start_run(tiny, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_no_state_is_there_without_its_settings(tmp_path, tiny, monkeypatch):
    """A run that is killed before its first state begins anew; a state without config.toml could not go on."""

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training.Saver, "epoch_done", killed)
        with pytest.raises(KeyboardInterrupt):
            start_run(tiny, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "config.toml"]
    assert start_run(tiny, tmp_path).history[-1].epoch == tiny.epochs


def test_a_file_is_no_folder(tmp_path, tiny):
    (tmp_path / "taken").touch()
    with pytest.raises(NotADirectoryError, match=r"taken is not a folder: choose another --out$"):
        start_run(tiny, tmp_path / "taken")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "sgd", "lr": 1e38}, "^training diverged in epoch 1, lower lr: (theta|phi) must be finite"),
        ({"gain": 1e38}, "^training diverged in epoch 1, lower lr or gain: the loss is nan$"),
    ],
)
def test_divergence_stops_the_run(tmp_path, tiny, change, message):
    with pytest.raises(FloatingPointError, match=message):
        start_run(replace(tiny, **change), tmp_path)


def test_nothing_is_written_when_the_data_are_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("RETROLUX_DATA", raising=False)
    with pytest.raises(FileNotFoundError):
        start_run(TrainConfig.recommended("mnist"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
