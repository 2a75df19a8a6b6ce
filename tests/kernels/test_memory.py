"""Memory that runs out ends in MemoryError, never in the end of the process, wherever the kernels ask for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from retrolux._kernels import isas_usable

pytest.importorskip("resource", reason="the system has no limits of memory")

CODE = """
import json, resource, sys
import numpy as np
from retrolux import mesh
from retrolux._kernels import Kernels, Layout
from retrolux.mesh.settings import Settings, setting_shapes
kernels, real, topology, batch = Kernels(sys.argv[1]), np.float32, mesh.rectangular(200), 8
def settings(*stack):
    return Settings(*(np.full(size, 0.5, real) for size in setting_shapes(topology, stack).values()))
def ideal(settings):
    return settings._replace(coupler_error=None, loss_db=None)
def light(*shape):
    return np.ones((*shape, topology.modes), np.complex64)
one, stack = settings(), settings(4)
unequal, unequal_stack = (s._replace(loss_db=s.loss_db.copy()) for s in (one, stack))
unequal.loss_db[::2] = unequal_stack.loss_db[:, ::2] = 30
x, y, grad, u = light(batch), light(batch), light(batch), light(4, topology.modes)
room, rooms = settings(), settings(4)
layout = topology.layout
sums = {"weight": np.ones(batch, real), "total": np.empty((topology.mzis, 2), real)}
calls = {
    "matrices": lambda: kernels.matrices(layout, stack, u, 2),
    "forward": lambda: kernels.forward(layout, one, x, y, 2),
    "ideal forward": lambda: kernels.forward(layout, ideal(one), x, y, 2),
    "reverse": lambda: kernels.reverse(layout, one, x, y, 2),
    "ideal adjoint": lambda: kernels.adjoint(layout, ideal(one), y, grad, None, x, ideal(room), 2),
    "reversed adjoint": lambda: kernels.adjoint(layout, one, y, grad, x, None, room, 2),
    "replayed adjoint": lambda: kernels.adjoint(layout, unequal, y, grad, x, None, room, 2),
    "taps": lambda: kernels.forward_taps(layout, one, x, y, **sums, threads=2),
    "ideal matrices": lambda: kernels.matrices(layout, ideal(stack), u, 2),
    "one matrix": lambda: kernels.matrices(layout, one, u[0], 2),
    "matrices_adjoint": lambda: kernels.matrices_adjoint(layout, stack, u, u, rooms, 2),
    "replayed matrices_adjoint": lambda: kernels.matrices_adjoint(layout, unequal_stack, u, u, rooms, 2),
    "layout": lambda: Layout(topology.modes, topology.pairs.astype(np.int32)),
}
def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
kernels.normals(np.empty(10**6, real), 1, 2, 3, 0, 2)  # the threads are there before memory is short
outcomes = {}
for name, call in calls.items():
    refused = 0
    for kilobytes in (0, 256, 1024, 8192, 10**6):
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        limit(used + 1024 * kilobytes)
        try:
            call()
            break
        except MemoryError:
            refused += 1
        finally:
            limit(resource.RLIM_INFINITY)
    call()
    outcomes[name] = refused
print(json.dumps(outcomes))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's account of memory")
@pytest.mark.parametrize("isa", isas_usable)
def test_kernels_say_that_memory_is_short(isa):
    """Whatever is left, a call is refused or done, and afterwards everything works."""
    # Blocks go back to the system at once, so that none is at hand.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, isa], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    never = {name for name, refused in json.loads(done.stdout).items() if not refused}
    # For these, what another call has kept may be enough.
    assert never <= {"reverse", "forward", "ideal forward", "ideal matrices", "one matrix"}, done.stdout
