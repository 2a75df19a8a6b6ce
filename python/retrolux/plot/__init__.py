"""Figures: meshes with their phases and their light, learning curves, decision maps, energy, panels.

Every function returns a matplotlib Figure and leaves pyplot alone; save one with ``figure.savefig(path)``.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("matplotlib") is None:
    raise ModuleNotFoundError('figures need matplotlib, which is not installed: pip install "retrolux[study]"')

from retrolux.plot.energy import cost_bars, energy_maps
from retrolux.plot.mesh import column_powers, draw_mesh, draw_meshes
from retrolux.plot.panels import Panel, Series, draw_panels
from retrolux.plot.planar import DecisionMap, decision_maps, draw_decision_maps
from retrolux.plot.study import learning_curves

__all__ = [
    "DecisionMap",
    "Panel",
    "Series",
    "column_powers",
    "cost_bars",
    "decision_maps",
    "draw_decision_maps",
    "draw_mesh",
    "draw_meshes",
    "draw_panels",
    "energy_maps",
    "learning_curves",
]
