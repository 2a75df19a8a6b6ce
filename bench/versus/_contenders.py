"""Who is timed, and what each needs in its environment."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

__all__ = ["CONTENDERS", "OURS", "REFERENCES", "Contender", "ContenderError"]


class ContenderError(Exception):
    """What a contender could not do; the message says why."""


@dataclass(frozen=True)
class Contender:
    """One script in peers/, and its environment."""

    name: str
    kind: Literal["mesh", "analog"]
    script: str
    arguments: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    """Packages of its own environment; without any it runs in this one."""
    release: str | None = None
    """Its own package on the index, taken without what it says it needs. None: a checkout has to be given."""
    module: str | None = None
    """What is imported from a checkout."""


# The same torch for all; whatever else asks for one without a version would fetch another.
_TORCH = f"torch=={version('torch').partition('+')[0]}"

# Take part in every sitting, so that every figure has them from the same minutes.
OURS = {"mesh": "retrolux", "analog": "retrolux.analog"}
REFERENCES = ("retrolux", "dense layer", "retrolux.analog")

CONTENDERS = (
    Contender("retrolux", "mesh", "retrolux_mesh.py"),
    Contender("dense layer", "mesh", "dense_matrix.py"),
    Contender("torch", "mesh", "pure_torch_mesh.py"),
    Contender("torch.compile", "mesh", "pure_torch_mesh.py", ("compiled",)),
    Contender(
        "neurophox-torch",
        "mesh",
        "neurophox_torch.py",
        requires=(_TORCH, "numpy", "scipy"),
        release="neurophox==0.1.0a4",
        module="neurophox",
    ),
    Contender(
        "neurophox-tensorflow",
        "mesh",
        "neurophox_tensorflow.py",
        requires=(_TORCH, "numpy", "scipy", "tensorflow-cpu"),
        release="neurophox==0.1.0a4",
        module="neurophox",
    ),
    Contender(
        "simphox",
        "mesh",
        "simphox_mesh.py",
        requires=("numpy", "scipy", "pandas", "jax", "dm-haiku", "pydantic<2", "xarray"),
        release="simphox==0.0.1a8",
        module="simphox",
    ),
    Contender(
        "meshes", "mesh", "hamerly_meshes.py", requires=("numpy", "scipy", "numba", "matplotlib"), module="meshes"
    ),
    Contender("pytorch-onn", "mesh", "torchonn_mesh.py", requires=(_TORCH, "numpy"), module="torchonn"),
    Contender(
        "photontorch",
        "mesh",
        "photontorch_mesh.py",
        requires=(_TORCH, "numpy", "scipy", "matplotlib"),
        release="photontorch==0.4.1",
        module="photontorch",
    ),
    Contender(
        "neuroptica",
        "mesh",
        "neuroptica_mesh.py",
        requires=("numpy", "scipy", "numba", "tqdm"),
        release="neuroptica==0.1.0",
        module="neuroptica",
    ),
    Contender("retrolux.analog", "analog", "retrolux_analog.py"),
    Contender(
        "AnalogVNN",
        "analog",
        "analogvnn_layers.py",
        requires=(_TORCH, "numpy", "scipy", "networkx"),
        release="analogvnn==1.0.8",
        module="analogvnn",
    ),
)
