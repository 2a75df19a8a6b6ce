"""The presets: valid, apart from each other, and what their names promise."""

from __future__ import annotations

import pytest

from retrolux.hardware import Imperfections, explain, presets
from retrolux.mesh import triangular

ALL = list(presets.CHIPS.values())


@pytest.mark.parametrize("preset", ALL)
def test_presets_are_settings_that_can_be_written_and_explained(preset):
    assert Imperfections.from_toml(preset.to_toml()) == preset
    assert "nan" not in explain(preset, triangular(64))


def test_presets_differ():
    assert len(set(ALL)) == len(ALL)
    assert [getattr(presets, name.upper()) for name in presets.CHIPS] == ALL


def test_ideal_is_ideal_and_nothing_else_is():
    assert [preset for preset in ALL if preset.is_ideal] == [presets.IDEAL]


def test_the_published_errors_are_points_of_the_published_grid():
    published = presets.PAI_2023
    assert published.io_amplitude_std in {0, 0.025, 0.05}
    assert published.io_phase_std in {0, 0.025, 0.05}
    assert published.tap_noise in {0, 0.005, 0.01, 0.02}
    assert published.loss_db_std in {0, 0.05}


def test_only_heaters_heat():
    assert presets.FOUNDRY_THERMAL.crosstalk > 0
    assert presets.MEMS.crosstalk == 0
