"""A mesh as a torch layer."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from retrolux.functional import LIGHT, Route, propagate
from retrolux.mesh import Topology, decompose, haar_phases
from retrolux.mesh.settings import FIELDS, OPTIONAL, Settings, setting_shapes
from retrolux.nn.chip_state import chip_for
from retrolux.nn.dtypes import in_full_precision
from retrolux.nn.frozen import keep_frozen
from retrolux.nn.reparametrized import compute_anew, entries_of, is_mixed, load_settings, reset_settings
from retrolux.nn.state_dict import Described

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

    from retrolux.gradient import Method
    from retrolux.hardware import Chip, Imperfections
    from retrolux.nn.chip_state import ChipState
    from retrolux.nn.experiment import Experiment, OutputPhase

__all__ = ["Mesh"]


class Mesh(Described):
    """A mesh of MZIs whose phases are trained: ``y = x @ U.T``.

    Parameters
    ----------
    topology : Topology
        Where the MZIs sit, for example ``retrolux.mesh.rectangular(64)``.
    dtype : torch.dtype
        Of the light: complex64 or complex128. The phases have its real precision.
    seed : int, optional
        Of the initial Haar-random phases; None draws it from torch's generator, which ``torch.manual_seed`` sets.
    phases : tuple of array_like, optional
        Initial (theta, phi, gamma) [rad] of shapes (mzis,), (mzis,), (modes,), instead of random ones.
    train_gamma : bool
        False freezes the output phases: at zero, or as given in `phases`.
    coupler_error : array_like, shape (mzis, 2), optional
        Angle errors (ε₁, ε₂) of the couplers [rad], a buffer.
    loss_db : array_like, shape (mzis, 4), optional
        Losses of the arms t₀…t₃ [dB], at least 0, a buffer.
    route : {"auto", "mesh", "matrix"}
        How light is computed; see `retrolux.functional.propagate`.
    imperfections : Imperfections, optional
        What is wrong with the chip: light then goes through a `SimulatedChip`, and ``backward`` measures gradients.
    chip : Chip, optional
        A chip of your own instead; see ``examples/my_chip.py``.
    gradient : str or Method
        How gradients are got from a chip: a name in `retrolux.gradient.METHODS` or an object with options. Without
        a chip they are exact.
    output_phase : {"measured", "known"}
        Of a chip: whether the phases of its output are measured, or taken from the model of an ideal mesh.
    chip_seed : int
        Which of all chips with these imperfections it is.
    trainable : array_like of bool, shape (mzis, 2), optional
        Which (theta, phi) are trained; no step of a `torch.optim.Optimizer` moves the others, whatever its weight decay
        or momentum, and they cost nothing to a method that goes phase by phase. `load_state_dict`, `load_matrix` and
        who writes to the parameters set them all.
    device : torch.device or str, optional
        Of the parameters; chips are simulated on the CPU.

    Attributes
    ----------
    theta, phi : Parameter, shape (mzis,)
        Internal and external phases [rad].
    gamma : Parameter, shape (modes,)
        Output phases [rad].
    experiment : Experiment or None
        The chip, the gradient method, the shots spent and the last measurement.

    Raises
    ------
    TypeError
        When `dtype` is not complex.
    ValueError
        When a shape does not fit the topology, both `seed` and `phases` are given, or options contradict each other.

    Notes
    -----
    Input has shape (…, modes); real input is light of phase 0. Output is complex, of the same shape.

    The precision follows ``to``, ``double`` and ``float``, and the chip follows the layer; half precision is refused. A
    state dict loads into a mesh of an equal topology alone. That of an exact mesh loads into one on a chip, which stays
    the chip it is; the other way round ``strict=False`` takes the phases and leaves the chip.
    """

    def __init__(
        self,
        topology: Topology,
        dtype: torch.dtype = torch.complex64,
        seed: int | None = None,
        *,
        phases: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
        train_gamma: bool = True,
        coupler_error: ArrayLike | None = None,
        loss_db: ArrayLike | None = None,
        route: Route = "auto",
        imperfections: Imperfections | None = None,
        chip: Chip | None = None,
        gradient: str | Method = "adjoint",
        output_phase: OutputPhase = "measured",
        chip_seed: int = 0,
        trainable: ArrayLike | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(topology, Topology):
            raise TypeError(f"topology must be one of retrolux.mesh, as mesh.rectangular(8), got {topology!r}")
        if dtype not in (torch.complex64, torch.complex128):
            raise TypeError(f"dtype must be torch.complex64 or torch.complex128, got {dtype}")
        if route not in ("auto", "mesh", "matrix"):
            raise ValueError(f"route must be 'auto', 'mesh' or 'matrix', got {route!r}")
        if phases is not None and seed is not None:
            raise ValueError(f"give seed or phases, not both, got seed={seed} and phases")
        self.topology = topology
        self.route: Route = route
        real, shapes = dtype.to_real(), setting_shapes(topology)
        theta, phi, gamma = (None, None, None) if phases is None else phases
        given = Settings(theta, phi, gamma, coupler_error, loss_db)._asdict()
        self._seed, self._train_gamma = seed, train_gamma
        self._given = {name: _setting(name, it, shapes[name]) for name, it in given.items() if it is not None}
        self.theta, self.phi, self.gamma = (
            nn.Parameter(torch.empty(shapes[name], dtype=real, device=device)) for name in ("theta", "phi", "gamma")
        )
        self.gamma.requires_grad_(train_gamma)
        self.coupler_error: Tensor | None
        self.loss_db: Tensor | None
        for name in compress(FIELDS, OPTIONAL):
            room = torch.empty(shapes[name], dtype=real, device=device) if name in self._given else None
            self.register_buffer(name, room)
        self.reset_parameters()

        self.trainable: Tensor | None
        self._mask = None if trainable is None else _mask(trainable, topology.mzis)
        self.register_buffer("trainable", self._mask, persistent=False)
        if self._mask is not None:
            self._place(self._mask)
            keep_frozen(self)
        self._chip = chip_for(topology, dtype, imperfections, chip, gradient, output_phase, chip_seed)
        if self._chip is not None and (coupler_error is not None or loss_db is not None):
            raise ValueError("give coupler_error and loss_db, or a chip that has its own, not both")

    def reset_parameters(self) -> None:
        """Set phases, coupler errors and losses as they were at first; phases without a seed are drawn anew.

        A chip stays the chip it is. Without memory, on the meta device, nothing is set. What is pruned stays pruned.
        """
        if self.theta.is_meta:
            return
        values = dict(self._given)
        if "theta" not in values:
            values |= zip(("theta", "phi", "gamma"), _random_phases(self.topology, self._seed), strict=True)
            if not self._train_gamma:
                values["gamma"] = np.zeros(self.topology.modes)
        reset_settings(self, {name: torch.from_numpy(array) for name, array in values.items()})

    def description(self) -> dict[str, tuple[str, str]]:
        """Return the topology: a state must have the same."""
        return {"topology": (self.topology.key, repr(self.topology))}

    def chip_states(self) -> tuple[ChipState, ...]:
        """Return the holder of the chip, where there is one."""
        return () if self._chip is None else (self._chip,)

    def masked(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Return the parameters of theta and phi, each with the mask of what is trained, where not all is."""
        if self.trainable is None:
            return ()
        kept = ((entries_of(self, name), self.trainable[:, i]) for i, name in enumerate(("theta", "phi")))
        return tuple((entries, mask) for entries, mask in kept if entries is not None)

    @property
    def experiment(self) -> Experiment | None:
        """The chip, the gradient method, the shots spent and the last measurement; None for an exact mesh."""
        return None if self._chip is None else self._chip.experiment

    @property
    def dtype(self) -> torch.dtype:
        """Of the light: complex64 or complex128."""
        return LIGHT[self.theta.dtype]

    def forward(self, x: Tensor) -> Tensor:
        """Send light of shape (…, modes) through the mesh.

        Raises
        ------
        TypeError
            When the precision of `x` is not that of the mesh.
        ValueError
            When the last dimension is not the modes.
        RuntimeError
            When phases are parametrized or normed of which `trainable` leaves some out.
        """
        if self._chip is None:
            return self._propagate(x, self.route)
        if self.trainable is not None:
            self._require_maskable()
        measured: Tensor = self._chip(x, self.theta, self.phi, self.gamma, self.trainable)
        return measured

    def cosine_to_exact(self) -> float:
        """Return how well the last backward pass on a simulated chip measured the gradient of theta and phi.

        Raises
        ------
        RuntimeError
            When there was none.
        """
        if self.experiment is None or self.experiment.last is None:
            raise RuntimeError("cosine_to_exact needs a chip and a backward pass through it")
        return self.experiment.last.cosine_to_exact()

    def matrix(self) -> Tensor:
        """Return U, shape (modes, modes), differentiable in the phases; on a chip as it measures it."""
        compute_anew(self, "theta", "phi", "gamma")
        identity = torch.eye(self.topology.modes, dtype=self.dtype, device=self.theta.device)
        if self._chip is not None:
            return self.forward(identity).mT
        return self._propagate(identity, "mesh" if identity.device.type == "cpu" else "matrix").mT

    def load_matrix(self, unitary: ArrayLike, *, tolerance: float | None = None) -> None:
        """Set the phases with which an ideal mesh performs a unitary.

        The imperfections of a chip are not corrected for.

        Parameters
        ----------
        unitary : array_like of complex, shape (modes, modes)
            The matrix U.
        tolerance : float, optional
            Largest element of |U U† − 1| to accept; 1e-10 when left out, or 1e-5 where U comes in single precision.
            The mesh performs U as closely as U is unitary: numbers of eight digits from a file need about 1e-7.

        Raises
        ------
        ValueError
            When the matrix is not unitary or of the wrong size, the topology is not universal (rectangular or
            triangular), or the mesh was given coupler errors or losses.
        RuntimeError
            When phases are pruned, normed or parametrized such that they cannot be those of the matrix.
        """
        if self.coupler_error is not None or self.loss_db is not None:
            raise ValueError("load_matrix needs an ideal mesh, got one with coupler errors or losses")
        if isinstance(unitary, Tensor):
            unitary = unitary.numpy(force=True)
        unitary = np.asarray(unitary)
        if tolerance is None:
            tolerance = 1e-5 if unitary.dtype in (np.complex64, np.float32) else 1e-10
        phases = decompose(unitary, self.topology, tolerance=tolerance)
        load_settings(self, dict(zip(("theta", "phi", "gamma"), map(torch.from_numpy, phases), strict=True)))

    def extra_repr(self) -> str:
        """Return what the repr of the layer says."""
        return (
            f"{self.topology.name}: {self.topology.modes} modes, {self.topology.mzis} MZIs in {self.topology.depth} "
            f"columns, {self.dtype}, {self._kind()}"
            f"{'' if self.gamma.requires_grad else ', gamma frozen'}"
            f"{'' if self.route == 'auto' else f', route={self.route}'}"
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if self._mask is not None:
            keep_frozen(self)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        mask = self.trainable
        super()._apply(in_full_precision(fn), recurse)  # type: ignore[no-untyped-call]
        self._place(mask)  # which `to_empty` leaves without its values
        return self

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._place(self.trainable)  # parameters may be others now, which were assigned

    def _place(self, mask: Tensor | None) -> None:
        """Move the mask to the device of the phases; after meta tensors it is made anew."""
        if mask is not None:
            self.trainable = (cast("Tensor", self._mask) if mask.is_meta else mask).to(self.theta.device)

    def _require_maskable(self) -> None:
        """Refuse a mask of phases that are computed from more than a parameter of their own."""
        for i, name in enumerate(("theta", "phi")):
            if is_mixed(self, name) and not cast("Tensor", self.trainable)[:, i].all():
                raise RuntimeError(
                    f"{name} is parametrized or normed, and trainable leaves out some of it: an optimiser would move "
                    f"these too; remove the parametrization or norm of {name!r}, or do without trainable"
                )

    def _kind(self) -> str:
        if self.experiment is not None:
            return f"{self.experiment.chip}, gradient {self.experiment.method}"
        imperfections = {"coupler errors": self.coupler_error, "losses": self.loss_db}
        present = [name for name, setting in imperfections.items() if setting is not None]
        return f"with {' and '.join(present)}" if present else "ideal"

    def _propagate(self, x: Tensor, route: Route) -> Tensor:
        theta: Tensor = self.theta
        phi: Tensor = self.phi
        if self.trainable is not None:
            self._require_maskable()
            theta = torch.where(self.trainable[:, 0], theta, theta.detach())
            phi = torch.where(self.trainable[:, 1], phi, phi.detach())
        return propagate(x, theta, phi, self.gamma, self.topology, self.coupler_error, self.loss_db, route)


def _random_phases(topology: Topology, seed: int | None) -> tuple[NDArray[np.float64], ...]:
    if seed is None:
        seed = int(torch.randint(2**63 - 1, (), device="cpu"))
    return haar_phases(topology, np.random.default_rng(seed))


def _setting(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy of `values`, after checking its shape."""
    if isinstance(values, Tensor):
        values = values.numpy(force=True)
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def _mask(values: ArrayLike, mzis: int) -> Tensor:
    """Return which (theta, phi) are trained as a tensor on the CPU, after checking its shape."""
    if isinstance(values, Tensor):
        values = values.numpy(force=True)
    array = np.array(values, dtype=np.bool_)
    if array.shape != (mzis, 2):
        raise ValueError(f"trainable must have shape {(mzis, 2)}, got {array.shape}")
    return torch.from_numpy(array)
