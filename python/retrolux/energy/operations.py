"""What is done with a mesh, and how often."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["DIGITAL_ACCESSES", "DIGITAL_OPERATIONS", "PASSES", "Operation", "check_operation", "repeated"]

Operation: TypeAlias = Literal["mvm", "gradient"]

PASSES: dict[Operation, int] = {"mvm": 1, "gradient": 3}
"""How often a batch is sent through the mesh, unless a method says otherwise: for a gradient forward, backward and both
together (three measurements), or backward, sum and difference."""

DIGITAL_OPERATIONS: dict[Operation, int] = {"mvm": 6, "gradient": 12}
"""Digital operations per sample and element of the matrix: a complex multiply-accumulate is 6 of them; a gradient needs
one for the vector-Jacobian product and one for the outer product (Pai et al., Science 380, 398 (2023), supplement)."""

DIGITAL_ACCESSES: dict[Operation, int] = {"mvm": 2, "gradient": 4}
"""Real numbers read or written per element of the matrix and batch: a complex weight for the multiplication; for a
gradient it and its gradient."""


def check_operation(operation: str) -> None:
    """Check the name of an operation.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    if operation not in PASSES:
        raise ValueError(f"operation must be one of {', '.join(PASSES)}, got {operation!r}")


def repeated(uses: float, operation: Operation, passes: int | None) -> float:
    """Return the uses in so many passes, from the uses in the passes that an operation has by itself."""
    return uses if passes is None else uses * passes / PASSES[operation]
