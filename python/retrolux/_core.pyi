"""The compiled module; see csrc/bindings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str
compiler: str
isas_built: tuple[str, ...]
isas_usable: tuple[str, ...]
openmp: int | None

operations: dict[str, float]

def max_threads() -> int: ...
def multiply_adds(isa: str, in_double_precision: bool, rounds: int) -> float: ...

class Layout:
    def __init__(self, modes: int, pairs: NDArray[np.int32]) -> None: ...
    @property
    def modes(self) -> int: ...
    @property
    def mzis(self) -> int: ...

# Light is complex64 or complex128 of shape (batch, modes), settings are real in the same precision; all C-ordered.
_Array = NDArray[Any]

class Kernels:
    def __init__(self, isa: str) -> None: ...
    @property
    def isa(self) -> str: ...
    def forward(
        self,
        layout: Layout,
        x: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        y: _Array,
        threads: int,
    ) -> None: ...
    def reverse(
        self,
        layout: Layout,
        grad_y: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        grad_x: _Array,
        threads: int,
    ) -> None: ...
    def forward_taps(
        self,
        layout: Layout,
        x: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        y: _Array | None,
        weight: _Array | None,
        each: _Array | None,
        total: _Array | None,
        second: _Array | None,
        threads: int,
    ) -> None: ...
    def backward_taps(
        self,
        layout: Layout,
        x: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        y: _Array | None,
        weight: _Array | None,
        each: _Array | None,
        total: _Array | None,
        second: _Array | None,
        threads: int,
    ) -> None: ...
    # Settings and matrices of several meshes are stacked: theta (meshes, mzis), transposed (meshes, modes, modes), …;
    # those of one mesh need no first dimension.
    def matrices(
        self,
        layout: Layout,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        transposed: _Array,
        threads: int,
    ) -> None: ...
    def matrices_adjoint(
        self,
        layout: Layout,
        transposed: _Array,
        grad_transposed: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        grad_theta: _Array,
        grad_phi: _Array,
        grad_gamma: _Array,
        grad_coupler_error: _Array | None,
        grad_loss_db: _Array | None,
        threads: int,
    ) -> None: ...
    def disturb(
        self,
        x: _Array,
        y: _Array,
        gain: _Array | None,
        amplitude_std: float,
        phase_std: float,
        noise_std: float,
        seed: int,
        scale_stream: int,
        noise_stream: int,
        step: int,
        threads: int,
    ) -> None: ...
    def add_noise(
        self,
        x: _Array,
        variance: _Array | None,
        std: float,
        seed: int,
        stream: int,
        step: int,
        y: _Array,
        threads: int,
    ) -> None: ...
    def superpose(
        self,
        x: _Array,
        other: _Array | None,
        turn: complex,
        normalise: bool,
        conjugate: bool,
        y: _Array,
        norm: _Array,
        threads: int,
    ) -> None: ...
    def scale(self, x: _Array, factor: _Array, conjugate: bool, y: _Array, threads: int) -> None: ...
    def modulus(self, z: _Array, size: _Array, threads: int) -> None: ...
    def modulus_adjoint(self, z: _Array, size: _Array, grad_size: _Array, grad_z: _Array, threads: int) -> None: ...
    def multiply(
        self,
        starts: NDArray[np.int32],
        columns: NDArray[np.int32],
        values: NDArray[np.float64],
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        threads: int,
    ) -> None: ...
    def normals(
        self, values: NDArray[np.float32], seed: int, stream: int, step: int, first: int, threads: int
    ) -> None: ...
    def uniforms(
        self, values: NDArray[np.float32], seed: int, stream: int, step: int, first: int, threads: int
    ) -> None: ...
    def adjoint(
        self,
        layout: Layout,
        y: _Array,
        grad_y: _Array,
        theta: _Array,
        phi: _Array,
        gamma: _Array,
        coupler_error: _Array | None,
        loss_db: _Array | None,
        x: _Array | None,
        grad_x: _Array | None,
        grad_theta: _Array,
        grad_phi: _Array,
        grad_gamma: _Array,
        grad_coupler_error: _Array | None,
        grad_loss_db: _Array | None,
        threads: int,
    ) -> None: ...

# On torch's tensors, which this module does without; each returns whether these were fit, else nothing was done.
# Settings and gradients are tuples of five.
_Tensor = Any
_Tensors = tuple[Any, ...]

class TensorKernels:
    def __init__(self, isa: str, exchange: object) -> None: ...
    def fit(self, layout: Layout, light: _Tensor, settings: _Tensors) -> bool: ...
    def linear(
        self, backward: bool, layout: Layout, light: _Tensor, settings: _Tensors, out: _Tensor, threads: int
    ) -> bool: ...
    def adjoint(
        self,
        layout: Layout,
        y: _Tensor,
        grad_y: _Tensor,
        settings: _Tensors,
        x: _Tensor | None,
        grad_x: _Tensor | None,
        gradients: _Tensors,
        threads: int,
    ) -> bool: ...
    def matrices(self, layout: Layout, settings: _Tensors, transposed: _Tensor, threads: int) -> bool: ...
    def matrices_adjoint(
        self,
        layout: Layout,
        transposed: _Tensor,
        grad_transposed: _Tensor,
        settings: _Tensors,
        gradients: _Tensors,
        threads: int,
    ) -> bool: ...
