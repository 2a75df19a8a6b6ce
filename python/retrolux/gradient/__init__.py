"""Ways of getting a gradient from a chip: each a small frozen object with its options.

`METHODS` names them for the command line and for ``nn.Mesh(…, gradient="three_measurement")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from retrolux.gradient.lock_in import LockIn, SumDifference
from retrolux.gradient.loss_correction import LossCorrection
from retrolux.gradient.method import MeasuredGradients, Method, Passage, Wanted
from retrolux.gradient.model import Adjoint, PhysicsAware
from retrolux.gradient.three_measurement import ThreeMeasurement
from retrolux.gradient.zeroth_order import FiniteDifference, ParameterShift, Spsa

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "METHODS",
    "Adjoint",
    "FiniteDifference",
    "LockIn",
    "LossCorrection",
    "MeasuredGradients",
    "Method",
    "ParameterShift",
    "Passage",
    "PhysicsAware",
    "Spsa",
    "SumDifference",
    "ThreeMeasurement",
    "Wanted",
    "method_named",
]

AnyMethod: TypeAlias = (
    Adjoint | ThreeMeasurement | SumDifference | LockIn | FiniteDifference | ParameterShift | Spsa | PhysicsAware
)

METHODS: dict[str, Callable[[], AnyMethod]] = {
    "adjoint": Adjoint,
    "three_measurement": ThreeMeasurement,
    "sum_difference": SumDifference,
    "lock_in": LockIn,
    "finite_difference": FiniteDifference,
    "parameter_shift": ParameterShift,
    "spsa": Spsa,
    "physics_aware": PhysicsAware,
}


def method_named(name: str) -> AnyMethod:
    """Return the method of this name with its default options.

    Raises
    ------
    ValueError
        When there is none.
    """
    if name not in METHODS:
        raise ValueError(f"gradient must be one of {', '.join(METHODS)}, got {name!r}")
    return METHODS[name]()
