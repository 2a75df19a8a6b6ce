"""The result of a sweep: its dimensions, its numbers, its file, and intervals of confidence."""

from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from retrolux.study import Epoch, Sweep, confidence, last_epochs, read_results
from retrolux.study.results import PARAMS, collect, write_results
from retrolux.study.run_record import Record, identity

SWEEP = Sweep(
    settings={"epochs": 3, "io_phase_std": 0.01},
    lists={"optimizer": ["sgd", "adam"], "tap_noise": [0.0, 0.5], "phase_bits": [4, None]},
    seeds=[0, 1, 5],
)


def epochs(config, count=3):
    """Numbers that say where they belong."""
    at = config.seed / 100 + config.imperfections.tap_noise / 10
    return tuple(Epoch(i, at + i, 0.2, 0.3, at + i / 10, 0.75, 0.5, 7 * i, 0.25) for i in range(1, count + 1))


@pytest.fixture
def results():
    return collect(SWEEP, {identity(config): Record(config, epochs(config)) for config in SWEEP.configs})


def test_dimensions_are_those_of_the_published_file(results):
    assert results["metrics"].dims == ("optimizer", "tap_pd_shot_noise", "phase_bits", "seed", "param", "epoch")
    assert results["seconds"].dims == results["shots"].dims == results["failure"].dims == results["metrics"].dims[:4]
    assert list(results["optimizer"].values) == ["sgd", "adam"]
    assert list(results["phase_bits"].values) == [4, math.inf]
    assert list(results["param"].values) == list(PARAMS)
    assert list(results["epoch"].values) == [1, 2, 3]
    assert results["tap_pd_shot_noise"].attrs == {"option": "tap_noise", "units": "1"}
    assert results["phase_bits"].attrs == {"option": "phase_bits", "units": "bit"}
    assert results["seconds"].attrs["units"] == "s"


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("seed", [0, 1, 5])
def test_numbers_stand_where_they_belong(results, noise, seed):
    run = results.sel(optimizer="adam", tap_pd_shot_noise=noise, phase_bits=4, seed=seed)
    at = seed / 100 + noise / 10
    assert run["metrics"].sel(param="train/loss").values == pytest.approx([at + 1, at + 2, at + 3])
    assert run["metrics"].sel(param="eval/error").values == pytest.approx([at + 0.1, at + 0.2, at + 0.3])
    assert run["metrics"].sel(param="train/error").values == pytest.approx([0.2] * 3)
    assert run["metrics"].sel(param="eval/loss").values == pytest.approx([0.3] * 3)
    assert run["metrics"].sel(param="grad/error_batch").values == pytest.approx([0.25] * 3)
    assert run["metrics"].sel(param="grad/error_small").values == pytest.approx([0.5] * 3)
    assert (run["seconds"], run["shots"], run["failure"]) == (0.75, 21, "")


def test_exact_training_has_no_gradient_error():
    sweep = Sweep(settings={"epochs": 1}, lists={"tap_noise": [0.0, 0.1]})
    found = collect(sweep, {identity(config): Record(config, epochs(config, 1)) for config in sweep.configs})
    errors = found["metrics"].sel(param=["grad/error_batch", "grad/error_small"]).squeeze()
    assert np.isnan(errors.values).tolist() == [[True, True], [False, False]]


def test_runs_that_failed_or_have_not_ended():
    sweep = Sweep(settings={"epochs": 3}, lists={"lr": [0.1, 0.2, 0.3]})
    good, failed, _ = sweep.configs
    found = collect(
        sweep, {identity(good): Record(good, epochs(good)), identity(failed): Record(failed, (), "no light")}
    )
    found = found.squeeze("seed")
    assert list(found["failure"].values) == ["", "no light", "not run"]
    assert np.isnan(found["metrics"].values).all(axis=(1, 2)).tolist() == [False, True, True]
    assert np.isnan(found["seconds"].values).tolist() == [False, True, True]
    assert found["shots"].values.tolist() == [21, 0, 0]


def test_data_sets_of_different_lengths():
    sweep = Sweep(lists={"dataset": ["moons", "digits"]})
    found = collect(sweep, {identity(c): Record(c, epochs(c, c.epochs)) for c in sweep.configs})
    assert found.sizes["epoch"] == 100
    assert found["metrics"].sel(param="train/loss").notnull().sum("epoch").values.tolist() == [[100], [40]]


def test_configuration_versions_and_time_are_inside(results):
    config = json.loads(results.attrs["config"])
    assert (config["modes"], config["epochs"], config["imperfections"]["io_phase_std"]) == (64, 3, 0.01)
    assert json.loads(results.attrs["sweep"]) == {
        "optimizer": ["sgd", "adam"],
        "tap_noise": [0.0, 0.5],
        "phase_bits": [4, None],
        "seed": [0, 1, 5],
    }
    assert {"python", "retrolux", "torch", "numpy"} <= json.loads(results.attrs["versions"]).keys()
    assert results.attrs["created"].endswith("+00:00")


