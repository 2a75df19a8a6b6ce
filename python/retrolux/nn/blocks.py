"""A matrix as a grid of blocks, each of them two meshes with a row of attenuators between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from retrolux._plain import apply, is_plain
from retrolux.functional import LIGHT, matrices
from retrolux.mesh import Topology, decompose_many, haar_phases, rectangular
from retrolux.nn.chip_state import chip_for
from retrolux.nn.dtypes import in_full_precision, stay_real
from retrolux.nn.reparametrized import compute_anew, load_settings, reset_settings
from retrolux.nn.state_dict import Described

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike
    from typing_extensions import Self

    from retrolux.gradient import Method
    from retrolux.hardware import Imperfections
    from retrolux.nn.chip_state import ChipState
    from retrolux.nn.experiment import Experiment, OutputPhase

__all__ = ["DTYPES", "Blocks"]

DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)
_SETTINGS = ("theta", "phi", "gamma", "sigma", "gain")


class Blocks(Described):
    """A stack of matrices, each a grid of blocks ``gain · U Σ V†`` of k × k, cut to size at the lower and right edge.

    U and V† are meshes of k modes, Σ = diag(σ) are attenuators; the gain, one for all, is that of the amplifiers behind
    the detectors. A real matrix is the real part: coherent detection of the quadrature that is in phase. Every block
    has detectors of its own, and what they read is added.

    Parameters
    ----------
    rows, columns : int
        Shape of a matrix.
    groups : int
        Number of matrices.
    dtype : torch.dtype
        Of the matrix: float32, float64, complex64 or complex128. The parameters have its real precision.
    block, train, seed, imperfections, gradient, output_phase, chip_seed
        How it is built from meshes, see `BlockOptions`.
    device : torch.device or str, optional
        Of the parameters; chips are simulated on the CPU.

    Attributes
    ----------
    theta, phi : Parameter, shape (2, groups, grid rows, grid columns, mzis)
        Phases [rad] of the meshes U and, second, V†.
    gamma : Parameter, shape (2, groups, grid rows, grid columns, k)
        Output phases [rad].
    sigma : Parameter, shape (groups, grid rows, grid columns, k)
        Settings of the attenuators; `transmission` makes σ of them.
    gain : Parameter, shape ()
    topology : Topology
        Of every mesh.
    chips : ModuleList or None
        One for each mesh, in the order of theta; None for exact meshes.

    Raises
    ------
    TypeError
        When `dtype` is another.
    ValueError
        When a size is out of range or an option unknown.

    References
    ----------
    Shen et al., Nat. Photonics 11, 441 (2017), for U Σ V†; Gu et al., "L2ight", NeurIPS 2021, for the grid.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        groups: int = 1,
        dtype: torch.dtype = torch.float32,
        *,
        block: int | Topology = 64,
        train: Literal["all", "sigma"] = "all",
        seed: int | None = None,
        imperfections: Imperfections | None = None,
        gradient: str | Method = "adjoint",
        output_phase: OutputPhase = "measured",
        chip_seed: int = 0,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if dtype not in DTYPES:
            raise TypeError(f"dtype must be float32, float64, complex64 or complex128, got {dtype}")
        if rows < 1 or columns < 1:
            raise ValueError(f"a matrix must have at least one row and one column, got {rows} × {columns}")
        if train not in ("all", "sigma"):
            raise ValueError(f"train must be 'all' or 'sigma', got {train!r}")
        if chip_seed < 0:
            raise ValueError(f"chip_seed must be at least 0, got {chip_seed}")
        self.rows, self.columns, self.groups = rows, columns, groups
        self.is_complex = dtype.is_complex
        self.topology = block if isinstance(block, Topology) else rectangular(_modes(block, rows, columns))
        modes = self.topology.modes
        self.grid = groups, math.ceil(rows / modes), math.ceil(columns / modes)

        phases, outputs = (2, *self.grid, self.topology.mzis), (2, *self.grid, modes)
        self.theta, self.phi, self.gamma, self.sigma, self.gain = (
            nn.Parameter(torch.empty(shape, dtype=dtype.to_real(), device=device))
            for shape in (phases, phases, outputs, outputs[1:], ())
        )
        for phase in (self.theta, self.phi, self.gamma):
            phase.requires_grad_(train == "all")
        self._seed = seed
        self.reset_parameters()

        light = dtype.to_complex()
        seeds = np.random.SeedSequence(chip_seed).generate_state(2 * math.prod(self.grid), np.uint64)
        chips = (
            chip_for(self.topology, light, imperfections, None, gradient, output_phase, int(chip)) for chip in seeds
        )
        present = [chip for chip in chips if chip is not None]
        self.chips = nn.ModuleList(present) if present else None
        self._built: tuple[tuple[Tensor, ...], Tensor, int] | None = None

    def reset_parameters(self) -> None:
        """Set all parameters as they were at first; without a seed they are drawn anew.

        Chips stay the chips they are. Without memory, on the meta device, nothing is set. What is pruned stays pruned.
        """
        if self.gain.is_meta:
            return
        seed = int(torch.randint(2**63 - 1, (), device="cpu")) if self._seed is None else self._seed
        rng, modes = np.random.default_rng(seed), self.topology.modes
        theta, phi, gamma = haar_phases(self.topology, rng, (2, *self.grid))
        # Singular values of a random Gaussian matrix lie on a quarter circle: with Haar-random U and V† the blocks are
        # nearly Gaussian, with the variance of torch's weights, 1/(3 · columns) for each of Re and Im.
        radius, angle = np.sqrt(rng.random((*self.grid, modes))), rng.uniform(0, 2 * np.pi, (*self.grid, modes))
        sigma, gain = radius * np.abs(np.cos(angle)), np.sqrt(8 * modes / (3 * self.columns))
        values = theta, phi, gamma, sigma, np.asarray(gain)
        reset_settings(self, dict(zip(_SETTINGS, map(torch.from_numpy, values), strict=True)))

    def description(self) -> dict[str, tuple[str, str]]:
        """Return topology and matrix: a state must have the same."""
        kind = "complex" if self.is_complex else "real"
        matrix = f"a {kind} matrix of (groups, rows, columns) = {(self.groups, self.rows, self.columns)}"
        return {"topology": (self.topology.key, repr(self.topology)), "matrix": (matrix, matrix)}

    def chip_states(self) -> tuple[ChipState, ...]:
        """Return the holders of the chips, in the order of theta; none for exact meshes."""
        return tuple(cast("ChipState", chip) for chip in self.chips or ())

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrix."""
        return LIGHT[self.gain.dtype] if self.is_complex else self.gain.dtype

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The chips with their gradient methods and shots, in the order of theta; none for exact meshes."""
        return tuple(chip.experiment for chip in self.chip_states())

    def transmission(self) -> Tensor:
        """Return the amplitude transmissions σ of the attenuators, in [0, 1].

        σ is `sigma` folded at the whole numbers, as the transmission |sin θ/2| of an MZI is at multiples of π, but
        linear in between: no step of an optimiser leaves the range, 0 and 1 are reached exactly, and the slope is
        nowhere zero, as that of any smooth map would be at both ends.
        """
        compute_anew(self, "sigma")
        return self._folded()

    def matrix(self) -> Tensor:
        """Return the matrices that ideal meshes perform with these settings, shape (groups, rows, columns).

        Differentiable in all parameters. Imperfections of chips are left out. Without gradients the result stays until
        a parameter changes or somebody writes to it.
        """
        compute_anew(self, *_SETTINGS)
        if torch.is_grad_enabled() or not is_plain(self.theta):
            return self._multiplied()
        settings = self.theta, self.phi, self.gamma, self.sigma, self.gain
        # By value: version counters miss what is written through ``parameter.data``.
        if (
            self._built is None
            or _writes(self._built[1]) > self._built[2]
            or not all(map(_same, self._built[0], settings))
        ):
            matrix = self._multiplied()
            self._built = tuple(setting.clone() for setting in settings), matrix, _writes(matrix)
        return self._built[1]

    def forward(self, x: Tensor) -> Tensor:
        """Send light of shape (…, groups, columns) through the chips.

        Returns
        -------
        Tensor, shape (…, groups, rows)
            Of the dtype of the matrix.

        Raises
        ------
        RuntimeError
            When there are no chips; multiply by the `matrix` then.
        """
        if self.chips is None:
            raise RuntimeError("blocks without chips are a matrix; multiply by matrix()")
        _, grid_rows, grid_columns = self.grid
        modes = self.topology.modes
        padded = nn.functional.pad(x, (0, grid_columns * modes - self.columns))
        light = padded.unflatten(-1, (grid_columns, modes)).flatten(-3, -2).unbind(-2)
        # unbind, not indices: the gradient of an index is as large as the whole.
        phases = zip(*(setting.flatten(0, -2).unbind() for setting in (self.theta, self.phi, self.gamma)), strict=True)
        meshes = [(chip, *settings, None) for chip, settings in zip(self.chips, phases, strict=True)]
        sigma = self._folded().flatten(0, -2).unbind()
        rows = []
        for row in range(self.groups * grid_rows):
            read = []
            for column in range(grid_columns):
                block = row * grid_columns + column
                into, *into_settings = meshes[len(sigma) + block]
                out, *out_settings = meshes[block]
                between = into(light[row // grid_rows * grid_columns + column], *into_settings)
                read.append(out(sigma[block] * between, *out_settings))
            rows.append(torch.stack(read).sum(dim=0))
        y: Tensor = torch.stack(rows, dim=-2).unflatten(-2, (self.groups, grid_rows)).flatten(-2)[..., : self.rows]
        return self.gain * (y if self.is_complex else y.real)

    def load_matrix(self, matrix: ArrayLike) -> None:
        """Set all parameters so that ideal meshes perform `matrix`, shape (groups, rows, columns).

        Raises
        ------
        ValueError
            When the shape is another, a number is not finite, or the topology is not universal (rectangular or
            triangular).
        RuntimeError
            When settings are pruned, normed or parametrized such that they cannot be those of the matrix.
        """
        if isinstance(matrix, Tensor):
            matrix = matrix.numpy(force=True)
        wanted = np.asarray(matrix, dtype=np.complex128 if self.is_complex else np.float64)
        shape = self.groups, self.rows, self.columns
        if wanted.shape != shape:
            raise ValueError(f"matrix must have shape (groups, rows, columns) = {shape}, got {wanted.shape}")
        if not np.isfinite(wanted).all():
            raise ValueError(f"matrix must be finite, got {wanted[~np.isfinite(wanted)][0]}")
        groups, grid_rows, grid_columns = self.grid
        modes = self.topology.modes
        whole = np.zeros((groups, grid_rows * modes, grid_columns * modes), dtype=wanted.dtype)
        whole[:, : self.rows, : self.columns] = wanted
        u, sigma, v_dagger = np.linalg.svd(whole.reshape(groups, grid_rows, modes, grid_columns, modes).swapaxes(2, 3))
        largest = sigma.max() if sigma.any() else 1.0
        phases = decompose_many(np.stack([u, v_dagger]), self.topology)
        values = (*phases, sigma / largest, np.asarray(largest))
        load_settings(self, dict(zip(_SETTINGS, map(torch.from_numpy, values), strict=True)))

    def extra_repr(self) -> str:
        """Return what the repr of the layer says."""
        meshes = 2 * math.prod(self.grid)
        return f"{meshes} {self.topology.name} meshes of {self.topology.modes} modes"

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_built": None}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        if not self.is_complex:
            stay_real(fn, self.dtype)
        return super()._apply(in_full_precision(fn), recurse)  # type: ignore[no-any-return, no-untyped-call]

    def _folded(self) -> Tensor:
        folded = self.sigma.remainder(2.0)
        return torch.where(folded > 1, 2 - folded, folded)

    def _multiplied(self) -> Tensor:
        """Return the product of the blocks, put together and cut to size."""
        # Their transposes are what comes from the kernels.
        u_transposed, v_conjugate = matrices(self.theta, self.phi, self.gamma, self.topology).mT.unbind()
        scale = (self.gain * self._folded()).unsqueeze(-2)
        if self.is_complex:
            blocks = (u_transposed.mT * scale) @ v_conjugate.mT
        else:  # the real part as one real product, [Re, −Im] of the one times [Re, Im] of the other
            left = torch.view_as_real(u_transposed.mT.contiguous()) * torch.stack((scale, -scale), dim=-1)
            right = torch.view_as_real(v_conjugate).flatten(-2)
            place = "cpu" if left.is_meta else left.device.type
            with torch.autocast(place, enabled=False):  # phases are worth nothing in half precision
                blocks = apply(_Inner, left.flatten(-2), right) if is_plain(left) else left.flatten(-2) @ right.mT
        groups, grid_rows, grid_columns = self.grid
        modes = self.topology.modes
        whole: Tensor = blocks.transpose(2, 3).reshape(groups, grid_rows * modes, grid_columns * modes)
        return whole[:, : self.rows, : self.columns]


class _Inner(torch.autograd.Function):
    """The products of the rows of two matrices; torch's own gives one gradient in an order that has to be undone."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        return left @ right.mT

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        left, right = ctx.saved_tensors
        return grad @ right, grad.mT @ left


def _writes(tensor: Tensor) -> int:
    """Return how often a tensor has been written to, which torch does not count in inference mode."""
    return 0 if tensor.is_inference() else tensor._version


def _same(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)


def _modes(block: int, rows: int, columns: int) -> int:
    """Return the modes that cut the shorter side of a matrix into the fewest equal parts of at most `block`."""
    if block < 2:
        raise ValueError(f"block must be at least 2 modes, got {block}")
    side = min(rows, columns)
    return max(2, math.ceil(side / math.ceil(side / block)))
