"""Draw how the errors of measured gradients and of a chip's matrix grow with its size and with what is wrong with it.

    python examples/gradient_laws.py [figure.png]

Points are means over simulated chips, bars two standard errors, lines the scaling laws of the study (Pai et al.,
Science 380, 398 (2023)): Haar-random meshes, light of unit power, ε = 1 − cosine of measured and exact gradient.
The laws are those of large meshes; in small ones fewer modes meet an MZI in a column, and the points lie below.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, StrMethodFormatter

from retrolux import mesh
from retrolux.gradient import LossCorrection, Passage, SumDifference, ThreeMeasurement, Wanted
from retrolux.gradient.light import send
from retrolux.hardware import Fabrication, Imperfections, SimulatedChip, fabricate

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from retrolux.gradient import Method
    from retrolux.mesh import Topology

MODES = np.array([4, 8, 16, 32, 64])
NEPER_PER_DB = np.log(10) / 20
THREE, ANALOG = "#d9480f", "#2563a8"


def chips(modes: int) -> int:
    """Return of how many chips the mean is taken: small ones differ more, and are fast."""
    return max(24, 1600 // modes)


def gradient_error(
    topology: Topology, method: Method, seed: int, flaws: Imperfections, made: Fabrication | None = None
) -> NDArray[np.float64]:
    """Return ‖ĝ − g‖², ‖g‖² and 1 − cosine of a chip, one sample of unit power each way."""
    rng = np.random.default_rng(seed)
    chip = SimulatedChip(topology, flaws, seed, np.complex128, fabrication=made)
    theta, phi, _ = mesh.haar_phases(topology, rng)
    phases = theta, phi, np.zeros(topology.modes)
    x, grad_y = rng.normal(size=(2, 1, 2 * topology.modes)).view(np.complex128)
    x, grad_y = x / np.linalg.norm(x), grad_y / np.linalg.norm(grad_y)
    chip.write(*phases)
    wanted = Wanted(False, np.ones(topology.mzis, bool), np.ones(topology.mzis, bool), False)
    measured = method.gradients(Passage(chip, x, send(chip.forward, x).output, *phases), grad_y, wanted)
    exact = chip.exact_gradients(x, grad_y)
    a, b = np.concatenate([measured.theta, measured.phi]), np.concatenate([exact.theta, exact.phi])
    return np.array([np.sum((a - b) ** 2), b @ b, 1 - a @ b / np.sqrt((a @ a) * (b @ b))])


def tap_noise(method: Method, modes: int, noise: float) -> tuple[float, float]:
    """Return ε of the ratio of noise to signal, ½ Σ‖ĝ − g‖² / Σ‖g‖², which settles for small meshes too."""
    flaws, topology = Imperfections(tap_noise=noise), mesh.triangular(modes)
    found = np.array([gradient_error(topology, method, seed, flaws) for seed in range(chips(modes))])
    ratio = found[:, 0].sum() / found[:, 1].sum()
    scatter = np.std(found[:, 0] - ratio * found[:, 1]) / np.mean(found[:, 1]) / np.sqrt(len(found))
    return ratio / 2, scatter / 2


def random_loss(modes: int, sigma: float) -> tuple[float, float]:
    """Return mean ε for zero-mean loss on the upper arms; a known loss of all paths is added, as none may amplify."""
    topology = mesh.triangular(modes)
    common = fabricate(topology, Imperfections(column_loss_db=20 * sigma), 0)
    method = SumDifference(loss=LossCorrection(arm_loss_db=10 * sigma))
    shift = 10 * sigma * np.array([-1, -1, 1, 1])  # half of each column's loss moves to the second arms
    errors = []
    for seed in range(chips(modes)):
        draws = sigma * np.random.default_rng(seed + 10_000).normal(size=(topology.mzis, 4)) * [1, 0, 1, 0]
        made = Fabrication(**vars(common) | {"loss_db": common.loss_db + shift + draws})
        errors.append(gradient_error(topology, method, seed, Imperfections(), made)[2])
    return float(np.mean(errors)), float(np.std(errors) / np.sqrt(len(errors)))


def matrix_error(modes: int, coupler_std: float, phase_std: float) -> tuple[float, float]:
    """Return ‖ΔU‖/√N of rectangular meshes, the root of the mean square over chips."""
    topology, squares = mesh.rectangular(modes), []
    for seed in range(chips(modes) // 4):
        rng = np.random.default_rng(seed)
        theta, phi, gamma = mesh.haar_phases(topology, rng)
        d_theta, d_phi = phase_std * rng.normal(size=(2, topology.mzis))
        couplers = coupler_std * rng.normal(size=(topology.mzis, 2))
        wrong = mesh.matrix(topology, theta + d_theta, phi + d_phi, gamma, couplers)
        squares.append(np.sum(np.abs(wrong - mesh.matrix(topology, theta, phi, gamma)) ** 2) / modes)
    mean = np.sqrt(np.mean(squares))
    return float(mean), float(np.std(squares) / np.sqrt(len(squares)) / (2 * mean))


def draw(
    ax: Axes,
    x: NDArray[np.float64],
    measure: Callable[[float], tuple[float, float]],
    law: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    colour: str,
    label: str,
) -> None:
    """Draw points with error bars over the line of a law, and print by how much they differ."""
    values, errors = np.transpose([measure(value) for value in x])
    fine = np.geomspace(x[0] / 1.15, x[-1] * 1.15, 200)
    ax.plot(fine, law(fine), color=colour, linewidth=1.4, alpha=0.75, label=label)
    ax.errorbar(x, values, 2 * errors, fmt="o", color=colour, markersize=5, capsize=3, markeredgecolor="white")
    print(f"{label:45s} simulated / law: {' '.join(f'{ratio:.2f}' for ratio in values / law(x))}", flush=True)


def main() -> None:
    """Simulate, draw, say where the figure is."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "gradient_laws.png")
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 8), layout="constrained")
    methods = (
        (ThreeMeasurement(power=None), 1, THREE, "three measurements"),
        (SumDifference(power=None), 1 / 4, ANALOG, "sum and difference"),
    )
    noises = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])
    for method, factor, colour, name in methods:
        times = "" if factor == 1 else " / 4"
        draw(
            axes[0, 0],
            noises,
            lambda s, method=method: tap_noise(method, 16, s),  # type: ignore[misc]
            lambda s, factor=factor: 16 * s**2 * factor,  # type: ignore[misc]
            colour,
            f"{name}: N s²{times}, N = 16",
        )
        draw(
            axes[0, 1],
            MODES,
            lambda n, method=method: tap_noise(method, int(n), 0.02),  # type: ignore[misc]
            lambda n, factor=factor: n * 0.02**2 * factor,  # type: ignore[misc]
            colour,
            f"{name}: N s²{times}, s = 0.02",
        )
    for sigma, colour in ((0.01, "#7048a8"), (0.02, "#2b8a3e")):
        draw(
            axes[1, 0],
            MODES[1:],
            lambda n, sigma=sigma: random_loss(int(n), sigma),  # type: ignore[misc]
            lambda n, sigma=sigma: 1.15 * n * (NEPER_PER_DB * sigma) ** 2,  # type: ignore[misc]
            colour,
            f"sum and difference: 1.15 N δ², σ = {sigma} dB",
        )
    sigma = 1e-3
    matrix_laws = (
        (sigma, 0.0, 2, "#a61e4d", "couplers: √(2N) σ, σ = 1 mrad"),
        (0.0, sigma, 1, "#0b7285", "phases: √N σ, σ = 1 mrad"),
    )
    for coupler_std, phase_std, factor, colour, label in matrix_laws:
        draw(
            axes[1, 1],
            MODES,
            lambda n, c=coupler_std, p=phase_std: matrix_error(int(n), c, p),  # type: ignore[misc]
            lambda n, factor=factor: np.sqrt(factor * n) * sigma,  # type: ignore[misc]
            colour,
            label,
        )
    for ax, title, x_label, y_label, ticks in zip(
        axes.flat,
        ("Tap noise", "Tap noise and size", "Random loss and size", "Couplers, phases and size"),
        ("tap noise s", "modes N", "modes N", "modes N"),
        ("gradient error ε", "gradient error ε", "gradient error ε", "matrix error ‖ΔU‖ / √N"),
        (noises, MODES, MODES[1:], MODES),
        strict=True,
    ):
        ax.set(xscale="log", yscale="log", title=title, xlabel=x_label, ylabel=y_label)
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    figure.savefig(path, dpi=130)
    print(f"gradient laws: {path}")


if __name__ == "__main__":
    main()
