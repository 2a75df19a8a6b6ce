"""What follows from the measured scale for longer training and more machines: arithmetic, nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from _figures import figure
from _readme import table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Measured", "extrapolated", "ring_seconds", "samples_of_exchange", "step_seconds"]

# Assumed, not measured: a link of 10 Gbit/s, and what a message costs however short it is.
_LINK_BYTES_PER_S = 10e9 / 8
_MESSAGE_S = 50e-6
_MACHINES = (1, 2, 4, 8, 16)
_EPOCH = 60_000
_EFFICIENT = 0.9
_MEMORY = 16e9
# θ and φ in single precision.
_GRADIENT_BYTES_PER_MZI = 8


@dataclass(frozen=True)
class Measured:
    """A training step of one mesh in single precision on this machine."""

    modes: int
    mzis: int
    seconds: float
    """Per sample [s]."""
    disturbed: bool
    """Whether other processes were in the way."""
    peak: int
    """Memory [B]."""

    @property
    def gradient_bytes(self) -> int:
        """What every machine has to exchange in a step [B]."""
        return _GRADIENT_BYTES_PER_MZI * self.mzis


def ring_seconds(count: float, machines: int) -> float:
    """Return the time of a ring all-reduce of `count` bytes [s]: 2 (P − 1) messages of ``count / P`` in a row."""
    return 2 * (machines - 1) * (count / machines / _LINK_BYTES_PER_S + _MESSAGE_S)


def step_seconds(measured: Measured, batch: int, machines: int) -> float:
    """Return the time of a step of `batch` samples [s], where the exchange waits for the last gradient."""
    return measured.seconds * batch / machines + ring_seconds(measured.gradient_bytes, machines)


def extrapolated(sizes: Sequence[Measured], share: int) -> str:
    """Return the text with its tables; `share` samples, the batch that was measured, are the least of a machine."""
    batch = share * _MACHINES[-1]
    assumed = (
        f"Assumed: machines like this one, a link of {8 * _LINK_BYTES_PER_S / 1e9:.0f} Gbit/s, "
        f"{1e6 * _MESSAGE_S:.0f} µs per message. One mesh, complex64, {batch} samples in a step over P machines:"
    )
    explained = (
        f"An epoch is {_EPOCH} samples, in such steps. Exchange in samples is the time of the link alone, with many "
        f"machines, over that of a sample; {_EFFICIENT / (1 - _EFFICIENT):.0f} times as many per machine make an "
        f"efficiency of {_EFFICIENT:.0%}. The largest N is that of a step that takes {_MEMORY / 1e9:.0f} GB, at the "
        "bytes per MZI of its row:"
    )
    return "\n\n".join([assumed, scaling_table(sizes, batch), explained, epoch_table(sizes, batch)])


def scaling_table(sizes: Sequence[Measured], batch: int) -> str:
    """Return the table of a step over machines."""
    rows = []
    for size in sizes:
        alone, mark = step_seconds(size, batch, 1), "~" * size.disturbed
        for machines in _MACHINES:
            seconds = step_seconds(size, batch, machines)
            exchange = ring_seconds(size.gradient_bytes, machines)
            shown = [f"{mark}{figure(seconds)}", figure(1e3 * exchange), f"{mark}{alone / seconds:.2f}"]
            rows.append([f"{size.modes}, P = {machines}", *shown, f"{mark}{alone / seconds / machines:.0%}"])
    return table(["N, machines", "step [s]", "of it exchange [ms]", "speed-up", "efficiency"], rows)


def epoch_table(sizes: Sequence[Measured], batch: int) -> str:
    """Return the table of epochs, of the exchange in samples, and of what fits into memory."""
    rows = []
    for size in sizes:
        mark = "~" * size.disturbed
        samples = samples_of_exchange(size)
        rows.append(
            [
                str(size.modes),
                *(f"{mark}{figure(_EPOCH / batch * step_seconds(size, batch, count))}" for count in (1, _MACHINES[-1])),
                figure(size.gradient_bytes / 1e6),
                f"{mark}{samples:.1f}",
                f"{mark}{samples * _EFFICIENT / (1 - _EFFICIENT):.0f}",
                f"{(2 * _MEMORY * size.mzis / size.peak) ** 0.5:.0f}",
            ]
        )
    header = ["N", "epoch, one machine [s]", f"{_MACHINES[-1]} machines [s]", "gradients [MB]"]
    header += ["exchange in samples", f"samples per machine for {_EFFICIENT:.0%}", "largest N"]
    return table(header, rows)


def samples_of_exchange(size: Measured) -> float:
    """Return how many samples a machine computes in the time of the exchange, with many machines and short messages."""
    return 2 * size.gradient_bytes / _LINK_BYTES_PER_S / size.seconds
