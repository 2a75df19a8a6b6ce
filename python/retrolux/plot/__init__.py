"""Figures: meshes with their phases and their light, learning curves, decision maps.

Every function returns a matplotlib Figure and leaves pyplot alone; save one with ``figure.savefig(path)``.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("matplotlib") is None:
    raise ModuleNotFoundError('figures need matplotlib, which is not installed: pip install "retrolux[study]"')

from retrolux.plot.mesh import column_powers, draw_mesh, draw_meshes
from retrolux.plot.study import decision_maps, learning_curves

__all__ = ["column_powers", "decision_maps", "draw_mesh", "draw_meshes", "learning_curves"]
