"""The optical link budget: how much light a mesh needs, and what the laser takes for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrolux.energy.operations import repeated
from retrolux.energy.quantity import Quantity
from retrolux.energy.receiver import power_from_detector_noise, power_from_noise
from retrolux.energy.size import MeshSize, mesh_size
from retrolux.hardware.fabrication import arm_loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.energy.device import Device, LinkBudget
    from retrolux.energy.operations import Operation
    from retrolux.hardware import Imperfections

__all__ = ["insertion_loss", "laser_energy", "laser_power", "on_chip", "optical_power"]


def insertion_loss(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return the loss of a mesh along the path that meets the most MZIs.

    Parameters
    ----------
    device : Device
        Says what an MZI and a column lose.
    modes : array_like of int, or MeshSize
        Number of modes N of a rectangular mesh, or the size of another one.

    Returns
    -------
    ndarray of float64, of the shape of `modes`
        In dB.

    Raises
    ------
    ValueError
        When the device does not describe its light, or a number of modes is below 2.
    """
    link, size = _link_of(device), mesh_size(modes)
    return np.asarray(size.path * link.mzi_loss.si + size.columns * link.column_loss.si)


def optical_power(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return the optical power of one mode where it enters the mesh.

    A device states the power at the detectors; the light that enters is stronger by the insertion loss. Or it states
    noise, which refers to the power that enters; then the result is the least power that keeps the noise of taps and
    outputs below it, P/N with the P of `power_from_noise` and of `power_from_detector_noise`. The bandwidth is half the
    clock, that of an integration over one sample. Loss does not change shot noise but weakens the signal, as a
    simulated chip shows; thermal noise counts for more where the taps receive less.

    Parameters
    ----------
    device : Device
        With its light and its receivers.
    modes : array_like of int, or MeshSize
        Number of modes N of a rectangular mesh, or the size of another one.

    Returns
    -------
    ndarray of float64, of the shape of `modes`
        In W; inf where the loss is beyond double precision.

    Raises
    ------
    ValueError
        When the device does not describe its light, or a number of modes is below 2.
    """
    link, n = _link_of(device), mesh_size(modes).modes
    loss_db = insertion_loss(device, modes)
    if not link.asks_for_noise:
        return _before_loss(np.asarray(link.power.si), loss_db)
    receiver, bandwidth = device.receiver, device.timing.clock / 2
    total = np.zeros(n.shape)
    if link.tap_noise.si > 0:
        total = power_from_noise(
            link.tap_noise.si,
            n / _mean_transmission(loss_db),
            bandwidth=bandwidth,
            responsivity=receiver.responsivity.si,
            tap_fraction=receiver.tap_fraction.si,
            thermal_current=receiver.thermal_current.si,
        )
    if link.detector_noise.si > 0:
        needed = power_from_detector_noise(link.detector_noise.si, bandwidth, receiver.responsivity.si)
        total = np.maximum(total, needed)
    return np.asarray(total / n)


def laser_power(device: Device, modes: ArrayLike | MeshSize) -> NDArray[np.float64]:
    """Return the electrical power that lights one mode.

    It is `optical_power`, made up for what is lost before the mesh, over the efficiency of the laser (W); arguments as
    there.
    """
    link = _link_of(device)
    return _before_loss(optical_power(device, modes) / link.laser_efficiency.si, np.asarray(link.fixed_loss.si))


def laser_energy(
    device: Device,
    operation: Operation,
    modes: ArrayLike | MeshSize,
    batch: ArrayLike,
    *,
    passes: int | None = None,
) -> NDArray[np.float64]:
    """Return the electrical energy of the light for a batch (J); arguments as for `retrolux.energy.breakdown`."""
    link = _link_of(device)
    uses = repeated(link.mvm if operation == "mvm" else link.gradient, operation, passes)
    per_sample = laser_power(device, modes) / device.timing.clock
    if uses == 0:  # no light, even where the loss is infinite
        per_sample = np.zeros_like(per_sample)
    return np.asarray(uses * np.asarray(batch) * mesh_size(modes).modes * per_sample)


def on_chip(device: Device, imperfections: Imperfections) -> Device:
    """Return the device with the losses and the noise of a chip, so that one chip has an accuracy and a cost.

    An MZI loses what two arms do on average. Noise that the chip does not have is not asked for.

    Raises
    ------
    ValueError
        When the device does not describe its light.
    """
    source = "imperfections of the chip"
    mean, _ = arm_loss(imperfections)
    link = replace(
        _link_of(device),
        tap_noise=Quantity(imperfections.tap_noise, "", source),
        detector_noise=Quantity(imperfections.detector_noise, "", source),
        mzi_loss=Quantity(2 * mean, "dB", source),
        column_loss=Quantity(imperfections.column_loss_db, "dB", source),
    )
    return replace(device, link=link)


def _before_loss(power: NDArray[np.float64], loss_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what has to enter to have a power after a loss: inf beyond double precision, but for no power none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.where(power == 0, 0.0, power * 10 ** (loss_db / 10)))


def _mean_transmission(loss_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power that taps see on average, (1 − e^{−A})/A, when the loss A [Np] spreads evenly over a mesh."""
    nepers = np.maximum(np.log(10) / 10 * loss_db, 1e-12)
    return np.asarray(-np.expm1(-nepers) / nepers)


def _link_of(device: Device) -> LinkBudget:
    if device.link is None:
        raise ValueError(f"{device.name} does not tell the energy of the light from that of the rest")
    return device.link
