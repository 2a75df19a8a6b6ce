"""Numbers with units: what they are in SI units, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from retrolux.energy import Quantity
from retrolux.energy.quantity import engineering


@pytest.mark.parametrize(
    ("value", "unit", "si"),
    [
        (5, "pJ", 5e-12),
        (16, "fJ", 1.6e-14),
        (10, "TOPS/W", 1e-13),
        (25, "mW", 0.025),
        (1, "GHz", 1e9),
        (92, "TOPS", 9.2e13),
        (500, "um", 5e-4),
        (3, "dB", 3),
        (20, "%", 0.2),
        (4.2, "", 4.2),
        (10, "pA/√Hz", 1e-11),
    ],
)
def test_si_units(value, unit, si):
    assert Quantity(value, unit, "test").si == pytest.approx(si, rel=1e-15)


@pytest.mark.parametrize("value", [np.float32(2), np.int64(2), 2])
def test_any_number_will_do(value):
    assert type(Quantity(value, "pJ", "test").value) is float


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, "pJ", ""), r"^value must be a finite number of at least 0, got -1$"),
        ((float("nan"), "pJ", ""), r"^value must be .*, got nan$"),
        ((10**400, "pJ", ""), r"^value must be .*, got 1000"),
        ((1e308, "dB", ""), r"^value must be 0 or from 1e-30 to 1e\+30, got 1e\+308$"),
        ((1e-31, "W", ""), r"^value must be 0 or from 1e-30 to 1e\+30, got 1e-31$"),
        ((True, "pJ", ""), r"^value must be .*, got True$"),
        (("5", "pJ", ""), r"^value must be .*, got '5'$"),
        ((5, "kWh", ""), r"^unit must be one of J, nJ, pJ, .*, or empty for a plain number, got 'kWh'$"),
        ((5, ["pJ"], ""), r"^unit must be one of .*, got \['pJ'\]$"),
        ((0, "TOPS/W", ""), r"^value must be above 0 TOPS/W, got 0$"),
        ((5, "pJ", None), r"^source must be a text, got None$"),
    ],
)
def test_bad_numbers_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Quantity(*arguments)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.15e-11, "J", "21.5 pJ"),
        (9.999e-10, "J", "1.00 nJ"),
        (1.2345, "s", "1.23 s"),
        (123.4, "W", "123 W"),
        (2.5e-6, "s", "2.50 µs"),
        (3e-21, "J", "0.00 aJ"),
        (5e17, "J", "500000 TJ"),
        (0.0, "W", "0 W"),
        (float("inf"), "J", "inf J"),
    ],
)
def test_engineering_notation(value, unit, text):
    assert engineering(value, unit) == text
