"""scikit-learn's data sets, imported only when one is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["scikit_learn_datasets"]


def scikit_learn_datasets() -> ModuleType:
    """Return the module `sklearn.datasets`.

    Raises
    ------
    ModuleNotFoundError
        When scikit-learn, which comes with the extra ``study``, is not installed.
    """
    try:
        return importlib.import_module("sklearn.datasets")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'this data set needs scikit-learn, which is not installed: pip install "retrolux[study]"'
        ) from error
