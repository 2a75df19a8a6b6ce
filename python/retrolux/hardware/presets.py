"""Chips to start from.

A number without a source is a typical value by our judgement, and is called so. Change one with
`dataclasses.replace`.
"""

from __future__ import annotations

from retrolux.hardware.imperfections import Imperfections

__all__ = ["CHIPS", "FOUNDRY_THERMAL", "IDEAL", "MEMS", "PAI_2023"]

IDEAL = Imperfections()
"""Nothing is wrong."""

PAI_2023 = Imperfections(io_amplitude_std=0.025, io_phase_std=0.025, tap_noise=0.01)
"""The errors of the published in-situ study (Pai et al., Science 380, 398 (2023), MNIST under error).

Each value is a point of the published grid: amplitude and phase errors 0, 0.025, 0.05 (phase in units of π), tap
noise 0, 0.005, 0.01, 0.02, loss 0, 0.05 dB. That a chip has these all at once is an assumption, as is a perfect
value of everything the grid does not vary. The loss is 0: the study drew the 0.05 dB with either sign, while an
arm that never amplifies then loses 0.04 dB on average, 10 dB over the 125 MZIs of the longest path at 64 modes.
"""

FOUNDRY_THERMAL = Imperfections(
    # A splitting of 50 ± 2 %: typical value, no single source. Its consequences: Bandyopadhyay et al., Optica 8,
    # 1247 (2021).
    coupler_std=0.02,
    # 0.23 ± 0.13 dB for one thermal shifter: Harris et al., Opt. Express 22, 10487 (2014); every other arm has one.
    # A spread of 0.05 dB within one chip is a typical value.
    loss_db=0.12,
    loss_db_std=0.05,
    # 2 dB/cm over 0.5 mm: typical values, no single source.
    column_loss_db=0.1,
    # Gu et al., L2ight (NeurIPS 2021), configuration of the published code: 0.005 for adjacent MZIs.
    crosstalk=0.005,
    # What a calibration leaves of the offsets, the error of the drivers and the drift of a stabilised chip: typical
    # values, no single source.
    phase_std=0.005,
    phase_bits=12,
    drift_std_per_s=5e-4,
    io_amplitude_std=0.01,
    io_phase_std=0.01,
    tap_noise=0.01,
    detector_noise=0.005,
    # 8 bits: Pai et al. 2023, supplement, energy tables.
    adc_bits=8,
    # 0.3 % of the power per nm for a coupler: typical value, no single source. Phase: −1/λ at 1550 nm.
    coupler_dispersion=0.003,
    phase_dispersion=-1 / 1550,
)
"""A silicon chip of a foundry with thermal phase shifters, after calibration."""

MEMS = Imperfections(
    # Couplers, converters and detectors as in FOUNDRY_THERMAL.
    coupler_std=0.02,
    # 0.33 dB for one shifter on a foundry platform: Edinger et al., Opt. Lett. 46, 5671 (2021); every other arm has
    # one. The spread within one chip is a typical value.
    loss_db=0.17,
    loss_db_std=0.05,
    column_loss_db=0.1,
    # Position and charge of a moving part repeat less well than a heater's power: typical values, no single source.
    phase_std=0.01,
    phase_bits=12,
    drift_std_per_s=5e-4,
    io_amplitude_std=0.01,
    io_phase_std=0.01,
    tap_noise=0.01,
    detector_noise=0.005,
    adc_bits=8,
    coupler_dispersion=0.003,
    phase_dispersion=-1 / 1550,
)
"""A silicon chip with micro-electro-mechanical phase shifters: they hold their phase without power, so no heat spreads.

That is why `crosstalk` is 0; the holding power itself is a matter of `retrolux.energy`.
"""

CHIPS = {"ideal": IDEAL, "pai_2023": PAI_2023, "foundry_thermal": FOUNDRY_THERMAL, "mems": MEMS}
"""The chips by their names."""
