"""`retrolux energy`: what it prints and leaves, and one line for what it is asked wrongly."""

from __future__ import annotations

import dataclasses
import re

import pytest
from matplotlib.image import imread

from retrolux import cli
from retrolux.energy import EnergyReport, advantage, energy_report, from_toml, layer_cost, presets
from retrolux.energy.presets import PAI2023_TABLES, PRESETS
from retrolux.gradient import METHODS, Spsa
from retrolux.mesh import TOPOLOGIES
from retrolux.study import TrainConfig
from retrolux.study.checkpoint import write_checkpoint
from retrolux.study.network import Network


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_choices_are_those_of_the_library(capsys):
    with pytest.raises(SystemExit):
        cli.main(["energy", "--help"])
    said = re.sub(r"[│\s]", "", capsys.readouterr().out)
    choices = [PRESETS, ["published", *presets.DIGITAL], METHODS]
    choices.append([name for name, topology in TOPOLOGIES.items() if not topology.not_costed])
    for names in choices:
        assert f"{{{','.join(names)}}}" in said


@pytest.mark.slow
def test_topology_and_gradient_count(capsys):
    assert cli.main(["energy", "--topology", "diamond", "--gradient", "spsa", "--modes", "10", "12"]) == 0
    layers = (
        layer_cost(
            PAI2023_TABLES, f"mesh {number}", TOPOLOGIES["diamond"].build(modes), 64, method=Spsa(), first=number == 1
        )
        for number, modes in ((1, 10), (2, 12))
    )
    assert capsys.readouterr().out.startswith(str(EnergyReport(PAI2023_TABLES, 64, tuple(layers))))


@pytest.mark.slow
def test_it_prints_costs_and_crossings_and_leaves_figures(folder, capsys):
    assert cli.main(["energy"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("pai2023_tables, batches of 64, against 8-bit digital at 100 fJ per operation\n")
    assert re.search(r"^mesh 2  triangular, 64 modes +1 +1\.38 nJ  1\.78× ", printed, re.MULTILINE)
    assert re.search(r"^inference: dac 46\.5 %", printed, re.MULTILINE)
    for name, device in PRESETS.items():
        row = next(line for line in printed.splitlines() if line.split()[:1] == [name])
        found = [
            advantage(device, operation, range(2, 1025), 64, factor)
            for operation in ("mvm", "gradient")
            for factor in (1, 2, 4)
        ]
        assert row.split()[1:] == [str(modes) for modes in found]
    assert "do not agree" in printed
    assert "this device" not in printed
    out = folder / "runs" / "energy"
    names = [f"energy_{figure}.{kind}" for figure in ("maps", "parts") for kind in ("png", "svg")]
    assert sorted(file.name for file in out.iterdir()) == [".lock", "device.toml", *names]
    for name in names:
        if name.endswith("png"):
            assert min(imread(out / name).shape[:2]) > 300
        else:
            assert (out / name).read_text().rstrip().endswith("</svg>")
    assert from_toml((out / "device.toml").read_text()) == PAI2023_TABLES


@pytest.mark.slow
def test_a_changed_device_stands_beside_the_published_ones(folder, capsys):
    changes = ["shifters.power_per_pi=25", "link.tap_noise=0.01", "components.adc.energy=15.9"]
    assert cli.main(["energy", "--change", *changes, "--digital", "a100", "--modes", "8", "16", "--out", "x"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("pai2023_tables, changed, batches of 64, against A100, 8 bits at 641 fJ per operation\n")
    assert re.search(r"^light: +6\.68 µW for each of 8 modes\nlight: +3\.34 µW for each of 16 modes$", printed, re.M)
    assert re.search(r"^this device +none", printed, re.MULTILINE)
    written = from_toml((folder / "x" / "device.toml").read_text())
    assert (written.shifters.power_per_pi.value, written.link.tap_noise.value) == (25, 0.01)
    assert cli.main(["energy", "--device", "x/device.toml", "--modes", "8", "16"]) == 0
    assert capsys.readouterr().out.splitlines()[1:-1] == printed.splitlines()[1:-1]


@pytest.mark.slow
def test_a_trained_network_is_counted_mesh_by_mesh(folder, capsys):
    config = TrainConfig.recommended("moons")
    network = Network(config)
    write_checkpoint(folder / "best.pt", {"config": dataclasses.asdict(config), "network": network.state_dict()})
    assert cli.main(["energy", "--checkpoint", "best.pt", "--batch", "50"]) == 0
    assert capsys.readouterr().out.startswith(str(energy_report(network, 50)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--change", "link.colour=3"], "there is no link.colour: no 'colour'; there are power, "),
        (["--change", "link.power"], "change must be PART.NAME=NUMBER, got 'link.power'"),
        (["--change", "link.power=much"], "change must be PART.NAME=NUMBER, got 'link.power=much'"),
        (["--preset", "pai2023_figure", "--change", "link.power=1"], "there is no link.power: "),
        (["--device", "none.toml"], "there is no device file none.toml"),
        (["--device", "bad.toml"], "bad.toml: the device must have name, source, "),
        (["--modes", "1"], "modes must be integers of at least 2, got 1"),
        (["--modes", "6", "--topology", "butterfly"], "n must be a power of two for a butterfly, got 6"),
        (["--modes"], "modes must name a mesh at least, got none"),
        (["--batch", "0"], "batch must be integers of at least 1, got 0"),
        (["--batch", "9223372036854775808"], "batch must be at most 2147483647, got 9223372036854775808"),
        (["--modes", "8", "1000000"], "modes must be at most 16384, got 1000000"),
        (["--change", "link.mzi_loss=1e308"], "link.mzi_loss: value must be 0 or from 1e-30 to 1e+30, got 1e+308"),
        (["--change", "components.dac.mvm=1e31"], "mvm must be 0 or from 1e-30 to 1e+30, got 1e+31"),
        (
            ["--change", "link.column_loss=1000"],
            "the light of mesh 1 (64 modes) loses too much for its energy to be a",
        ),
        (["--change", "link.fixed_loss=1e30"], "lower link.mzi_loss, link.column_loss or link.fixed_loss"),
        (["--checkpoint", "none.pt"], "there is no checkpoint none.pt"),
        (["--preset", "pai"], "invalid choice 'pai' for argument '--preset'"),
    ],
)
def test_bad_input_is_told_in_a_line_before_anything_is_written(folder, capsys, arguments, message):
    (folder / "bad.toml").write_text("")
    assert cli.main(["energy", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err
    assert not (folder / "runs").exists()
