"""What is wrong with a chip, and for how long. Needs NumPy and the compiled module, not torch.

`Imperfections` are the settings, `presets` hold some to start from; `fabricate` draws what is fixed when a chip is
made, `program` what happens when phases are written, `drift_step` what time does to them.
"""

from __future__ import annotations

from retrolux.hardware import presets
from retrolux.hardware.chip import Chip, Reading
from retrolux.hardware.crosstalk import Crosstalk, thermal_crosstalk
from retrolux.hardware.dispersion import detuned
from retrolux.hardware.explanation import explain
from retrolux.hardware.fabrication import Fabrication, fabricate
from retrolux.hardware.imperfections import Imperfections
from retrolux.hardware.philox import Stream, normals
from retrolux.hardware.programming import drift_step, program, quantise
from retrolux.hardware.self_configuration import SelfConfiguration, self_configure
from retrolux.hardware.simulated import SimulatedChip
from retrolux.hardware.tomography import measure_matrix

__all__ = [
    "Chip",
    "Crosstalk",
    "Fabrication",
    "Imperfections",
    "Reading",
    "SelfConfiguration",
    "SimulatedChip",
    "Stream",
    "detuned",
    "drift_step",
    "explain",
    "fabricate",
    "measure_matrix",
    "normals",
    "presets",
    "program",
    "quantise",
    "self_configure",
    "thermal_crosstalk",
]
