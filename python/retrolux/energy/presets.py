"""Devices to start from: the published ones, which do not agree with each other.

`PAI2023_TABLES` is built from the components in the tables of the supplement, `PAI2023_FIGURE` from what the published
heat maps plot; the notebook that drew them holds other components than the tables. Both leave out the power that holds
the phases, the efficiency of the laser, the insertion loss, memory, and the noise of the receivers: here these are
numbers that do nothing (0, or an efficiency of 1), to be changed with `Device.changed` or in a TOML file.

A number without a source is a typical value by our judgement, and is called so. `DIGITAL` holds other processors to
compare with.
"""

from __future__ import annotations

from dataclasses import replace

from retrolux.energy.device import (
    Component,
    Device,
    Digital,
    Floorplan,
    LinkBudget,
    Receiver,
    Shifters,
    Timing,
)
from retrolux.energy.quantity import Quantity

__all__ = [
    "DIGITAL",
    "PAI2023_FIGURE",
    "PAI2023_TABLES",
    "PAI2023_TABLES_DIGITAL_CONTROL",
    "PAI2023_TABLES_REAL_LIGHT",
    "PRESETS",
]

_TABLES = "Pai et al., Science 380, 398 (2023), supplement, tables S1 to S4"
_FIGURE = "Pai et al., Science 380, 398 (2023), recovered from the published heat maps"
_NOT_COUNTED = "not counted in the published model"

# 12.5 pJ for 8 of the 64 bits read from 1 MB of SRAM at 100 pJ, 160 pJ from DRAM: Horowitz, ISSCC 2014.
_NO_MEMORY = Quantity(0.0, "pJ", f"{_NOT_COUNTED}; 8 bits of SRAM: 12.5 pJ (Horowitz, ISSCC 2014)")

_SHIFTERS = Shifters(
    power_per_pi=Quantity(0.0, "mW", f"{_NOT_COUNTED}; thermal: 25 to 50 mW, MEMS: next to nothing"),
)
_RECEIVER = Receiver(
    responsivity=Quantity(1.0, "A/W", "germanium on silicon: typical value, no single source"),
    tap_fraction=Quantity(3.0, "%", "typical value, no single source"),
    thermal_current=Quantity(0.0, "pA/√Hz", "limit of shot noise; about 10 pA/√Hz is typical for amplifiers at 1 GHz"),
)
_TIMING = Timing(
    modulation_rate=Quantity(1.0, "GHz", _TABLES),
    conversion_rate=Quantity(1.0, "GHz", _TABLES),
    conversion_delay=Quantity(1.0, "ns", "a period of the clock, the least: typical value, no single source"),
)
_FLOORPLAN = Floorplan(
    column_pitch=Quantity(500.0, "um", "typical value for thermal shifters, no single source"),
    mode_pitch=Quantity(100.0, "um", "typical value for thermal shifters, no single source"),
    group_index=Quantity(4.2, "", "silicon strip waveguide at 1550 nm: typical value, no single source"),
)

# 92 TOPS is the peak of the first tensor processing unit (Jouppi et al., ISCA 2017).
_THROUGHPUT = Quantity(92.0, "TOPS", "not published with the energies; that of the TPU, Jouppi et al., ISCA 2017")

PAI2023_TABLES = Device(
    name="pai2023_tables",
    source=f"{_TABLES}: components at 1 GHz, 8 bits, inputs and outputs through converters",
    components={
        "modulator": Component(energy=Quantity(1.0, "fJ", _TABLES), mvm=2, gradient=6),
        "dac": Component(energy=Quantity(5.0, "pJ", f"{_TABLES}: 8 bits"), mvm=2, gradient=6),
        "adc": Component(energy=Quantity(1.38, "pJ", f"{_TABLES}: 8 bits"), mvm=4, gradient=8),
        "amplifier": Component(energy=Quantity(0.7, "pJ", _TABLES), mvm=4, gradient=8, gradient_per_phase=4),
        "switch": Component(energy=Quantity(1.0, "fJ", _TABLES), gradient_per_phase=20),
        "operation": Component(energy=Quantity(0.1, "pJ", f"{_TABLES}: 8 bits"), mvm=12, gradient=36),
        "memory": Component(energy=_NO_MEMORY, gradient_per_phase=2),
    },
    link=LinkBudget(
        power=Quantity(1.0, "mW", _TABLES),
        tap_noise=Quantity(0.0, "", _NOT_COUNTED),
        detector_noise=Quantity(0.0, "", _NOT_COUNTED),
        mvm=2,
        gradient=6,
        laser_efficiency=Quantity(1.0, "", f"{_NOT_COUNTED}; 10 to 20 % is typical"),
        fixed_loss=Quantity(0.0, "dB", _NOT_COUNTED),
        mzi_loss=Quantity(0.0, "dB", _NOT_COUNTED),
        column_loss=Quantity(0.0, "dB", _NOT_COUNTED),
    ),
    shifters=_SHIFTERS,
    receiver=_RECEIVER,
    timing=_TIMING,
    floorplan=_FLOORPLAN,
    digital=Digital(
        name="8-bit digital",
        operation=Quantity(0.1, "pJ", _TABLES),
        throughput=_THROUGHPUT,
        memory=_NO_MEMORY,
    ),
)
"""The tables: 21.5 pJ per sample and mode for a multiplication, 56.2 pJ and 2.82 pJ per phase for a gradient."""

