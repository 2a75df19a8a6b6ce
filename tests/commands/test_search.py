"""`retrolux search`: what it leaves, and one line for everything that goes wrong."""

from __future__ import annotations

import re

import pytest

from retrolux import cli
from retrolux.study import TrainConfig
from retrolux.study import from_toml as read_config
from retrolux.study.search_space import Range, Search, from_toml


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_search_leaves_a_configuration_that_trains(folder, capsys):
    change = ["--change", "dataset=moons", "epochs=2", "batch=200"]
    choose = ["--search", "lr=0.001..1:log", "optimizer=sgd,adam"]
    assert cli.main(["search", *change, *choose, "--trials", "4", "--workers", "1"]) == 0
    printed = capsys.readouterr()
    assert re.fullmatch(r"run 0/4\n(run \d/4: test error \d+\.\d\d %\n){4}", printed.err)
    header, best, *_, last = printed.out.splitlines()
    assert header.split("  ") == ["trial", "test error (best epoch)", "chosen"]
    assert last == "4 trials went well; train the best with: retrolux train --config runs/search/best.toml"
    assert from_toml(folder / "runs" / "search" / "search.toml") == Search(
        settings={"dataset": "moons", "epochs": 2, "batch": 200},
        space={"lr": Range(0.001, 1, log=True), "optimizer": ["sgd", "adam"]},
    )
    config = read_config(folder / "runs" / "search" / "best.toml")
    assert (config.dataset, config.batch) == ("moons", 200)
    assert f"lr {config.lr:.4g}, optimizer {config.optimizer}" in best
    assert cli.main(["train", "--config", "runs/search/best.toml", "--out", "best"]) == 0
    trained = min(float(row.split(",")[4]) for row in (folder / "best" / "metrics.csv").read_text().splitlines()[1:])
    assert f" {100 * trained:.2f} %" in best


def test_ctrl_c_says_how_to_continue(folder, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retrolux.study.search_driver.run_search", interrupted)
    options = ["search", "--search", "lr=0.1..1", "--out", "here", "--trials", "7"]
    assert cli.main(options) == 130
    assert capsys.readouterr().err == "retrolux: stopped before the search had begun\n"
    (folder / "here").mkdir()
    (folder / "here" / "search.toml").touch()
    assert cli.main(options) == 130
    assert capsys.readouterr().err == (
        "retrolux: stopped; continue with: retrolux search --out here --resume --trials 7\n"
    )


def test_options_over_a_file(folder, monkeypatch):
    (folder / "my.toml").write_text('lr = 0.1\n[search]\nobjective = "last"\nmodes = [16, 32]\n')
    seen = []

    def catch(search, *_, **__):
        seen.append(search)
        raise ValueError("seen")

    monkeypatch.setattr("retrolux.study.search_driver.run_search", catch)
    given = ["--change", "optimizer=sgd", "--search", "gain=1..100:log"]
    assert cli.main(["search", "--config", "my.toml", *given]) == 2
    assert cli.main(["search", "--config", "my.toml", "--objective", "best"]) == 2
    assert seen == [
        Search(
            settings={"lr": 0.1, "optimizer": "sgd"},
            space={"modes": [16, 32], "gain": Range(1, 100, log=True)},
            objective="last",
        ),
        Search(settings={"lr": 0.1}, space={"modes": [16, 32]}),
    ]
    assert seen[0].config({"modes": 16, "gain": 5.0}).batch == TrainConfig().batch


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"a search needs an option to choose at least, got none"),
        (["--search", "lr"], r"--search must be NAME=LOW..HIGH\[:log\] or NAME=VALUE,VALUE,…, got 'lr'"),
        (["--search", "lr=2..1"], r"a range must have numbers low < high, .*, got low = 2, high = 1, log = False"),
        (["--search", "lr=a..1:log"], r"a range must have numbers .*, got low = 'a', high = 1, log = True"),
        (["--search", "optimizer=sgd,lbfgs"], r"optimizer must be one of adam, sgd, got 'lbfgs'"),
        (["--search", "rate=1..2"], r"there is no option 'rate'.*"),
        (["--search", "lr=1..2", "--trials", "0"], r"trials must be at least 1, got 0"),
        (["--search", "lr=1..2", "--workers", "0"], r"workers must be from 1 to 1024, got 0"),
        (["--resume"], r"runs/search holds no search to resume: there is no search.toml"),
        (["--config", "none.toml"], r"there is no configuration file none.toml"),
        (["--objective", "first"], r".*'first'.*--objective.*; see retrolux search --help"),
    ],
)
def test_mistakes_end_as_one_line(capsys, arguments, message):
    assert cli.main(["search", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"retrolux: {message}\n", printed.err)
