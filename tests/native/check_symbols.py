"""Fail when an object built for one instruction set defines a symbol that another build could pick up.

The linker keeps one copy of a weak symbol. If that copy came from an AVX-512 object, code meant for any processor
would run AVX-512 instructions. So every external symbol must carry the name of its instruction set.
"""

from __future__ import annotations

import subprocess
import sys

# What compilers add to objects that handle exceptions, the same in every build: GCC's pointers to the handler of the
# C++ runtime, which are data, and Clang's call of std::terminate, which has no numbers to compute with.
OF_COMPILERS = ("DW.ref.", "__clang_call_terminate")


def main(isa: str, objects: list[str]) -> int:
    """Print each offending symbol; return 1 when there is one."""
    listing = subprocess.run(["nm", "--defined-only", *objects], capture_output=True, text=True, check=True)
    external = [line.split(maxsplit=2)[1:] for line in listing.stdout.splitlines() if len(line.split(maxsplit=2)) == 3]
    names = [name for kind, name in external if (kind.isupper() or kind in "uvw") and not name.startswith(OF_COMPILERS)]
    # As the names of retrolux::isa:: are written in objects.
    foreign = [name for name in names if f"8retrolux{len(isa)}{isa}" not in name]
    for name in foreign:
        print(f"{isa} objects define {name}")
    print(f"{len(names)} symbols of {isa} checked, {len(foreign)} foreign")
    return 1 if foreign or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