PAI2023_TABLES_DIGITAL_CONTROL = replace(
    PAI2023_TABLES,
    name="pai2023_tables_digital_control",
    source=f"{_TABLES}: components at 1 GHz, 8 bits, modulators driven by bits without converters",
    components=PAI2023_TABLES.components
    | {
        "modulator": Component(energy=Quantity(16.0, "fJ", _TABLES), mvm=2, gradient=6),
        "dac": Component(energy=Quantity(0.0, "pJ", f"{_TABLES}: none with digital control"), mvm=2, gradient=6),
    },
)
"""The tables with digital control: 11.55 pJ per sample and mode, 26.3 pJ and 2.82 pJ per phase for a gradient."""

PAI2023_FIGURE = replace(
    PAI2023_TABLES,
    name="pai2023_figure",
    source=f"{_FIGURE}; which components make up these sums is not published",
    components={
        "multiplication": Component(energy=Quantity(9.446, "pJ", _FIGURE), mvm=1),
        "gradient": Component(energy=Quantity(28.372, "pJ", _FIGURE), gradient=1),
        "taps": Component(energy=Quantity(0.206, "pJ", _FIGURE), gradient_per_phase=1),
        "memory": Component(energy=_NO_MEMORY, gradient_per_phase=2),
    },
    link=None,
    digital=replace(
        PAI2023_TABLES.digital,
        operation=Quantity(8.0, "TOPS/W", f"{_FIGURE}: the contour of equal efficiency"),
    ),
)
"""The figure: 9.446 pJ per sample and mode for a multiplication, 28.372 pJ and 0.206 pJ per phase for a gradient."""

PRESETS = {device.name: device for device in (PAI2023_TABLES, PAI2023_TABLES_DIGITAL_CONTROL, PAI2023_FIGURE)}


PAI2023_TABLES_REAL_LIGHT = replace(
    PAI2023_TABLES.changed("receiver.thermal_current", 10.0)
    .changed("link.laser_efficiency", 0.15)
    .changed("link.fixed_loss", 3.0),
    name="pai2023_tables_real_light",
    source=(
        f"{PAI2023_TABLES.source}; and what they leave out: 10 pA/√Hz of thermal noise in the receivers, a laser of "
        "15 % efficiency, 3 dB for facets and modulators (typical values, no single source)"
    ),
)
"""The published tables with a laser and a receiver as they are found in laboratories."""

_PEAK = "peak throughput over thermal design power"

DIGITAL = {
    "tpu_v1": Digital(
        name="TPU v1, 8 bits",
        operation=Quantity(92 / 75, "TOPS/W", f"{_PEAK}: Jouppi et al., ISCA 2017"),
        throughput=Quantity(92.0, "TOPS", "Jouppi et al., ISCA 2017"),
        memory=_NO_MEMORY,
    ),
    "a100": Digital(
        name="A100, 8 bits",
        operation=Quantity(624 / 400, "TOPS/W", f"{_PEAK}: NVIDIA A100 data sheet, SXM, dense"),
        throughput=Quantity(624.0, "TOPS", "NVIDIA A100 data sheet, SXM, dense"),
        memory=_NO_MEMORY,
    ),
    "h100": Digital(
        name="H100, 8 bits",
        operation=Quantity(1979 / 700, "TOPS/W", f"{_PEAK}: NVIDIA H100 data sheet, SXM, dense"),
        throughput=Quantity(1979.0, "TOPS", "NVIDIA H100 data sheet, SXM, dense"),
        memory=_NO_MEMORY,
    ),
    "cmos_limit": Digital(
        name="digital CMOS, 10 fJ",
        operation=Quantity(10.0, "fJ", "Al-Qadasi et al., APL Photonics 7, 020902 (2022): 10 to 100 fJ"),
        throughput=_THROUGHPUT,
        memory=_NO_MEMORY,
    ),
}
"""Other digital processors, for ``dataclasses.replace(device, digital=…)``."""
