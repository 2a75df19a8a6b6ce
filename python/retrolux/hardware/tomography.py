"""Measures the matrix of a chip from powers alone, with light sent both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from retrolux.hardware.chip import Chip, Reading

__all__ = ["measure_matrix"]


def measure_matrix(chip: Chip) -> NDArray[np.complex128]:
    """Measure the matrix U of a chip, up to one common phase, from output powers.

    Light in one mode, and in every two modes in phase and a quarter turn apart, gives each row of U up to its
    phase; the same light sent backwards, through Uᵀ, gives each column up to its phase. A row and a column share one
    element, which fixes their phases against each other, the strongest elements first. If U falls into blocks, the
    phases between the blocks stay unknown: no power depends on them.

    Parameters
    ----------
    chip : Chip
        With N modes. It takes 2 N² samples of unit power, N² from each side; phases are left as they are.

    Returns
    -------
    ndarray of complex128, shape (modes, modes)
    """
    modes = chip.topology.modes
    rows = _rows_up_to_phase(chip.forward, modes)
    columns = _rows_up_to_phase(chip.backward, modes).T
    # Rows e^{−iα} U and columns U e^{−iβ} give |U|² e^{i(β − α)}: the links between the phases of both.
    links = np.zeros((2 * modes, 2 * modes), dtype=np.complex128)
    links[:modes, modes:] = rows * columns.conj()
    links[modes:, :modes] = links[:modes, modes:].conj().T
    phases = _joined(links)
    return (rows * phases[:modes, None].conj() + columns * phases[modes:].conj()) / 2


def _rows_up_to_phase(send: Callable[[NDArray[np.complex128]], Reading], modes: int) -> NDArray[np.complex128]:
    """Return the matrix through which light is sent, each row up to a phase."""
    first, second = np.triu_indices(modes, 1)
    single = np.eye(modes, dtype=np.complex128)
    in_phase = (single[first] + single[second]) / np.sqrt(2)
    quarter = (single[first] + 1j * single[second]) / np.sqrt(2)
    powers = np.abs(send(np.concatenate([single, in_phase, quarter])).output.astype(np.complex128)) ** 2
    alone, together, turned = np.split(powers.T, [modes, modes + len(first)], axis=1)
    # |u_i + u_k|²/2 − (|u_i|² + |u_k|²)/2 = Re(u_i* u_k), and with i u_k it is −Im(u_i* u_k).
    common = (alone[:, first] + alone[:, second]) / 2
    products = np.zeros((modes, modes, modes), dtype=np.complex128)
    products[:, first, second] = together - common - 1j * (turned - common)
    products += products.conj().swapaxes(1, 2)
    products[:, range(modes), range(modes)] = alone
    # products_ik = u_i* u_k has one eigenvector, u*, and without noise one eigenvalue that is not zero, |u|².
    values, vectors = np.linalg.eigh(products)
    return np.asarray(np.sqrt(np.maximum(values[:, -1:], 0)) * vectors[:, :, -1].conj())


def _joined(links: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return unit numbers p with p_u p_v* in the direction of ``links[u, v]``, along a tree of the strongest links."""
    strength = np.abs(links)
    phases = np.ones(len(links), dtype=np.complex128)
    joined = np.zeros(len(links), dtype=np.bool_)
    joined[0] = True
    while not joined.all():
        known, new = np.flatnonzero(joined), np.flatnonzero(~joined)
        best = strength[np.ix_(known, new)].argmax()
        u, v = known[best // len(new)], new[best % len(new)]
        if strength[u, v] > 0:
            phases[v] = phases[u] * links[u, v].conj() / strength[u, v]
        joined[v] = True
    return phases
