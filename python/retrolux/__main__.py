"""``python -m retrolux`` is ``retrolux``."""

from __future__ import annotations

import sys

from retrolux.cli import main

if __name__ == "__main__":
    sys.exit(main())
