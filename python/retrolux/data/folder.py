"""The folders in which data files are looked for."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["ENVIRONMENT", "data_folders"]

ENVIRONMENT = "RETROLUX_DATA"


def data_folders(data_dir: str | os.PathLike[str] | None, layout: str) -> tuple[Path, Path]:
    """Return the two folders that may hold the files of a data set, in the order in which to look.

    Parameters
    ----------
    data_dir : path-like, optional
        The folder of all data sets; when None, the environment variable ``RETROLUX_DATA`` names it.
    layout : str
        Where the data set lies inside it, for example ``"MNIST/raw"``.

    Returns
    -------
    tuple of two Path
        The data set's place inside the folder, and the folder itself; neither has to exist.

    Raises
    ------
    FileNotFoundError
        When neither `data_dir` nor the environment variable names a folder.
    """
    root = os.environ.get(ENVIRONMENT) if data_dir is None else data_dir
    if not root:
        raise FileNotFoundError(
            f"no folder to look for {layout} in: pass data_dir (--data-dir) or set {ENVIRONMENT}, got neither"
        )
    folder = Path(root).expanduser()
    return folder / layout, folder
