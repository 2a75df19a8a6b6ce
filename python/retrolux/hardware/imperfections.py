"""The settings that say what is wrong with a chip."""

from __future__ import annotations

import dataclasses
import difflib
import json
from dataclasses import dataclass

from retrolux.option import check_options, documented, option
from retrolux.reading import parse_json, parse_toml, shown

__all__ = ["Imperfections"]


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class Imperfections:
    """What is wrong with a chip; by default nothing is.

    The lifetime of an imperfection says when it is drawn: *fabrication*, once per chip; *programming*, each time
    phases are written; *drift*, as time passes after that; *shot*, at every measurement. n stands for a standard
    normal number and p for a power in units of the total power that enters. Change a setting with
    `dataclasses.replace`.

    Attributes
    ----------
    {options}

    Raises
    ------
    ValueError
        When a value is of the wrong type, not finite or out of its range; none may be larger than 10¹⁵.
    """

    coupler_std: float = option(
        0.0,
        about="error of every coupling angle, π/4 + coupler_std · n",
        unit="rad",
        label="coupler error",
        short="coupler error",
        lifetime="fabrication",
        source="Bandyopadhyay et al., Optica 8, 1247 (2021)",
    )
    loss_db: float = option(
        0.0,
        about="loss of each of the four arms of an MZI",
        unit="dB",
        label="loss of an arm",
        short="loss",
        lifetime="fabrication",
        source="Harris et al., Opt. Express 22, 10487 (2014), for thermal phase shifters",
        costs=True,
    )
    loss_db_std: float = option(
        0.0,
        about=(
            "spread of that loss, |loss_db + loss_db_std · n|, so that an arm never amplifies; for the mean and "
            "spread that come out of it see `retrolux.hardware.fabrication.arm_loss`"
        ),
        unit="dB",
        label="spread of the loss of an arm",
        short="spread of loss",
        lifetime="fabrication",
        source="Pai et al., Science 380, 398 (2023), with a loss of either sign",
        costs=True,
    )
    column_loss_db: float = option(
        0.0,
        about="loss of the waveguides, of every mode in every column, whether it meets an MZI there or not",
        unit="dB",
        label="loss of a column",
        short="loss of a column",
        lifetime="fabrication",
        source="Clements et al., Optica 3, 1460 (2016)",
        costs=True,
    )
    phase_offset_std: float = option(
        0.0,
        about="phase that every shifter has when it is off",
        unit="rad",
        label="phase offset",
        short="phase offset",
        lifetime="fabrication",
        source="Bandyopadhyay et al. 2021",
    )
    crosstalk: float = option(
        0.0,
        about=(
            "part of its phase that a shifter passes to its nearest neighbour; it falls off as crosstalk^d with the "
            "distance d, see `retrolux.hardware.crosstalk`"
        ),
        most=1.0,
        below=True,
        lifetime="fabrication",
        source="Milanizadeh et al., J. Lightwave Technol. 37, 1325 (2019)",
    )
    crosstalk_range: float = option(
        3.0,
        about="distance, in units of that between nearest neighbours, beyond which crosstalk is neglected",
        least=1.0,
        lifetime="fabrication",
    )
    phase_std: float = option(
        0.0,
        about="error of a written phase, phase + phase_std · n",
        unit="rad",
        label="error of a written phase",
        short="phase write error",
        lifetime="programming",
        source="Fang et al., Opt. Express 27, 14009 (2019)",
    )
    phase_bits: int | None = option(
        None,
        about="resolution of a phase, rounded to the nearest of 2^phase_bits levels over [0, 2π); None: not rounded",
        unit="bit",
        least=1,
        most=32,
        label="resolution of a phase",
        lifetime="programming",
        source="Gu et al., L2ight, NeurIPS 2021",
    )
    drift_std_per_s: float = option(
        0.0,
        about=(
            "a random walk of every phase, of standard deviation drift_std_per_s · √t at t seconds after programming; "
            "that a walk describes the drift is an assumption with no single source"
        ),
        unit="rad/s^(1/2)",
        label="drift",
        short="drift",
        lifetime="drift",
    )
    io_amplitude_std: float = option(
        0.0,
        about="amplitude error of every input and output, z · (1 + io_amplitude_std · n)",
        label="amplitude error of inputs and outputs",
        short="amplitude error",
        published="io_amp_error_std",
        lifetime="shot",
        source="Pai et al. 2023",
    )
    io_phase_std: float = option(
        0.0,
        about="phase error of every input and output, z · exp(iπ io_phase_std · n)",
        unit="pi rad",
        label="phase error of inputs and outputs",
        short="phase error",
        published="io_phase_error_std",
        lifetime="shot",
        source="Pai et al. 2023",
    )
    tap_noise: float = option(
        0.0,
        about="noise of the tap detectors, p + tap_noise · √p · n",
        label="tap noise s",
        published="tap_pd_shot_noise",
        lifetime="shot",
        source="Pai et al. 2023",
        costs=True,
    )
    detector_noise: float = option(
        0.0,
        about=(
            "noise of the output detectors, z + detector_noise · (n + i n'), z in units of the root of the total "
            "power: shot and thermal noise of a coherent receiver, which do not depend on z"
        ),
        lifetime="shot",
        source="Shen et al., Nat. Photonics 11, 441 (2017), for the role of detection noise",
        costs=True,
    )
    adc_bits: int | None = option(
        None,
        about=(
            "resolution of the converters behind the detectors, 2^adc_bits levels from −1 to 1 in units of the total "
            "power for a tap, of its root for each part of an output; None: not rounded"
        ),
        unit="bit",
        least=1,
        most=32,
        label="resolution of the converters",
        lifetime="shot",
        source="Pai et al. 2023, supplement: 8 bits",
    )
    coupler_dispersion: float = option(
        0.0,
        about="change of every coupling angle per wavelength, to first order",
        unit="rad/nm",
        least=-1e15,
        lifetime="fabrication",
        source="Mikkelsen et al., Opt. Express 22, 3145 (2014)",
    )
    phase_dispersion: float = option(
        0.0,
        about=(
            "relative change of every phase per wavelength, to first order; −1/λ for a phase 2πΔnL/λ whose Δn does "
            "not depend on the wavelength λ (nm)"
        ),
        unit="1/nm",
        least=-1e15,
        lifetime="fabrication",
    )
    detuning_nm: float = option(
        0.0,
        about="wavelength of the light minus the one that the chip was made for",
        unit="nm",
        least=-1e15,
        label="detuning",
        short="detuning",
    )

    def __post_init__(self) -> None:
        check_options(self)

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


def _from_values(values: dict[str, object]) -> Imperfections:
    known = [field.name for field in dataclasses.fields(Imperfections)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"there is no imperfection {shown(name)}{meant}; there are {', '.join(known)}")
    return Imperfections(**values)  # type: ignore[arg-type]  # checked by __post_init__
