"""The settings that say what is wrong with a chip."""

from __future__ import annotations

import dataclasses
import difflib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrolux.hardware.explanation import explain as explain_on
from retrolux.reading import parse_json, parse_toml, shown

if TYPE_CHECKING:
    from retrolux.mesh import Topology

__all__ = ["Imperfections"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Imperfections:
    """What is wrong with a chip; by default nothing is.

    The lifetime of an imperfection says when it is drawn: *fabrication*, once per chip; *programming*, each time
    phases are written; *drift*, as time passes after that; *shot*, at every measurement. n stands for a standard
    normal number and p for a power in units of the total power that enters. Change a setting with
    `dataclasses.replace`.

    Attributes
    ----------
    coupler_std : float ≥ 0
        Fabrication: in rad, error of every coupling angle, π/4 + coupler_std · n (Bandyopadhyay et al., Optica 8,
        1247 (2021)).
    loss_db : float ≥ 0
        Fabrication: in dB, loss of each of the four arms of an MZI (Harris et al., Opt. Express 22, 10487 (2014),
        for thermal phase shifters).
    loss_db_std : float ≥ 0
        Fabrication: in dB, spread of that loss, |loss_db + loss_db_std · n|, so that an arm never amplifies (Pai et
        al., Science 380, 398 (2023), with a loss of either sign). For the mean and spread that come out of it see
        `retrolux.hardware.fabrication.arm_loss`.
    column_loss_db : float ≥ 0
        Fabrication: in dB, loss of the waveguides, of every mode in every column, whether it meets an MZI there or
        not (Clements et al., Optica 3, 1460 (2016)).
    phase_offset_std : float ≥ 0
        Fabrication: in rad, phase that every shifter has when it is off (Bandyopadhyay et al. 2021).
    crosstalk : float, at least 0 and below 1
        Fabrication: part of its phase that a shifter passes to its nearest neighbour; it falls off as crosstalk^d
        with the distance d, see `retrolux.hardware.crosstalk` (Milanizadeh et al., J. Lightwave Technol. 37, 1325
        (2019)).
    crosstalk_range : float ≥ 1
        Fabrication: distance, in units of that between nearest neighbours, beyond which crosstalk is neglected.
    phase_std : float ≥ 0
        Programming: in rad, error of a written phase, phase + phase_std · n (Fang et al., Opt. Express 27, 14009
        (2019)).
    phase_bits : int, 1 to 32, or None
        Programming: phases are rounded to the nearest of 2^phase_bits levels over [0, 2π). None: not rounded (Gu et
        al., L2ight, NeurIPS 2021).
    drift_std_per_s : float ≥ 0
        Drift: in rad/√s, a random walk of every phase, of standard deviation drift_std_per_s · √t at t seconds
        after programming. That a walk describes the drift is an assumption with no single source.
    io_amplitude_std : float ≥ 0
        Shot: amplitude error of every input and output, z · (1 + io_amplitude_std · n) (Pai et al. 2023).
    io_phase_std : float ≥ 0
        Shot: in units of π, phase error of every input and output, z · exp(iπ io_phase_std · n) (Pai et al. 2023).
    tap_noise : float ≥ 0
        Shot: noise of the tap detectors, p + tap_noise · √p · n (Pai et al. 2023).
    detector_noise : float ≥ 0
        Shot: noise of the output detectors, z + detector_noise · (n + i n'), z in units of the root of the total
        power: shot and thermal noise of a coherent receiver, which do not depend on z (Shen et al., Nat. Photonics
        11, 441 (2017), for the role of detection noise).
    adc_bits : int, 1 to 32, or None
        Shot: 2^adc_bits levels of the converters behind the detectors, from −1 to 1 in units of the total power for
        a tap, of its root for each part of an output. None: not rounded (Pai et al. 2023, supplement: 8 bits).
    coupler_dispersion : float
        Fabrication: in rad/nm, change of every coupling angle per wavelength, to first order (Mikkelsen et al.,
        Opt. Express 22, 3145 (2014)).
    phase_dispersion : float
        Fabrication: in 1/nm, relative change of every phase per wavelength, to first order; −1/λ for a phase
        2πΔnL/λ whose Δn does not depend on the wavelength λ (nm).
    detuning_nm : float
        In nm: wavelength of the light minus the one that the chip was made for.

    Raises
    ------
    ValueError
        When a value is of the wrong type, not finite or out of its range; nothing may be larger than 10¹⁵.
    """

    coupler_std: float = 0.0
    loss_db: float = 0.0
    loss_db_std: float = 0.0
    column_loss_db: float = 0.0
    phase_offset_std: float = 0.0
    crosstalk: float = 0.0
    crosstalk_range: float = 3.0
    phase_std: float = 0.0
    phase_bits: int | None = None
    drift_std_per_s: float = 0.0
    io_amplitude_std: float = 0.0
    io_phase_std: float = 0.0
    tap_noise: float = 0.0
    detector_noise: float = 0.0
    adc_bits: int | None = None
    coupler_dispersion: float = 0.0
    phase_dispersion: float = 0.0
    detuning_nm: float = 0.0

    def __post_init__(self) -> None:
        for name in _names():
            value = getattr(self, name)
            if isinstance(value, np.generic):
                value = value.item()
            object.__setattr__(self, name, _bits(name, value) if name in _BITS else _real(name, value))

    @property
    def is_ideal(self) -> bool:
        """Whether the chip does exactly what it is told.

        A crosstalk_range without crosstalk, a dispersion without detuning and a detuning without dispersion change
        nothing.
        """
        acting = self
        if self.crosstalk == 0:
            acting = dataclasses.replace(acting, crosstalk_range=Imperfections.crosstalk_range)
        if self.detuning_nm == 0 or self.coupler_dispersion == self.phase_dispersion == 0:
            acting = dataclasses.replace(acting, detuning_nm=0.0, coupler_dispersion=0.0, phase_dispersion=0.0)
        return acting == Imperfections()

    def explain(self, topology: Topology) -> str:
        """Say in words and numbers what these settings mean for a mesh; see `retrolux.hardware.explain`."""
        return explain_on(self, topology)

    def to_toml(self) -> str:
        """Return the text of a TOML file, one line per setting; a setting that is None has no line."""
        return "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in dataclasses.asdict(self).items() if value is not None
        )

    def to_json(self) -> str:
        """Return the text of a JSON object with every setting."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @staticmethod
    def from_toml(text: str) -> Imperfections:
        """Read the settings from the text of a TOML file; those it leaves out are ideal.

        Raises
        ------
        ValueError
            When the text is not TOML, names a setting that does not exist, or holds a bad value.
        """
        try:
            values = parse_toml(text)
        except ValueError as error:
            raise ValueError(f"imperfections must be written in TOML: {error}") from None
        return _from_values(values)

    @staticmethod
    def from_json(text: str) -> Imperfections:
        """Read the settings from the text of a JSON object; those it leaves out are ideal.

        Raises
        ------
        ValueError
            When the text is not a JSON object, names a setting that does not exist, or holds a bad value.
        """
        try:
            values = parse_json(text)
        except ValueError as error:
            raise ValueError(f"imperfections must be written in JSON: {error}") from None
        if not isinstance(values, dict):
            raise ValueError(f"imperfections must be a JSON object of names and values, got {shown(values)}")
        return _from_values(values)

    def __repr__(self) -> str:
        values, ideal = dataclasses.asdict(self), dataclasses.asdict(Imperfections())
        return f"Imperfections({', '.join(f'{k}={v!r}' for k, v in values.items() if v != ideal[k])})"


_BITS = ("phase_bits", "adc_bits")
_LARGEST = sys.float_info.max
# Beyond any chip, and so small that what is calculated from it, squares too, stays finite in single precision.
_MOST = 1e15
_ANY_SIGN = (-_LARGEST, _LARGEST, "be a finite number")
# Lowest value, first one that is too large, and both in words; a setting that is not listed is at least 0.
_RANGES = {
    "crosstalk": (0.0, 1.0, "be a number of at least 0 and below 1"),
    "crosstalk_range": (1.0, _LARGEST, "be a finite number of at least 1"),
    "coupler_dispersion": _ANY_SIGN,
    "phase_dispersion": _ANY_SIGN,
    "detuning_nm": _ANY_SIGN,
}
_AT_LEAST_ZERO = (0.0, _LARGEST, "be a finite number of at least 0")


def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Imperfections)]


def _real(name: str, value: object) -> float:
    low, end, wanted = _RANGES.get(name, _AT_LEAST_ZERO)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value < end:
        raise ValueError(f"{name} must {wanted}, got {shown(value)}")
    if not -_MOST <= value <= _MOST:
        raise ValueError(f"{name} must be from {-_MOST if low < 0 else low:g} to {_MOST:g}, got {shown(value)}")
    return float(value)


def _bits(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 32:
        return int(value)
    raise ValueError(f"{name} must be a whole number of bits from 1 to 32 or None, got {shown(value)}")


def _from_values(values: dict[str, object]) -> Imperfections:
    known = _names()
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"there is no imperfection {shown(name)}{meant}; there are {', '.join(known)}")
    return Imperfections(**values)  # type: ignore[arg-type]  # checked by __post_init__
