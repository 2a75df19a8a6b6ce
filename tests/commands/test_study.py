"""`retrolux study`: the folder it leaves, its options, and one line for everything that goes wrong."""

from __future__ import annotations

import json
import re

import pytest

from retrolux import cli, energy
from retrolux.energy.presets import PAI2023_TABLES
from retrolux.study import STUDIES, Study, read_results
from retrolux.study.tradeoff import DEVICES

SMALL = Study(
    name="quick",
    about="Small.",
    settings={"epochs": 2, "batch": 400, "modes": 10, "meshes": 1, "gradient": "three_measurement"},
    grids=({"tap_noise": (0.0, 0.1)},),
    planar_epochs=0,
    laws={"modes": (4,), "tap_noise": (0.02,), "loss_db_std": (0.02,), "effort": 16},
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(STUDIES, "quick", SMALL)
    return tmp_path


@pytest.fixture
def declared(monkeypatch):
    """Return a function: the study and the devices that a command line describes, nothing computed."""
    seen = []

    def catch(study, _, devices, **options):
        seen.append((study, devices, options))
        raise ValueError("seen")

    monkeypatch.setattr("retrolux.study.scalability.run_study", catch)

    def declare(*arguments):
        assert cli.main(["study", *arguments]) == 2
        return seen.pop()

    return declare


@pytest.mark.slow
def test_a_study_ends_with_a_report(folder, capsys):
    assert cli.main(["study", "--workers", "1"]) == 0
    out = folder / "runs" / "study"
    assert sorted(file.name for file in out.iterdir()) == [".lock", "figures", "report.html", "results.nc", "runs"]
    results = read_results(out / "results.nc")
    assert results["metrics"].sel(param="eval/error").notnull().all()
    printed = capsys.readouterr()
    assert printed.out == "the report is runs/study/report.html, the numbers are in runs/study/results.nc\n"
    assert re.fullmatch(r"run 0/2\n(run \d/2: test error \d+\.\d\d %\n){2}", printed.err)
    (out / "report.html").unlink()
    assert cli.main(["study", "--workers", "1"]) == 0  # goes on: nothing is left to compute
    assert capsys.readouterr().err == "run 2/2\n"
    assert (out / "report.html").exists()


def test_options_change_the_preset(declared):
    study, devices, options = declared("--preset", "paper", "--epochs", "3", "--seeds", "2", "--data-dir", "there")
    assert study.settings == {**STUDIES["paper"].settings, "epochs": 3, "data_dir": "there"}
    assert list(study.seeds) == [0, 1]
    assert study.grids == STUDIES["paper"].grids
    assert devices == DEVICES
    _, _, options = declared("--scheduler", "tcp://10.0.0.1:8786")
    assert (options["scheduler"], options["workers"]) == ("tcp://10.0.0.1:8786", None)


def test_a_device_of_ones_own_stands_beside_the_published_one(folder, declared):
    device = PAI2023_TABLES.changed("components.adc.energy", 10.0)
    (folder / "mine.toml").write_text(energy.to_toml(device).replace(f'"{device.name}"', '"mine"', 1))
    _, devices, _ = declared("--device", "mine.toml")
    assert list(devices) == [PAI2023_TABLES.name, "mine"]
    assert devices["mine"].components == device.components


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retrolux.study.scalability.run_study", interrupted)
    assert cli.main(["study"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "retrolux: stopped; the same command goes on with it"


@pytest.mark.slow
def test_the_result_survives_a_report_that_cannot_be_written(folder, capsys):
    (folder / "out" / "figures").mkdir(parents=True)
    (folder / "out" / "report.html").mkdir()  # in the way
    assert cli.main(["study", "--workers", "1", "--out", "out"]) == 2
    assert re.search(r"^retrolux: .*report\.html'\n", capsys.readouterr().err, flags=re.MULTILINE)
    assert json.loads(read_results(folder / "out" / "results.nc").attrs["study"])["name"] == "quick"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "slow"], r".*'slow'.*; see retrolux study --help"),
        (["--seeds", "0"], r"seeds must be from 1 to 100000, got 0"),
        (["--seeds", "1000000000000"], r"seeds must be from 1 to 100000, got 1000000000000"),
        (["--epochs", "0"], r"epochs must be an integer of at least 1, got 0 .*"),
        (["--workers", "0"], r"workers must be from 1 to 1024, got 0"),
        (["--device", "none.toml"], r"there is no device file none.toml"),
        (["--device", "bad.toml"], r"bad.toml: .*"),
        (["--preset", "paper"], r".*--data-dir.*"),
        (["--out", "bad.toml"], r"bad.toml is not a folder: choose another --out"),
    ],
)
def test_mistakes_end_as_one_line(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.delenv("RETROLUX_DATA", raising=False)
    (folder / "bad.toml").write_text("name = 3\n")
    assert cli.main(["study", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"retrolux: {message}", printed.err.splitlines()[-1])


def test_help_tells_the_presets_apart(monkeypatch, capsys):
    monkeypatch.undo()  # the presets as they are
    with pytest.raises(SystemExit):
        cli.main(["study", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, study in STUDIES.items():
        assert f"{name} {study.about}" in text
    assert "retrolux study --preset paper --data-dir ../shared/data --out runs/paper" in text
