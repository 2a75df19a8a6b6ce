"""Draw how the errors of measured gradients and of a chip's matrix grow with its size and with what is wrong with it.

    python examples/gradient_laws.py --out laws.png

Points are means over simulated chips, bars two standard errors, lines the scaling laws of the study (Pai et al.,
Science 380, 398 (2023)): Haar-random meshes, light of unit power, ε = 1 − cosine of measured and exact gradient.
The laws are those of large meshes; in small ones fewer modes meet an MZI in a column, and the points lie below.
"""

from __future__ import annotations

from pathlib import Path

import tyro

from retrolux.hardware.error_laws import loss_law, matrix_law, tap_law
from retrolux.plot import draw_panels
from retrolux.report.gradient_laws import law_panels
from retrolux.study.law_measurement import measure_laws


def main(effort: int = 1600, out: Path = Path("gradient_laws.png")) -> None:
    """Draw how errors of measured gradients and of matrices grow with the size of a chip and with its imperfections.

    Parameters
    ----------
    effort
        Chips per point times modes; 16 at least.
    out
        The figure.
    """
    laws = measure_laws(effort=effort)
    modes, noises, losses = (laws[name].values for name in ("laws_modes", "laws_tap_noise", "laws_loss_db_std"))
    means = laws.sel(laws_statistic="mean")
    for method in laws["laws_method"].values:
        law = tap_law(method, modes[:, None], noises)
        compare(f"tap noise, {method}", means["laws_tap_error"].sel(laws_method=method).values / law)
    compare("random loss", means["laws_loss_error"].values / loss_law(modes[:, None], losses))
    for cause in laws["laws_cause"].values:
        law = matrix_law(cause, modes, laws["laws_matrix_error"].attrs["std"])
        compare(f"matrix, {cause}", means["laws_matrix_error"].sel(laws_cause=cause).values / law)
    draw_panels(law_panels(laws)).savefig(out, dpi=130)
    print(f"figure: {out}")


def compare(what, ratios):
    print(f"{what}, simulated / law (rows: N = 4 … 64)\n{ratios.round(2)}")


if __name__ == "__main__":
    tyro.cli(main)
