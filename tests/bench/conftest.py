"""The modules of bench/versus are scripts' neighbours, not a package: this is how tests find them."""

from __future__ import annotations

import sys
from pathlib import Path

_BENCH = Path(__file__).parents[2] / "bench"
sys.path.extend(str(_BENCH / folder) for folder in ("versus/peers", "versus", "."))
