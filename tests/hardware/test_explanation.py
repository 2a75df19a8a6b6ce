"""The numbers of the explanation, against the meshes and the models they speak of."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrolux.hardware import Imperfections, explain, fabricate, presets
from retrolux.mesh import (
    butterfly,
    from_columns,
    haar_phases,
    matrix,
    rectangular,
    triangular,
)
from retrolux.option import options_of

MESH = triangular(16)


def line(imperfections, start, mesh=MESH):
    """Return the one line of the explanation that starts so."""
    (found,) = [text.strip() for text in explain(imperfections, mesh).splitlines() if text.strip().startswith(start)]
    return found


def number(text, before):
    """Return the number that follows `before`."""
    return float(re.search(re.escape(before) + r"\s*(-?[\d.]+(?:e[+-]?\d+)?)", text)[1])


def distance(mesh, rng, draws, spoil):
    """Return the rms of ‖ΔU‖/√N over Haar-random phases."""
    squares = []
    for draw in range(draws):
        phases = haar_phases(mesh, rng)
        squares.append(np.linalg.norm(spoil(draw, phases) - matrix(mesh, *phases)) ** 2 / mesh.modes)
    return np.sqrt(np.mean(squares))


def test_an_ideal_chip_needs_few_words():
    text = explain(Imperfections(), MESH)
    assert text == "triangular mesh (16 modes, 120 MZIs in 29 columns): nothing is wrong with this chip"
    assert explain(Imperfections(crosstalk_range=7), MESH) == text


@pytest.mark.parametrize(
    ("settings", "starts"),
    [
        ({"coupler_std": 0.02}, ["couplers"]),
        ({"loss_db": 0.1}, ["loss:", "loss in situ"]),
        ({"loss_db_std": 0.1}, ["loss:", "loss in situ", "spread of the loss"]),
        ({"column_loss_db": 0.1}, ["loss:", "loss in situ"]),
        ({"phase_offset_std": 0.1}, ["phase offsets"]),
        ({"crosstalk": 0.1}, ["crosstalk"]),
        ({"phase_std": 0.1}, ["phase write error"]),
        ({"phase_bits": 6}, ["phase quantisation"]),
        ({"drift_std_per_s": 1e-3}, ["drift"]),
        ({"io_amplitude_std": 0.1}, ["inputs and outputs: amplitudes"]),
        ({"io_phase_std": 0.1}, ["inputs and outputs: phases"]),
        ({"tap_noise": 0.1}, ["tap noise"]),
        ({"detector_noise": 0.1}, ["detector noise"]),
        ({"adc_bits": 6}, ["converters"]),
        ({"detuning_nm": 1.0, "coupler_dispersion": 1e-3}, ["detuning"]),
    ],
    ids=lambda value: next(iter(value)),
)
def test_each_imperfection_has_its_own_lines(settings, starts):
    first, *rest = explain(Imperfections(**settings), MESH).splitlines()
    assert first == "triangular mesh (16 modes, 120 MZIs in 29 columns)"
    assert len(rest) == len(starts)
    for text, start in zip(rest, starts, strict=True):
        assert text.startswith(f"  {start}")


def test_loss_of_the_longest_path():
    text = line(Imperfections(loss_db=0.1, column_loss_db=0.05), "loss:")
    assert number(text, "loss:") == pytest.approx(29 * (0.2 + 0.05), rel=5e-3)
    assert "29 MZIs of 0.2 dB and 29 columns of 0.05 dB" in text
    half_normal = line(Imperfections(loss_db_std=0.05), "loss:", triangular(64))
    assert number(half_normal, "loss:") == pytest.approx(125 * 2 * 0.05 * math.sqrt(2 / math.pi), rel=5e-3)


def test_loss_of_the_longest_path_is_that_of_the_mesh():
    # With all MZIs in the bar state light stays in its mode, and mode 2 meets one in every column.
    mesh = rectangular(6)
    chip = Imperfections(loss_db=0.1, column_loss_db=0.05)
    made = fabricate(mesh, chip, 0)
    response = matrix(mesh, np.full(mesh.mzis, np.pi), np.zeros(mesh.mzis), np.zeros(mesh.modes), None, made.loss_db)
    power = np.abs(response * 10 ** (-made.output_loss_db / 20)[:, None]) ** 2
    lost = -10 * np.log10(power.max(axis=0).min())
    assert number(line(chip, "loss:", mesh), "loss:") == pytest.approx(lost, rel=5e-3)


@pytest.mark.parametrize("mesh", [triangular(16), butterfly(16)], ids=["triangular", "butterfly"])
def test_coupler_errors_move_the_matrix_as_said(mesh, rng):
    chip = Imperfections(coupler_std=0.003)

    def spoil(draw, phases):
        return matrix(mesh, *phases, fabricate(mesh, chip, draw).coupler_error)

    said = number(line(chip, "couplers", mesh), "‖ΔU‖/√N ≈")
    assert distance(mesh, rng, 30, spoil) == pytest.approx(said, rel=0.05)


@pytest.mark.parametrize("mesh", [triangular(16), butterfly(16)], ids=["triangular", "butterfly"])
def test_phase_errors_move_the_matrix_as_said(mesh, rng):
    chip = Imperfections(phase_std=0.003)

    def spoil(_, phases):
        return matrix(mesh, *(part + 0.003 * rng.standard_normal(part.shape) for part in phases))

    said = number(line(chip, "phase write error", mesh), "‖ΔU‖/√N ≈")
    assert distance(mesh, rng, 30, spoil) == pytest.approx(said, rel=0.05)


def test_the_laws_of_full_meshes():
    chip = Imperfections(coupler_std=0.01, phase_std=0.01, phase_offset_std=0.02, drift_std_per_s=1e-3)
    mesh = triangular(64)
    assert number(line(chip, "phase write", mesh), "‖ΔU‖/√N ≈") == pytest.approx(math.sqrt(64) * 0.01, rel=5e-3)
    assert number(line(chip, "phase offsets", mesh), "‖ΔU‖/√N ≈") == pytest.approx(math.sqrt(64) * 0.02, rel=5e-3)
    assert number(line(chip, "couplers", mesh), "‖ΔU‖/√N ≈") == pytest.approx(math.sqrt(128) * 0.01, rel=0.02)
    assert number(line(chip, "drift", mesh), "‖ΔU‖/√N ≈") == pytest.approx(math.sqrt(64) * 0.06, rel=5e-3)
    loss = Imperfections(loss_db=10, loss_db_std=0.02)
    expected = 1.15 * 64 * (math.log(10) / 20 * 0.02) ** 2
    assert number(line(loss, "spread of the loss", mesh), "ε ≈") == pytest.approx(expected, rel=0.03)


def test_extinction_of_the_cross_state(rng):
    errors = 0.05 * rng.standard_normal((20_000, 2))
    leak = (np.sin(errors.sum(axis=1)) ** 2).mean()
    text = line(Imperfections(coupler_std=0.05), "couplers")
    assert number(text, "cross state") == pytest.approx(-10 * math.log10(leak), abs=0.2)
    assert number(text, "it leaks") == pytest.approx(leak, rel=0.05)


def test_quantisation_in_levels_and_steps():
    text = line(Imperfections(phase_bits=6), "phase quantisation")
    assert number(text, "quantisation:") == 64
    assert number(text, "levels,") == pytest.approx(2 * math.pi / 64, rel=5e-3)
    assert number(text, "apart:") == pytest.approx(2 * math.pi / 64 / math.sqrt(12), rel=0.02)


def test_crosstalk_in_rad():
    mesh = from_columns(2, [[(0, 1)]])
    text = line(Imperfections(crosstalk=0.1, crosstalk_range=1), "crosstalk", mesh)
    # θ at (1, 0) has the neighbours φ at (0, 0) and γ at (2, 0); γ of mode 0 has θ and γ of mode 1; the others one.
    assert number(text, "they receive") == pytest.approx(math.pi * 0.1 * 6 / 4, rel=0.02)
    assert number(text, "average,") == pytest.approx(math.pi * 0.2, rel=0.02)


def test_shots_in_plain_units():
    chip = Imperfections(io_amplitude_std=0.025, io_phase_std=0.05, detector_noise=0.01, adc_bits=8)
    assert number(line(chip, "inputs and outputs: amp"), "off by") == 2.5
    assert number(line(chip, "inputs and outputs: pha"), "off by") == pytest.approx(0.157, abs=1e-3)
    assert number(line(chip, "detector"), "0.01,") == pytest.approx(4)
    assert number(line(chip, "converters"), "converters:") == 256


def test_detuning_in_rad():
    chip = Imperfections(coupler_dispersion=0.003, phase_dispersion=-1e-3, detuning_nm=-4)
    text = line(chip, "detuning")
    assert number(text, "detuning:") == -4
    assert number(text, "angle by") == pytest.approx(-0.012)
    assert number(text, "phase of π by") == pytest.approx(math.pi * 0.004, rel=5e-3)


def test_tap_noise_in_numbers():
    text = line(Imperfections(tap_noise=0.01), "tap noise", triangular(64))
    assert number(text, "ε ≈") == pytest.approx(0.0063, abs=1e-4)
    assert number(text, "measurements),") == pytest.approx(0.0016, abs=1e-4)


@given(
    st.builds(
        Imperfections,
        **{
            name: st.none() | st.integers(about.least, about.most)
            if about.or_none
            else st.floats(about.least, min(about.most, 1e3), exclude_max=about.below)
            for name, about in options_of(Imperfections).items()
        },
    )
)
def test_any_setting_can_be_explained(chip):
    text = explain(chip, rectangular(3))
    assert "nan" not in text
    assert "ε ≈ -" not in text


def test_a_change_shows():
    before = presets.FOUNDRY_THERMAL
    assert explain(before, MESH) != explain(dataclasses.replace(before, loss_db=0.2), MESH)


LARGE = {name: 1e15 for name, about in options_of(Imperfections).items() if about.most == 1e15}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("value", [1e15, 1e-300])
def test_numbers_stay_finite_whatever_is_wrong(name, value):
    one = {name: value if name != "crosstalk_range" else 1e15}
    for wrong in (one, LARGE | one, one | {"crosstalk": 0.5}):
        assert not re.search(r"\b(inf|nan)\b", explain(Imperfections(**wrong), MESH))
