"""Light of another wavelength than the design wavelength of a chip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from retrolux.hardware.imperfections import Imperfections

__all__ = ["coupler_shift", "detuned", "phase_stretch"]


def phase_stretch(imperfections: Imperfections) -> float:
    """Return the factor 1 + phase_dispersion · Δλ by which phases are multiplied."""
    return 1 + imperfections.phase_dispersion * imperfections.detuning_nm


def coupler_shift(imperfections: Imperfections) -> float:
    """Return coupler_dispersion · Δλ, by which coupling angles grow (rad)."""
    return imperfections.coupler_dispersion * imperfections.detuning_nm


def detuned(
    theta: ArrayLike, phi: ArrayLike, gamma: ArrayLike, coupler_error: ArrayLike, imperfections: Imperfections
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the phases and coupler errors that detuned light meets, to first order in the detuning Δλ.

    Every phase is multiplied by 1 + phase_dispersion · Δλ, every coupling angle grows by coupler_dispersion · Δλ. A
    sweep over the wavelength is a loop::

        for detuning in np.linspace(-20, 20, 81):
            at = dataclasses.replace(imperfections, detuning_nm=detuning)
            theta_at, phi_at, gamma_at, error_at = detuned(theta, phi, gamma, coupler_error, at)
            response = matrix(topology, theta_at, phi_at, gamma_at, error_at)

    Parameters
    ----------
    theta, phi, gamma : array_like of float, any shape
        Phases which light of the right wavelength meets (rad), as `retrolux.hardware.program` returns them: in the
        turn in which the shifters are driven, since a whole turn more would change more with the wavelength.
    coupler_error : array_like of float, any shape
        Errors of the coupling angles at that wavelength (rad).
    imperfections : Imperfections
        Of which `detuning_nm`, `phase_dispersion` and `coupler_dispersion` count.

    Returns
    -------
    theta, phi, gamma, coupler_error : ndarray of float64, shapes as given
        rad.
    """
    stretch, shift = phase_stretch(imperfections), coupler_shift(imperfections)
    return (
        stretch * np.asarray(theta, dtype=np.float64),
        stretch * np.asarray(phi, dtype=np.float64),
        stretch * np.asarray(gamma, dtype=np.float64),
        shift + np.asarray(coupler_error, dtype=np.float64),
    )
