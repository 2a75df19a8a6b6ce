"""Where the tests find the real data sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real data sets: RETROLUX_DATA, or ../shared/data next to the checkout."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("RETROLUX_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no data sets: {folder} is no folder, and RETROLUX_DATA can name another")
    return folder
