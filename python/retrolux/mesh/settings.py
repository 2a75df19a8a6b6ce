"""How a mesh is set: the record that carries its settings, and the one table of what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrolux.mesh.topology import Topology

__all__ = ["FIELDS", "OPTIONAL", "Field", "Settings", "setting_shapes"]


class Settings(NamedTuple):
    """The settings of a mesh, or of several that are stacked; or one thing for each of them, such as a gradient.

    All are arrays of NumPy or tensors of torch, in one precision. What may be left out is None.

    Attributes
    ----------
    theta, phi : array, shape (…, mzis)
        Internal and external phases [rad].
    gamma : array, shape (…, modes)
        Output phases [rad].
    coupler_error : array, shape (…, mzis, 2), optional
        Angle errors (ε₁, ε₂) of the two couplers [rad].
    loss_db : array, shape (…, mzis, 4), optional
        Losses of the arms t₀…t₃ [dB], at least 0.
    """

    theta: Any
    phi: Any
    gamma: Any
    coupler_error: Any = None
    loss_db: Any = None


class Field(NamedTuple):
    """What one of the settings is: its shape is (mzis, *each) or (modes, *each)."""

    of: Literal["mzis", "modes"]
    each: tuple[int, ...] = ()
    optional: bool = False


# In the order of Settings. csrc/types.h has the same table; tests/kernels/test_settings.py compares them.
FIELDS = {
    "theta": Field("mzis"),
    "phi": Field("mzis"),
    "gamma": Field("modes"),
    "coupler_error": Field("mzis", (2,), optional=True),
    "loss_db": Field("mzis", (4,), optional=True),
}
OPTIONAL = tuple(field.optional for field in FIELDS.values())


def setting_shapes(topology: Topology, stack: Iterable[int] = ()) -> dict[str, tuple[int, ...]]:
    """Return the shape of each setting, by name, of one mesh or of a `stack` of them."""
    return {name: (*stack, getattr(topology, field.of), *field.each) for name, field in FIELDS.items()}
