"""How much memory a training step needs at its peak, beyond its inputs, output and gradients.

The kernels' scratch comes from C++, so Python's own tracing cannot see it: the kernel's high-water mark of resident
memory (VmHWM) can. Every case runs in a process of its own, and its first step counts, so that scratch which is kept
for later steps counts too. Pages of libraries that the step is the first to touch do not. Linux with glibc only.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from _torch_mesh import torch_mesh

from retrolux.bench.layers import Layer, dense, photonic
from retrolux.mesh import rectangular

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["peak_bytes"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def peak_bytes(cases: Sequence[tuple[str, int, int]], threads: int) -> list[int]:
    """Return the bytes that a step of each case takes at its peak, as counted above, to about 0.3 MB.

    A case is a layer ("photonic", "dense" or "torch"), the modes of a rectangular mesh and a batch.
    """
    # The allocator would keep what is freed below this size, and serve the step from it unseen.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    command = [sys.executable, __file__, str(threads)]
    result = subprocess.run(
        command, input=json.dumps(cases), env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return [int(value) for value in json.loads(result.stdout)]


def _apart(case: tuple[str, int, int], threads: int) -> int:
    """Measure a case in a fork of this process, which has imported everything and run nothing."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(threads)
        os.write(send, str(_measure(*case)).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return int(answer)


def _measure(name: str, modes: int, batch: int) -> int:
    # What any first step brings with it.
    _layer(name, 4, 2).step()
    layer = _layer(name, modes, batch)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before, libraries = _resident("VmRSS"), _resident("RssFile")
    _RESET.write_text("5")
    gradients = layer.step()
    peak = _resident("VmHWM") - before - (_resident("RssFile") - libraries)
    return peak - layer.output_bytes - sum(gradient.nbytes for gradient in gradients)


def _layer(name: str, modes: int, batch: int) -> Layer:
    if name == "dense":
        return dense(modes, batch)
    topology = rectangular(modes)
    if name == "torch":
        return torch_mesh(topology, batch, "batched")
    _ = topology.layout  # a description of the mesh that is made once and stays
    return photonic(topology, batch)


def _resident(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def main() -> None:
    print(json.dumps([_apart(case, int(sys.argv[1])) for case in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
