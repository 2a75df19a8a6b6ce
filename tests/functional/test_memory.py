"""Memory that runs out inside a layer ends in an exception that can be caught, never in the end of the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="the system has no limits of memory")

SETUP = """
import resource, sys, torch
from retrolux import functional as F, mesh, nn
torch.set_num_threads(2)
torch.randn(1000, 1000).sin().sum()  # the threads are there before memory is short
topology = mesh.rectangular(256)
size = topology.mzis, topology.mzis, 256
layer = nn.convert(torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU()))[0]
x, stack = torch.randn(8, 512), [torch.rand(4, n, requires_grad=True) for n in size]
light, one = torch.randn(8, 256, dtype=torch.complex64), [torch.rand(n, requires_grad=True) for n in size]
loss_db = 20 * torch.rand(topology.mzis, 4)
calls = {
    "converted layer": lambda: layer(x).sum().backward(),
    "matrices": lambda: F.matrices(*stack, topology).abs().sum().backward(),
    "propagate": lambda: F.propagate(light, *one, topology, loss_db=loss_db, route="mesh").abs().sum().backward(),
}
call, refused = calls[sys.argv[1]], 0
def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
call()
for kilobytes in (0, 256, 1024, 8192, 10**6):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit(used + 1024 * kilobytes)
    try:
        call()
        break
    except MemoryError:
        refused += 1
    except RuntimeError as error:  # torch's own
        assert "allocate memory" in str(error), error
        refused += 1
    finally:
        limit(resource.RLIM_INFINITY)
call()
print(refused)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's account of memory")
@pytest.mark.parametrize("call", ["converted layer", "matrices", "propagate"])
def test_layers_say_that_memory_is_short(call):
    """Whatever is left, the call is refused or done, and afterwards everything works."""
    # Blocks go back to the system at once, so that none is at hand.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    code = [sys.executable, "-c", SETUP, call]
    done = subprocess.run(code, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
