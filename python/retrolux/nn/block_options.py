"""How a matrix is built from meshes: the keyword arguments that all layers with a weight share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from retrolux.gradient import Method
    from retrolux.hardware import Imperfections
    from retrolux.mesh import Topology
    from retrolux.nn.experiment import OutputPhase

__all__ = ["BlockOptions"]


class BlockOptions(TypedDict, total=False):
    """How a matrix is built from meshes; keyword arguments of every layer that has one.

    Attributes
    ----------
    block : int or Topology
        The most modes a mesh may have, at least 2; default 64. Meshes are rectangular, as large as cuts the shorter
        side of the matrix into the fewest equal parts. Or the mesh itself, for example ``mesh.butterfly(16)``.
    train : {"all", "sigma"}
        Whether everything is trained, or the meshes stay as they are and the singular values alone are: sigma and gain
        (subspace learning; Gu et al., "L2ight", NeurIPS 2021).
    seed : int, optional
        Of the initial values; None draws it from torch's generator, which ``torch.manual_seed`` sets.
    imperfections : Imperfections, optional
        What is wrong with the chips, one for each mesh: light then goes through `SimulatedChip`, block by block, and
        ``backward`` measures gradients.
    gradient : str or Method
        How gradients are got from a chip, see `retrolux.nn.Mesh`; without chips they are exact.
    output_phase : {"measured", "known"}
        Of a chip, see `retrolux.nn.Mesh`.
    chip_seed : int
        At least 0: which of all chips with these imperfections they are.
    """

    block: int | Topology
    train: Literal["all", "sigma"]
    seed: int | None
    imperfections: Imperfections | None
    gradient: str | Method
    output_phase: OutputPhase
    chip_seed: int