def test_netcdf_round_trip(tmp_path, results):
    results["failure"].values[0, 0, 0, 0] = "zu groß für den Speicher"
    write_results(results, tmp_path / "deep" / "results.nc")
    assert read_results(tmp_path / "deep" / "results.nc").identical(results)
    with xr.open_dataset(tmp_path / "deep" / "results.nc", engine="h5netcdf") as opened:  # as anybody would
        assert opened["metrics"].equals(results["metrics"])


def test_a_write_that_fails_leaves_the_old_file(tmp_path, results, monkeypatch):
    path = tmp_path / "results.nc"
    write_results(results, path)
    before = path.read_bytes()

    def refuse(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_results(results.isel(seed=[0]), path)
    assert [file.name for file in tmp_path.iterdir()] == ["results.nc"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"CDF\x01 not really", b"\x89HDF\r\n\x1a\n cut off", "truncated"])
def test_other_files_are_refused_in_one_sentence(tmp_path, results, content):
    path = tmp_path / "other.nc"
    if content == "truncated":
        write_results(results, path)
        content = path.read_bytes()[:-500]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other.nc is not a NetCDF file: it ") as caught:
        read_results(path)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a small result."""
    sweep = Sweep(settings={"epochs": 2}, lists={"tap_noise": [0.1, 0.2]})
    path = tmp_path_factory.mktemp("written") / "results.nc"
    write_results(collect(sweep, {identity(c): Record(c, epochs(c, 2)) for c in sweep.configs}), path)
    return path.read_bytes()


def test_every_kind_of_damage_is_noticed(tmp_path, written, rng):
    """Also in the bytes that say where the others lie, which libhdf5 takes as they are, and in the checksum."""
    path = tmp_path / "results.nc"
    length = len(written)
    damaged = [written[:-1], written[:-40], written[: length // 2], written + b"x", written[:-82] + bytes(82)]
    damaged += [written[: i - 8] + bytes(8) + written[i:] for i in (8, 16, 48, length - 60, length)]
    for position in rng.integers(length, size=200):
        damaged.append(written[:position] + bytes([written[position] ^ 1 << position % 8]) + written[position + 1 :])
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"results.nc is not a NetCDF file: it (is damaged|does not begin)"):
            read_results(path)


@pytest.mark.slow
def test_a_file_without_a_checksum_is_read(tmp_path, written):
    """Of an earlier version, or changed by another program: the checksum is gone with the length."""
    path = tmp_path / "results.nc"
    path.write_bytes(written)
    whole = read_results(path)
    path.write_bytes(written[:-82])
    assert read_results(path).identical(whole)
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
    assert read_results(path).attrs["note"] == "mine"
    path.write_bytes(written)
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
    assert read_results(path).attrs["note"] == "mine"
    whole.isel(seed=[0], epoch=[0]).to_netcdf(path, engine="h5netcdf")
    assert read_results(path).sizes["epoch"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("start", "stop"), [(872, 1380), (880, 1200), (0, 200)])
def test_libhdf5_may_hang_or_fail_on_what_has_no_checksum(tmp_path, written, monkeypatch, start, stop):
    monkeypatch.setattr("retrolux.study.netcdf_probe._SECONDS", 4)
    path = tmp_path / "results.nc"
    body = written[:-82]
    path.write_bytes(body[:start] + bytes(stop - start) + body[stop:])
    with pytest.raises(ValueError, match=r"^.*results.nc is not a NetCDF file: .+$") as error:
        read_results(path)
    assert "\n" not in str(error.value)


CHANGES = {
    "config": (lambda r: r.attrs.update(config="{}" * 2), r"the attribute config is not JSON: "),
    "a bad config": (
        lambda r: r.attrs.update(config='{"modes": 1}'),
        r"the attribute config: modes must be an integer",
    ),
    "a number": (lambda r: r.attrs.update(config=3), r"the attribute config must be a text, got a int"),
    "nested": (lambda r: r.attrs.update(sweep="[" * 3000), r"the attribute sweep is not JSON: .* nested at most 32"),
    "no object": (lambda r: r.attrs.update(versions="[]"), r"the attribute versions must be a JSON object, got \[\]"),
    "no version": (lambda r: r.attrs.update(versions="{}"), r"the attribute versions must name retrolux"),
    "created": (lambda r: r.attrs.update(created=1.5), r"the attribute created must be a text, got "),
    "study": (lambda r: r.attrs.update(study='{"name": 1}'), r"the attribute study must have name and about as texts"),
    "devices": (
        lambda r: r.attrs.update(devices='{"a": "x"}'),
        r"the attribute devices: 'a': a device must be written",
    ),
    "no device": (lambda r: r.attrs.update(devices="{}"), r"the coordinate device must hold the names"),
    "option": (lambda r: r["tap_pd_shot_noise"].attrs.update(option="x"), r"the attribute option of tap_pd_shot_noise"),
    "units": (lambda r: r["tap_pd_shot_noise"].attrs.update(units=1), r"the attribute units of tap_pd_shot_noise"),
    "epoch": (lambda r: r.coords.update({"epoch": [7, 8]}), r"the coordinate epoch must be 1, 2, 3"),
    "errors": (
        lambda r: r["metrics"].values.__setitem__(..., -0.5),
        r"errors in metrics must be fractions .*, got -0.5",
    ),
    "infinite": (lambda r: r["metrics"].values.__setitem__(..., np.inf), r"errors in metrics must be fractions .*inf"),
    "dims": (lambda r: r.__setitem__("shots", r["shots"].T), r"shots must have the dimensions tap_pd_shot_noise, seed"),
    "kind": (lambda r: r.__setitem__("shots", r["shots"] * 0.5), r"shots must hold whole numbers, got float64"),
    "failure": (lambda r: r.__setitem__("failure", r["shots"]), r"failure must hold texts, got int64"),
    "part": (lambda r: r.__setitem__("mesh_phi", ("mesh_layer", [0.0])), r"it has no mesh_theta, but mesh_phi"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_result_with_something_wrong_in_it_is_refused(tmp_path, written, change, message):
    path = tmp_path / "results.nc"
    path.write_bytes(written)
    results = read_results(path)
    change(results)
    write_results(results, path)
    with pytest.raises(ValueError, match=rf"results.nc is not the result of a sweep: {message}") as error:
        read_results(path)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_another_dataset_is_refused(tmp_path):
    xr.Dataset({"metrics": ("x", [1.0]), "shots": ("x", [1])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"a.nc is not the result of a sweep: it has no failure, seconds$"):
        read_results(tmp_path / "a.nc")
    with pytest.raises(FileNotFoundError, match=r"^there is no result .*none.nc$"):
        read_results(tmp_path / "none.nc")


def test_last_epochs(results):
    chosen = results.sel(optimizer="sgd", phase_bits=math.inf, tap_pd_shot_noise=0)
    assert last_epochs(chosen, "eval/error").values == pytest.approx([0.3, 0.31, 0.35])
    assert last_epochs(chosen, "eval/error", 2).values == pytest.approx([0.25, 0.26, 0.3])
    assert last_epochs(chosen, "eval/error", 10).values == pytest.approx([0.2, 0.21, 0.25])
    with pytest.raises(ValueError, match=r"^epochs must be at least 1, got 0$"):
        last_epochs(results, "eval/error", 0)


def test_last_epochs_of_what_stopped_or_was_shorter():
    sweep = Sweep(lists={"dataset": ["moons", "digits", "ring"]})
    records = {identity(c): Record(c, epochs(c, c.epochs)) for c in sweep.configs[:2]}
    failed = sweep.configs[2]
    records[identity(failed)] = Record(failed, epochs(failed, 4), "diverged")
    found = last_epochs(collect(sweep, records), "eval/error", 2).squeeze("seed").values
    assert found[:2] == pytest.approx([9.95, 3.95])
    assert math.isnan(found[2])


def test_confidence_is_that_of_scipy(rng):
    """Also where a run failed."""
    values = rng.normal(3.0, 2.0, size=(2, 6))
    values[1, 2] = math.nan
    found = confidence(xr.DataArray(values, dims=("lr", "seed")), level=0.9)
    for row, kept in enumerate([values[0], np.delete(values[1], 2)]):
        low, high = stats.ttest_1samp(kept, 0).confidence_interval(0.9)
        assert float(found["mean"][row]) == pytest.approx(kept.mean())
        assert (float(found["low"][row]), float(found["high"][row])) == pytest.approx((low, high))
    assert found["runs"].values.tolist() == [6, 5]


def test_confidence_needs_two_runs():
    found = confidence(xr.DataArray([[1.0, math.nan], [math.nan, math.nan]], dims=("lr", "seed")))
    assert found["runs"].values.tolist() == [1, 0]
    assert float(found["mean"][0]) == 1.0
    assert math.isnan(found["mean"][1])
    assert np.isnan(found["low"].values).all()
    assert np.isnan(found["high"].values).all()


def test_confidence_refuses_nonsense():
    values = xr.DataArray([1.0, 2.0], dims="seed")
    with pytest.raises(ValueError, match=r"^level must lie between 0 and 1, got 95$"):
        confidence(values, 95)
    with pytest.raises(ValueError, match=r"^values must have a dimension seed, got \('lr',\)$"):
        confidence(values.rename(seed="lr"))
