"""How the errors of measured gradients and of a chip's matrix grow: `retrolux.hardware.error_laws`, measured.

The simulated chips are Haar-random meshes, with one sample of unit power each way. The laws are those of large meshes;
in small ones fewer modes meet an MZI in a column, and the chips err less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from retrolux import mesh
from retrolux.gradient import LossCorrection, Passage, SumDifference, ThreeMeasurement, Wanted
from retrolux.gradient.interference import send
from retrolux.hardware import Fabrication, Imperfections, SimulatedChip, fabricate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from retrolux.gradient import Method
    from retrolux.mesh import Topology

__all__ = ["measure_laws"]

# Light interferes at its natural power, as the laws have it.
_METHODS: dict[str, Method] = {
    "three_measurement": ThreeMeasurement(power=None),
    "sum_difference": SumDifference(power=None),
}
_CAUSES = ("couplers", "phases")


def measure_laws(
    *,
    modes: Sequence[int] = (4, 8, 16, 32, 64),
    tap_noise: Sequence[float] = (0.0025, 0.005, 0.01, 0.02, 0.04),
    loss_db_std: Sequence[float] = (0.01, 0.02),
    matrix_std: float = 1e-3,
    effort: int = 1600,
    seed: int = 0,
) -> xr.Dataset:
    """Measure the errors of which the laws speak, on chips of their own for every point.

    Parameters
    ----------
    modes : sequence of int ≥ 2
        Sizes N of the meshes.
    tap_noise : sequence of float ≥ 0
        s in p + s √p n.
    loss_db_std : sequence of float ≥ 0
        Spread of the loss of the upper arms (dB), of zero mean: a known loss of all paths is added, since none may
        amplify, and corrected for.
    matrix_std : float ≥ 0
        Error of each coupling angle, or of each phase (rad).
    effort : int
        Chips per point times modes: small chips differ more, and are fast. 16 at least.
    seed : int
        Of all chips.

    Returns
    -------
    Dataset
        ``laws_tap_error`` (laws_modes, laws_tap_noise, laws_method): ½ Σ‖ĝ − g‖² / Σ‖g‖², which is ε while it is small
        and settles for small meshes too. ``laws_loss_error`` (laws_modes, laws_loss_db_std): mean ε of sum and
        difference. ``laws_matrix_error`` (laws_modes, laws_cause): root of the mean square of ‖ΔU‖/√N of rectangular
        meshes. Each has a last dimension laws_statistic of ``"mean"`` and ``"standard_error"``.
    """

    def chips(law: int, size: int, point: int) -> list[int]:
        """Return seeds that no other point has."""
        stream = np.random.SeedSequence(seed, spawn_key=(law, size, point))
        return [int(state) for state in stream.generate_state(max(16, effort // modes[size]), np.uint64)]

    sizes = list(enumerate(modes))
    tap = [[_tap_errors(n, noise, chips(0, k, i)) for i, noise in enumerate(tap_noise)] for k, n in sizes]
    loss = [[_loss_error(n, std, chips(1, k, i)) for i, std in enumerate(loss_db_std)] for k, n in sizes]
    matrix = [
        [_matrix_error(cause, n, matrix_std, chips(2, k, i)) for i, cause in enumerate(_CAUSES)] for k, n in sizes
    ]
    one = {"units": "1"}
    return xr.Dataset(
        {
            "laws_tap_error": (
                ("laws_modes", "laws_tap_noise", "laws_method", "laws_statistic"),
                tap,
                one | {"long_name": "gradient error of tap noise"},
            ),
            "laws_loss_error": (
                ("laws_modes", "laws_loss_db_std", "laws_statistic"),
                loss,
                one | {"long_name": "gradient error of random loss, sum and difference"},
            ),
            "laws_matrix_error": (
                ("laws_modes", "laws_cause", "laws_statistic"),
                matrix,
                one | {"long_name": "matrix error per root of the modes", "std": matrix_std, "std_units": "rad"},
            ),
        },
        {
            "laws_method": list(_METHODS),
            "laws_modes": ("laws_modes", np.asarray(modes, dtype=np.int64), one),
            "laws_tap_noise": ("laws_tap_noise", np.asarray(tap_noise, dtype=np.float64), one),
            "laws_loss_db_std": ("laws_loss_db_std", np.asarray(loss_db_std, dtype=np.float64), {"units": "dB"}),
            "laws_cause": list(_CAUSES),
            "laws_statistic": ["mean", "standard_error"],
        },
    )


def _gradients(
    topology: Topology,
    methods: Iterable[Method],
    seed: int,
    imperfections: Imperfections,
    made: Fabrication | None = None,
) -> list[NDArray[np.float64]]:
    """Return the exact gradient of the phases of a chip, then the measured ones, one sample of unit power each way."""
    rng = np.random.default_rng(seed)
    chip = SimulatedChip(topology, imperfections, seed, np.complex128, fabrication=made)
    theta, phi, _ = mesh.haar_phases(topology, rng)
    phases = theta, phi, np.zeros(topology.modes)
    x, grad_y = rng.normal(size=(2, 1, 2 * topology.modes)).view(np.complex128)
    x, grad_y = x / np.linalg.norm(x), grad_y / np.linalg.norm(grad_y)
    chip.write(*phases)
    wanted = Wanted(False, np.ones(topology.mzis, bool), np.ones(topology.mzis, bool), False)
    passage = Passage(chip, x, send(chip.forward, x).output, *phases)
    exact = chip.exact_gradients(x, grad_y)
    found = [(exact.theta, exact.phi)]
    for method in methods:
        measured = method.gradients(passage, grad_y, wanted)
        found.append((measured.theta, measured.phi))
    return [np.concatenate(gradients) for gradients in found]


def _tap_errors(modes: int, noise: float, seeds: list[int]) -> NDArray[np.float64]:
    """Return mean and standard error of each method, shape (methods, 2)."""
    imperfections, topology, wrong, right = Imperfections(tap_noise=noise), mesh.triangular(modes), [], []
    for seed in seeds:
        exact, *measured = _gradients(topology, _METHODS.values(), seed, imperfections)
        wrong.append([np.sum((gradient - exact) ** 2) for gradient in measured])
        right.append([exact @ exact])
    ratio = np.sum(wrong, axis=0) / np.sum(right)
    scatter = np.std(wrong - ratio * right, axis=0) / np.mean(right) / np.sqrt(len(seeds))
    return np.stack([ratio, scatter], axis=-1) / 2


def _loss_error(modes: int, sigma: float, seeds: list[int]) -> tuple[float, float]:
    topology = mesh.triangular(modes)
    common = fabricate(topology, Imperfections(column_loss_db=20 * sigma), 0)
    method = SumDifference(loss=LossCorrection(arm_loss_db=10 * sigma))
    shift = 10 * sigma * np.array([-1, -1, 1, 1])  # half of each column's loss moves to the second arms
    errors = []
    for seed in seeds:
        draws = sigma * np.random.default_rng([seed, 1]).normal(size=(topology.mzis, 4)) * [1, 0, 1, 0]
        made = Fabrication(**vars(common) | {"loss_db": common.loss_db + shift + draws})
        exact, measured = _gradients(topology, [method], seed, Imperfections(), made)
        errors.append(1 - measured @ exact / np.sqrt((measured @ measured) * (exact @ exact)))
    return float(np.mean(errors)), float(np.std(errors) / np.sqrt(len(errors)))


def _matrix_error(cause: str, modes: int, std: float, seeds: list[int]) -> tuple[float, float]:
    topology, squares = mesh.rectangular(modes), []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        theta, phi, gamma = mesh.haar_phases(topology, rng)
        right = mesh.matrix(topology, theta, phi, gamma)
        errors = std * rng.normal(size=(2, topology.mzis))
        if cause == "couplers":
            wrong = mesh.matrix(topology, theta, phi, gamma, errors.T)
        else:
            wrong = mesh.matrix(topology, theta + errors[0], phi + errors[1], gamma)
        squares.append(np.sum(np.abs(wrong - right) ** 2) / modes)
    mean = np.sqrt(np.mean(squares))
    return float(mean), float(np.std(squares) / np.sqrt(len(squares)) / (2 * mean))
