"""The command: what it prints, what it leaves, and one line on stderr for everything that goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import requires, version

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from retrolux import cli, commands
from retrolux.commands import train as train_command
from retrolux.data import DATASETS
from retrolux.hardware import Imperfections, presets
from retrolux.study import TrainConfig, from_toml, load
from retrolux.study.config import CHOICES

_OPTIONS = len(TrainConfig.__dataclass_fields__) - 1 + len(Imperfections.__dataclass_fields__)
MOONS = ["train", "--dataset", "moons", "--batch", "200", "--epochs", "2"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "retrolux", *arguments], capture_output=True, text=True, check=False)


def help_of(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        cli.main([*arguments, "--help"])
    assert left.value.code in {0, None}
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"retrolux {version('retrolux')}\n"


def test_info_is_a_table(capsys):
    assert cli.main(["info"]) == 0
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert facts["version"] == version("retrolux")
    assert facts["instruction set in use"] in facts["instruction sets built"]
    assert {"compiler", "OpenMP", "threads"} <= facts.keys()
    assert facts["torch"] == torch.__version__
    assert facts["torch threads"] == str(torch.get_num_threads())


@pytest.mark.slow
def test_info_as_a_process():
    done = run("info")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"torch                   {torch.__version__}" in done.stdout


def test_help_lists_the_subcommands(capsys):
    text = help_of(capsys)
    assert "train Train a network of meshes and keep the run in a folder." in text
    assert "info Print the version, the compiler, the instruction sets and the threads." in text


def test_help_of_train_has_examples_units_and_defaults(capsys):
    text = help_of(capsys, "train")
    assert "Examples: retrolux train retrolux train --dataset moons --epochs 100" in text
    assert "rad for adam, rad² per unit of loss for sgd. (default: 0.01)" in text
    assert "Folder of the run. (default: runs/digits)" in text
    for names in CHOICES.values():
        assert f"{{{','.join(names)}}}" in text.replace(" ", "")
    for name in CHOICES["dataset"]:
        assert f"{name} {DATASETS[name].about}" in text
    assert f"{'|'.join(presets.CHIPS)}|FILE" in text
    documented = text.count("(default: ")
    assert "--io-phase-std FLOAT Shot: in π rad, phase error of every input and output" in text
    assert documented == _OPTIONS + 5  # --out, --resume, --config, --chip, --download
    assert not re.search(r"--[a-z-]+ (\S+ )?\(default", text)  # no option without a word


def test_help_shows_the_defaults_of_the_data_set(capsys):
    text = help_of(capsys, "train", "--dataset", "mnist", "--optimizer=sgd")
    assert "(default: runs/mnist)" in text
    assert f"(default: {TrainConfig.recommended('mnist', 'sgd').lr})" in text


def test_help_is_quick_because_it_imports_little():
    code = (
        "import sys; from retrolux.cli import main\n"
        "try: main(['info', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'scipy', 'tqdm', 'xarray', 'dask', 'optuna'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.slow
def test_train_leaves_a_run(folder, capsys):
    assert cli.main(MOONS) == 0
    out = folder / "runs" / "moons"
    assert sorted(file.name for file in out.iterdir()) == [
        ".lock",
        "best.pt",
        "config.toml",
        "decision_map.png",
        "last.pt",
        "learning_curves.png",
        "mesh.png",
        "metrics.csv",
    ]
    for figure in ("decision_map.png", "learning_curves.png", "mesh.png"):
        height, width, _ = imread(out / figure).shape
        assert min(height, width) > 300
    assert from_toml(out / "config.toml") == replace(TrainConfig.recommended("moons"), batch=200, epochs=2)
    printed = capsys.readouterr()
    assert "moons: 800 train, 200 test, 2 classes" in printed.out
    assert "3 triangular meshes of 4 modes: 36 phases, complex64" in printed.out
    assert "adam, lr 0.01, batch 200, seed 0" in printed.out
    last = printed.out.splitlines()[-1].split()
    assert last[:2] == ["last", "2"]
    assert re.fullmatch(r"epoch 1/2: loss \d\.\d{4}, test accuracy \d+\.\d\d %", printed.err.splitlines()[0])
    network = load(out / "last.pt")
    assert float(last[-2]) <= 100
    assert network(torch.zeros(1, 4, dtype=torch.complex64)).shape == (1, 2)


@pytest.mark.slow
def test_a_second_run_is_not_started_over_the_first(capsys):
    assert cli.main(MOONS) == 0
    capsys.readouterr()
    assert cli.main(MOONS) == 2
    assert capsys.readouterr().err == (
        "retrolux: runs/moons already holds a run: continue it with --resume or choose another --out\n"
    )


@pytest.mark.slow
def test_resume_needs_no_other_option(folder, capsys):
    assert cli.main([*MOONS, "--out", "here", "--seed", "5"]) == 0
    assert cli.main(["train", "--out", "here", "--resume", "--epochs", "3"]) == 0
    config = from_toml(folder / "here" / "config.toml")
    assert (config.seed, config.batch, config.epochs) == (5, 200, 3)
    assert cli.main(["train", "--resume", "--out", "here", "--lr", "0.5"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("changed: lr (was 0.01, now 0.5)")


@pytest.mark.slow
def test_config_file_gives_the_defaults(folder):
    (folder / "my.toml").write_text('dataset = "ring"\nbatch = 400\nepochs = 7\n')
    assert cli.main(["train", "--config", "my.toml", "--epochs", "1"]) == 0
    expected = replace(TrainConfig.recommended("ring"), batch=400, epochs=1)
    assert from_toml(folder / "runs" / "ring" / "config.toml") == expected


@pytest.mark.slow
def test_train_on_chips(folder, capsys):
    assert cli.main([*MOONS, "--gradient", "sum_difference", "--tap-noise", "0.1", "--chip-seed", "3"]) == 0
    printed = capsys.readouterr().out
    assert "chips     seed 3: tap_noise 0.1\n" in printed
    assert re.search(r"gradient  sum_difference, cosine to the exact one 0\.\d{4} in the last batch\n", printed)
    assert "light     2.04e+04 samples sent through the chips\n" in printed
    config = from_toml(folder / "runs" / "moons" / "config.toml")
    assert (config.gradient, config.chip_seed, config.imperfections) == (
        "sum_difference",
        3,
        Imperfections(tap_noise=0.1),
    )
    experiment = load(folder / "runs" / "moons" / "last.pt").layers[0].experiment
    assert experiment.chip.imperfections == config.imperfections
    assert cli.main(["train", "--resume", "--out", "runs/moons", "--epochs", "3"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("chip", ["pai_2023", "chip.toml"])
def test_a_chip_gives_the_defaults_of_the_imperfections(folder, capsys, chip):
    (folder / "chip.toml").write_text(presets.PAI_2023.to_toml())
    assert cli.main([*MOONS, "--chip", chip, "--tap-noise", "0.02"]) == 0
    expected = replace(TrainConfig.recommended("moons"), batch=200, epochs=2)
    expected = replace(expected, imperfections=replace(presets.PAI_2023, tap_noise=0.02))
    assert from_toml(folder / "runs" / "moons" / "config.toml") == expected
    assert "gradient  three_measurement, cosine" in capsys.readouterr().out


def test_a_bad_chip_file_is_named(folder, capsys):
    (folder / "chip.toml").write_text("tap_noise = -1\n")
    assert cli.main([*MOONS, "--chip", "chip.toml"]) == 2
    assert capsys.readouterr().err == ("retrolux: chip.toml: tap_noise must be a finite number of at least 0, got -1\n")


@pytest.mark.slow
def test_ctrl_c_says_how_to_continue(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("retrolux.study.train._train_epoch", interrupted)
        assert cli.main([*MOONS, "--out", "here"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        "retrolux: stopped; continue after the last complete epoch with: retrolux train --out here --resume"
    )
    assert cli.main(["train", "--out", "here", "--resume"]) == 0


def test_ctrl_c_before_the_run_has_begun(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retrolux.data.load", interrupted)
    assert cli.main(MOONS) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "retrolux: stopped before the run had begun"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], f"Expected one of {{{', '.join(commands.NAMES)}}}; see retrolux --help"),
        (["trian"], r"Unrecognized options: trian; see retrolux --help"),
        (["info", "--fast"], r"Unrecognized options: --fast; see retrolux info --help"),
        (["train", "--rate", "1"], r"Unrecognized options: --rate, 1; see retrolux train --help"),
        (["train", "--lr", "fast"], r"Error parsing --lr: .*'fast'; see retrolux train --help"),
        (["train", "--lr"], r"Missing value for argument '--lr'.*; see retrolux train --help"),
        (["train", "--dataset"], r"Missing value for argument '--dataset'.*; see retrolux train --help"),
        (["train", "--lr", "-1"], r"lr must be a finite number above 0, got -1.0"),
        (["train", "--epochs", "0"], r"epochs must be an integer of at least 1, got 0"),
        (["train", "--modes", "4"], r"modes must be at least 10 for digits, a port per class, got 4"),
        (["train", "--dataset", "ring", "--modes", "8"], r"modes must be 4 for ring, got 8"),
        (["train", "--topology", "butterfly", "--modes", "12"], r".*power of two.*12"),
        (["train", "--resume"], r"runs/digits holds no run to resume: there is no last.pt"),
        (["train", "--config", "none.toml"], r"there is no configuration file none.toml"),
        (["train", "--chip-seed", "3"], r"chip_seed needs a chip: an imperfection or a gradient .*, got 3"),
        (["train", "--chip", ""], rf"chip must be one of {', '.join(presets.CHIPS)} or a TOML file, got ''"),
        (["train", "--data-dir", "\udcff"], r"data_dir must be a name in UTF-8, got '\\udcff'"),
        (["train", "--lr", "1e300"], r"lr must be at most 3\.4e\+37, got 1e\+300"),
        (["train", "--batch", "9223372036854775808"], r"batch must be at most 2147483647, got 9223372036854775808"),
        (["train", "--loss-db", "1e308"], r"loss_db must be at most 1e\+15, got 1e\+308; see .*"),
        (["train", "--chip", "tin"], rf"chip must be one of {', '.join(presets.CHIPS)} or a TOML file, got 'tin'"),
        (
            ["train", "--tap-noise", "-1"],
            r"tap_noise must be a finite number of at least 0, got -1.0; see retrolux train --help",
        ),
        *(
            (
                ["train", f"--{field.replace('_', '-')}", "guess"],
                rf".*'guess'.*{', '.join(map(repr, names))}.*; see retrolux train --help",
            )
            for field, names in CHOICES.items()
        ),
        (["train", "--dataset", "mnist"], r".*--data-dir.*"),
        (["train", "--dataset", "moons", "--optimizer", "sgd", "--lr", "1e38"], r"training diverged in epoch 1.*"),
    ],
)
def test_mistakes_end_as_one_line(monkeypatch, capsys, arguments, message):
    monkeypatch.delenv("RETROLUX_DATA", raising=False)
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"retrolux: {message}\n", printed.err)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])  # decides how tyro draws
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--lr", "0"], "lr must be a finite number above 0, got 0.0"),
        (["train", "--rate"], "Unrecognized options: --rate; see retrolux train --help"),
    ],
)
def test_mistakes_of_a_process_are_one_line(monkeypatch, encoding, arguments, message):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"retrolux: {message}\n")


def test_a_mistake_in_the_code_keeps_its_traceback(monkeypatch):
    def broken(*_, **__):
        raise TypeError("a mistake in the code")

    monkeypatch.setattr(train_command.Train, "run", broken)
    with pytest.raises(TypeError, match="a mistake in the code"):
        cli.main(MOONS)


EXTRA = sorted(re.split(r"[^\w-]", line)[0] for line in requires("retrolux") if re.search(r"extra == .study", line))
OF_OTHERS = ["dask", "sqlalchemy"]  # which come with distributed and optuna


def test_every_package_of_the_extra_is_looked_for():
    assert sorted(cli._NEEDED) == sorted(EXTRA + OF_OTHERS)


@pytest.mark.parametrize("package", EXTRA + OF_OTHERS)
def test_a_missing_package_is_named_before_any_work(folder, monkeypatch, capsys, package):
    monkeypatch.setitem(sys.modules, {"scikit-learn": "sklearn", "pillow": "PIL"}.get(package, package), None)  # hidden
    for arguments in ([], MOONS, *([name] for name in commands.NAMES), ["train", "--help"]):
        assert cli.main(arguments) == 2
        assert capsys.readouterr().err == (
            f'retrolux: the command needs {package}, not installed here: pip install "retrolux[study]"\n'
        )
    assert not list(folder.iterdir())


def test_a_package_that_lacks_another_is_told_with_the_same_hint(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli.main(["info"]) == 2
    assert re.fullmatch(r'retrolux: .*torch.*: pip install "retrolux\[study\]"\n', capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--out", ""],
        ["train", "--out="],
        ["train", "--config", ""],
        ["train", "--dataset", "moons", "--epochs", "2", "--out", ""],  # not: modes must be 4 for moons
        ["train", "--dataset", "moons", "--config", ""],
        ["sweep", "--out", ""],
        ["sweep", "--config="],
        ["search", "--out", ""],
        ["study", "--out="],
        ["study", "--device", ""],
        ["report", ""],
        ["report", "results.nc", "--out", ""],
        ["energy", "--out", ""],
        ["energy", "--checkpoint", ""],
        ["bench", "--out", ""],
    ],
)
def test_an_empty_path_is_not_the_folder_here(folder, capsys, arguments):
    assert cli.main(arguments) == 2
    assert re.fullmatch(
        r"retrolux: Error parsing \S+: a path must not be empty: write \. for the folder that you are in; see .*\n",
        capsys.readouterr().err,
    )
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_the_folder_here_may_be_meant(folder):
    assert cli.main([*MOONS, "--out", "."]) == 0
    assert (folder / "last.pt").exists()


@pytest.mark.parametrize("empty", [np.empty, torch.empty])
def test_memory_that_is_not_there_is_no_traceback(monkeypatch, capsys, empty):
    monkeypatch.setattr(train_command.Train, "run", lambda _: empty(2**52))
    assert cli.main(MOONS) == 2
    assert re.fullmatch(r"retrolux: there is not enough memory: .*allocate .*\n", capsys.readouterr().err)


def test_version_needs_none_of_them(monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_the_bar_is_drawn_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert cli.main([*MOONS, "--epochs", "3"]) == 0
    drawn = capsys.readouterr().err
    assert re.search(r"3/3 .*loss \d\.\d{4}, test accuracy \d+\.\d\d %", drawn)
    assert "epoch 1/3:" not in drawn
