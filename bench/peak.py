"""The multiply-add peak of one core, per instruction set and precision.

python bench/peak.py
"""

from __future__ import annotations

from retrolux import _kernels
from retrolux.bench.machine import Machine
from retrolux.bench.peak import measure
from retrolux.bench.quiet import Patience


def main() -> None:
    machine = Machine(threads=1)
    for isa in _kernels.isas_usable:
        single, double = (measure(isa, precision, Patience(0)) for precision in ("single", "double"))
        print(f"{isa:9} {single / 1e9:7.1f} GFLOP/s in single, {double / 1e9:7.1f} in double precision, one core")
    print(machine.facts())


if __name__ == "__main__":
    main()
