"""The compiled module; see csrc/bindings."""

from typing import Any, TypeAlias

__version__: str
compiler: str
isas_built: tuple[str, ...]
isas_usable: tuple[str, ...]
openmp: int | None

operations: dict[str, float]

def max_threads() -> int: ...

class NotInOrderError(TypeError):
    """Memory does not hold the elements of an array as they are read, in C order; a copy of it could be taken."""

# A NumPy array, or a CPU tensor that offers DLPack's C exchange interface, as torch's do; in C order, taken where it
# lies. Light is complex64 or complex128 of shape (…, modes); all that is real is in the same precision. What a function
# makes is written to arrays of the caller's: its last arguments but `threads`.
_Array: TypeAlias = Any
# A tuple in the order of retrolux.mesh.settings.Settings: settings, or room for their gradients.
_Settings: TypeAlias = tuple[Any, ...]

class Layout:
    def __init__(self, modes: int, pairs: _Array) -> None: ...
    @property
    def modes(self) -> int: ...
    @property
    def mzis(self) -> int: ...

class Kernels:
    def __init__(self, isa: str) -> None: ...
    @property
    def isa(self) -> str: ...
    def multiply_adds(self, in_double_precision: bool, rounds: int) -> float: ...
    @staticmethod
    def takes_tensors(layout: Layout, settings: _Settings, x: _Array) -> bool: ...
    def forward(self, layout: Layout, settings: _Settings, x: _Array, y: _Array, threads: int) -> None: ...
    def reverse(self, layout: Layout, settings: _Settings, grad_y: _Array, grad_x: _Array, threads: int) -> None: ...
    def adjoint(
        self,
        layout: Layout,
        settings: _Settings,
        y: _Array,
        grad_y: _Array,
        x: _Array | None,
        grad_x: _Array | None,
        gradients: _Settings,
        threads: int,
    ) -> None: ...
    def forward_taps(
        self,
        layout: Layout,
        settings: _Settings,
        x: _Array,
        y: _Array | None,
        *,
        each: _Array | None = None,
        weight: _Array | None = None,
        total: _Array | None = None,
        second: _Array | None = None,
        threads: int,
    ) -> None: ...
    def backward_taps(
        self,
        layout: Layout,
        settings: _Settings,
        x: _Array,
        y: _Array | None,
        *,
        each: _Array | None = None,
        weight: _Array | None = None,
        total: _Array | None = None,
        second: _Array | None = None,
        threads: int,
    ) -> None: ...
    # Settings and matrices of several meshes are stacked: theta (meshes, mzis), transposed (meshes, modes, modes), …;
    # those of one mesh need no first dimension.
    def matrices(self, layout: Layout, settings: _Settings, transposed: _Array, threads: int) -> None: ...
    def matrices_adjoint(
        self,
        layout: Layout,
        settings: _Settings,
        transposed: _Array,
        grad_transposed: _Array,
        gradients: _Settings,
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
    def normals(self, values: _Array, seed: int, stream: int, step: int, first: int, threads: int) -> None: ...
    def uniforms(self, values: _Array, seed: int, stream: int, step: int, first: int, threads: int) -> None: ...
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
    def multiply(self, starts: _Array, columns: _Array, values: _Array, x: _Array, y: _Array, threads: int) -> None: ...
