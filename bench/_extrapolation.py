"""What follows from the measured scale for longer training and more machines: arithmetic, nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from _readme import table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Measured", "extrapolated", "ring_seconds", "step_seconds"]

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
    """Per sample [s], at this batch:"""
    batch: int
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


def extrapolated(sizes: Sequence[Measured]) -> str:
    """Return the text with its tables; the smallest share of a machine is the batch that was measured."""
    batch = sizes[0].batch * _MACHINES[-1]
    return "\n\n".join(
        [
            f"Assumed: machines like this one, a link of {8 * _LINK_BYTES_PER_S / 1e9:.0f} Gbit/s with "
            f"{1e6 * _MESSAGE_S:.0f} µs per message, and no overlap of exchange and computation. One mesh, complex64, "
            f"a batch of {batch} in a step over P machines:",
            scaling_table(sizes, batch),
            f"An epoch is {_EPOCH} samples. For an efficiency of {_EFFICIENT:.0%} the exchange may take "
            f"{1 / _EFFICIENT - 1:.3f} of the computation, which needs a least number of samples per machine; the link "
            f"alone asks for it, with many machines and messages that cost nothing. The largest mesh is the one whose "
            f"step takes {_MEMORY / 1e9:.0f} GB at the peak per MZI of each row:",
            epoch_table(sizes),
        ]
    )


def scaling_table(sizes: Sequence[Measured], batch: int) -> str:
    """Return the table of a step over machines."""
    rows = []
    for size in sizes:
        alone = step_seconds(size, batch, 1)
        for machines in _MACHINES:
            seconds = step_seconds(size, batch, machines)
            exchange = ring_seconds(size.gradient_bytes, machines)
            shown = [f"{seconds:.3g}", f"{1e3 * exchange:.3g}", f"{alone / seconds:.2f}"]
            rows.append([f"{size.modes}, P = {machines}", *shown, f"{alone / seconds / machines:.0%}"])
    return table(["N, machines", "step [s]", "of it exchange [ms]", "speed-up", "efficiency"], rows)


def epoch_table(sizes: Sequence[Measured]) -> str:
    """Return the table of epochs, of the exchange in samples, and of what fits into memory."""
    rows = []
    for size in sizes:
        samples = 2 * size.gradient_bytes / _LINK_BYTES_PER_S / size.seconds
        share, most = _EPOCH / _MACHINES[-1], size.batch * _MACHINES[-1]
        apart = share * size.seconds + _EPOCH / most * ring_seconds(size.gradient_bytes, _MACHINES[-1])
        rows.append(
            [
                str(size.modes),
                f"{_EPOCH * size.seconds:.3g}",
                f"{apart:.3g}",
                f"{size.gradient_bytes / 1e6:.3g}",
                f"{samples:.1f}",
                f"{samples * _EFFICIENT / (1 - _EFFICIENT):.0f}",
                f"{(2 * _MEMORY * size.mzis / size.peak) ** 0.5:.0f}",
            ]
        )
    header = ["N", "epoch, one machine [s]", f"{_MACHINES[-1]} machines [s]", "gradients [MB]"]
    header += ["exchange, in samples' time", f"samples per machine for {_EFFICIENT:.0%}", "largest N"]
    return table(header, rows)
