"""Guards on what was built: symbols, floating point, OpenMP, instruction sets, stubs, versions, imports."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retrolux import _core, _kernels

CHECKOUT = Path(__file__).parents[1]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment, check=False
    )


@pytest.mark.skipif(shutil.which("nm") is None or sys.platform != "linux", reason="needs nm from binutils on Linux")
def test_the_module_exports_its_entry_and_nothing_of_ours():
    command = ["nm", "-DC", "--defined-only", _core.__file__]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    symbols = [line.split(maxsplit=2)[1:] for line in listing.stdout.splitlines()]
    assert [name for kind, name in symbols if kind == "T"] == ["PyInit__core"]
    assert not [name for _, name in symbols if "retrolux" in name]


@pytest.mark.parametrize("first", ["numpy", "torch"])
def test_subnormals_survive(first):
    """Fast-math start-up code would flush them to zero for the whole process."""
    done = python(
        f"import {first}, numpy as np, retrolux.mesh as mesh\n"
        "mesh.matrix(mesh.rectangular(64), np.zeros(2016), np.zeros(2016), np.zeros(64))\n"
        "tiny = np.full(64, 1e-310) * 0.5\n"
        "assert (tiny > 0).all() and np.float32(1e-40) * np.float32(0.5) > 0"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of loaded libraries")
@pytest.mark.skipif(_core.openmp is None, reason="a serial build has no OpenMP runtime")
@pytest.mark.parametrize("order", ["import torch, retrolux.mesh", "import retrolux.mesh, torch"])
def test_one_openmp_runtime_serves_the_process(order):
    done = python(
        f"{order}\nimport re, torch\n"
        "import retrolux._kernels\n"
        "torch.ones(300, 300) @ torch.ones(300, 300)\n"
        "maps = open('/proc/self/maps').read()\n"
        r"print(len(set(re.findall(r'\S*/lib(?:gomp|omp|iomp5)[^/\s]*\.so\S*', maps))))"
    )
    assert done.stdout.strip() == "1", done.stdout + done.stderr


def test_meshes_do_not_need_torch():
    done = python(
        "import sys, numpy as np\n"
        "import retrolux.mesh as mesh\n"
        "t = mesh.rectangular(4)\n"
        "mesh.matrix(t, *mesh.haar_phases(t, np.random.default_rng(0)))\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr


def test_the_instruction_set_can_be_chosen():
    for isa in _kernels.isas_usable:
        done = python("import retrolux._kernels as k; print(k.kernels.isa)", RETROLUX_ISA=isa)
        assert done.stdout.strip() == isa, done.stderr


def test_an_empty_instruction_set_is_none():
    done = python("import retrolux._kernels as k; print(k.kernels.isa)", RETROLUX_ISA="")
    assert done.stdout.strip() == _kernels.isas_usable[-1], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize(
    ("how", "before"),
    [("os.fork()", "torch.randn(4_000_000).sin()"), ("a pool", "torch.randn(800, 800) @ torch.randn(800, 800)")],
)
def test_a_child_does_not_wait_for_threads_of_torch(how, before):
    """The runtime's threads, which we share with torch, are not in the child; it has to notice that there are none."""
    code = f"""
import multiprocessing, os, warnings, numpy as np, torch, retrolux.mesh as mesh
warnings.simplefilter("ignore")
t = mesh.rectangular(128)
def work(_=None):
    return float(abs(mesh.matrix(t, np.ones(t.mzis), np.ones(t.mzis), np.ones(128))).sum())
torch.set_num_threads(2)
{before}
if {how!r} == "os.fork()":
    child = os.fork()
    if child == 0:
        os._exit(work() > 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
else:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert len(set(pool.map(work, range(4)))) == 1
print("went on")
"""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.stdout.strip() == "went on", done.stderr


def test_an_unknown_instruction_set_is_refused():
    done = python("import retrolux._kernels", RETROLUX_ISA="sse9")
    usable = ", ".join(_kernels.isas_usable)
    assert f"ValueError: RETROLUX_ISA must be one of {usable} on this machine, got 'sse9'" in done.stderr


def test_x86_builds_hold_every_instruction_set():
    if os.uname().machine != "x86_64":
        pytest.skip("another architecture has its vectors in the baseline")
    assert _kernels.isas_built == ("baseline", "avx2", "avx512")


def test_info_says_what_is_in_use():
    info = _kernels.info()
    assert info["version"] == _core.__version__
    assert info["instruction set in use"] == _kernels.kernels.isa
    assert int(info["threads"]) >= 1


def test_versions_agree():
    pyproject = (CHECKOUT / "pyproject.toml").read_text()
    assert f'version = "{_core.__version__}"' in pyproject
    assert importlib.metadata.version("retrolux") == _core.__version__


def test_the_stub_names_what_the_module_has():
    stub = ast.parse((CHECKOUT / "python" / "retrolux" / "_core.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assigned = [node for node in stub.body if isinstance(node, ast.AnnAssign)]
    values = {node.target.id for node in assigned if ast.unparse(node.annotation) != "TypeAlias"}
    dunder = {"__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__"}
    assert set(classes) | functions | values == set(dir(_core)) - dunder
    for name, node in classes.items():
        members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        own = set(vars(getattr(_core, name))) - {"__doc__", "__module__", "__new__", "__weakref__"}
        assert members == own - {"_pybind11_conduit_v1_"}
