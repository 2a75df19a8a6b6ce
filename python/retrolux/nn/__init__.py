"""Photonic layers for torch."""

from __future__ import annotations

from retrolux.nn.activations import (
    CReLU,
    ElectroOptic,
    ModReLU,
    Modulus,
    Power,
    SaturableAbsorber,
    ZReLU,
)
from retrolux.nn.detectors import Intensity
from retrolux.nn.fit import fit_matrix
from retrolux.nn.mesh import Mesh

__all__ = [
    "CReLU",
    "ElectroOptic",
    "Intensity",
    "Mesh",
    "ModReLU",
    "Modulus",
    "Power",
    "SaturableAbsorber",
    "ZReLU",
    "fit_matrix",
]
