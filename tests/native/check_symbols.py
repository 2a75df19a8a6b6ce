"""Fail when an object built for one instruction set defines a symbol that another build could pick up.

The linker keeps one copy of a weak symbol. If that copy came from an AVX-512 object, code meant for any processor
would run AVX-512 instructions. So every external symbol must carry the name of its instruction set.
"""

from __future__ import annotations

import subprocess
import sys


def main(isa: str, objects: list[str]) -> int:
    """Print each offending symbol; return 1 when there is one."""
    listing = subprocess.run(["nm", "-C", "--defined-only", *objects], capture_output=True, text=True, check=True)
    external = [line.split(maxsplit=2)[1:] for line in listing.stdout.splitlines() if len(line.split(maxsplit=2)) == 3]
    # DW.ref… is the compiler's pointer to the C++ runtime's exception handler: data, the same in every build.
    names = [name for kind, name in external if (kind.isupper() or kind in "uvw") and not name.startswith("DW.ref.")]
    foreign = [name for name in names if f"retrolux::{isa}::" not in name]
    for name in foreign:
        print(f"{isa} objects define {name}")
    print(f"{len(names)} symbols of {isa} checked, {len(foreign)} foreign")
    return 1 if foreign or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
