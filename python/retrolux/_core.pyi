"""The compiled module; see csrc/bindings."""

from typing import overload

import numpy as np
from numpy.typing import NDArray

__version__: str
compiler: str
isas_built: tuple[str, ...]
isas_usable: tuple[str, ...]
openmp: int | None

def max_threads() -> int: ...

class Layout:
    def __init__(self, modes: int, pairs: NDArray[np.int32]) -> None: ...
    @property
    def modes(self) -> int: ...
    @property
    def mzis(self) -> int: ...

class Kernels:
    def __init__(self, isa: str) -> None: ...
    @property
    def isa(self) -> str: ...
