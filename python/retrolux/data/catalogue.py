"""Every data set by its name, as the command line asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from retrolux.data.cifar import cifar10
from retrolux.data.digit_images import digits
from retrolux.data.mnist_images import mnist
from retrolux.data.planar_points import planar

if TYPE_CHECKING:
    import os

    from retrolux.data.dataset import Dataset

__all__ = ["NAMES", "DatasetName", "load"]

DatasetName = Literal["digits", "mnist", "cifar10", "moons", "circle", "ring", "blobs"]
NAMES: tuple[DatasetName, ...] = get_args(DatasetName)


def load(
    name: DatasetName,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    modes: int | None = None,
    seed: int = 0,
    download: bool = False,
) -> Dataset:
    """Load a data set by its name, with the defaults of its own loader for everything else.

    Parameters
    ----------
    name : {"digits", "mnist", "cifar10", "moons", "circle", "ring", "blobs"}
    data_dir : path-like, optional
        The folder that holds the files of mnist and cifar10; the others have no files.
    modes : int, optional
        Number of modes of digits and mnist, 64 when None; the others have a shape of their own.
    seed : int
        What digits and the planar sets are drawn or split with; mnist and cifar10 are split as published.
    download : bool
        Fetch the files of mnist or cifar10 from openml.org when they are missing.

    Raises
    ------
    ValueError
        When the name is unknown, or `modes` is given for a data set without a choice.

    See Also
    --------
    digits, mnist, cifar10, planar : the loaders, with all their options and errors.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    if name == "digits":
        return digits(modes=64 if modes is None else modes, seed=seed)
    if name == "mnist":
        return mnist(data_dir, modes=64 if modes is None else modes, download=download)
    if modes is not None:
        raise ValueError(f"modes can be chosen for digits and mnist, got modes={modes} for {name}")
    if name == "cifar10":
        return cifar10(data_dir, download=download)
    return planar(name, seed=seed)
