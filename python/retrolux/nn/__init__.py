"""Photonic layers for torch."""

from __future__ import annotations

from retrolux.nn.activations import (
    ACTIVATIONS,
    CReLU,
    ElectroOptic,
    ModReLU,
    Modulus,
    Power,
    SaturableAbsorber,
    ZReLU,
)
from retrolux.nn.block_layer import BlockOptions
from retrolux.nn.blocks import Blocks
from retrolux.nn.conv import Conv1d, Conv2d
from retrolux.nn.conversion import Conversion, convert, convert_back
from retrolux.nn.detectors import Intensity
from retrolux.nn.intensity_linear import IntensityLinear
from retrolux.nn.linear import Linear
from retrolux.nn.matrix_fit import fit_matrix
from retrolux.nn.mesh import Mesh
from retrolux.nn.rnn import UnitaryRNN, UnitaryRNNCell

__all__ = [
    "ACTIVATIONS",
    "BlockOptions",
    "Blocks",
    "CReLU",
    "Conv1d",
    "Conv2d",
    "Conversion",
    "ElectroOptic",
    "Intensity",
    "IntensityLinear",
    "Linear",
    "Mesh",
    "ModReLU",
    "Modulus",
    "Power",
    "SaturableAbsorber",
    "UnitaryRNN",
    "UnitaryRNNCell",
    "ZReLU",
    "convert",
    "convert_back",
    "fit_matrix",
]
