"""Names of modules and of what they hold never hide each other, packages import downwards, meshes need NumPy alone."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import retrolux

MODULES = [module.name for module in pkgutil.walk_packages(retrolux.__path__, "retrolux.") if "__" not in module.name]

# What each package, or module beside them, may import. What a type needs alone does not count.
MAY_IMPORT = {
    "_lazy": set(),
    "reading": set(),
    "atomic": set(),
    "streams": set(),
    "plain_pickle": set(),
    "option": {"reading"},
    "locking": {"atomic"},
    "_kernels": set(),
    "mesh": {"_kernels"},
    "hardware": {"_kernels", "mesh", "option", "reading"},
    "gradient": {"_kernels", "hardware", "mesh"},
    "energy": {"gradient", "hardware", "mesh", "option", "reading"},
    "_plain": set(),
    "_textbook": {"mesh"},
    "_ops": {"_kernels", "_plain", "mesh"},
    "_transforms": {"_ops", "_plain", "_textbook", "mesh"},
    "_autograd": {"_ops", "_plain", "_transforms", "mesh"},
    "functional": {"_autograd", "_ops", "_plain", "_transforms", "mesh"},
    "analog": {"_kernels", "_plain"},
    "nn": {"_kernels", "_ops", "_plain", "functional", "gradient", "hardware", "mesh", "plain_pickle", "reading"},
    "model_summary": {"energy", "hardware", "nn"},
    "data": {"_lazy", "atomic", "option", "plain_pickle", "reading"},
    "plot": {"energy", "mesh"},
    "bench": {"_kernels", "functional", "gradient", "hardware", "mesh", "nn"},
    "study": {
        "_lazy",
        "atomic",
        "data",
        "energy",
        "gradient",
        "hardware",
        "locking",
        "mesh",
        "nn",
        "option",
        "reading",
    },
    "report": {"atomic", "energy", "hardware", "locking", "mesh", "option", "plot", "reading", "study"},
    "commands": {"_kernels", "atomic", "bench", "data", "energy", "gradient", "hardware", "locking", "mesh", "nn"}
    | {"option", "plot", "reading", "report", "study"},
    "cli": {"commands", "streams"},
    "__main__": {"cli"},
}


def files() -> dict[str, Path]:
    """Return the files of all modules, by name."""
    folder = Path(retrolux.__file__).parent
    names = {file: ("retrolux", *file.relative_to(folder).with_suffix("").parts) for file in folder.rglob("*.py")}
    return {".".join(name).removesuffix(".__init__"): file for file, name in names.items()}


def imports(tree: ast.AST) -> list[str]:
    """Return what a module imports, in functions too but not for types, as dotted names."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return []
    if isinstance(tree, ast.Import):
        return [alias.name for alias in tree.names]
    if isinstance(tree, ast.ImportFrom):
        return [f"{tree.module}.{alias.name}" for alias in tree.names]
    return [name for child in ast.iter_child_nodes(tree) for name in imports(child)]


def graph() -> dict[str, set[str]]:
    """Return the modules that each module imports."""
    found = files()
    edges: dict[str, set[str]] = {name: set() for name in found}
    for name, file in found.items():
        for imported in imports(ast.parse(file.read_text(encoding="utf-8"))):
            module = imported if imported in found else imported.rpartition(".")[0]
            if module in found and module != "retrolux":
                edges[name].add(module)
    return edges


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_what_its_name_says(name):
    # `import retrolux.mesh.matrix as m` would bind a function where a module and a function shared the name.
    module = importlib.import_module(name)
    room, _, short = name.rpartition(".")
    assert getattr(importlib.import_module(room), short) is module


def test_imports_are_found():
    code = """
import a.b
if TYPE_CHECKING:
    import c
def f():
    from d import e, f
"""
    assert imports(ast.parse(code)) == ["a.b", "d.e", "d.f"]
    edges = graph()
    assert "retrolux.mesh.topology" in edges["retrolux.mesh.builders"]
    assert "retrolux.hardware.imperfections" in edges["retrolux.hardware.simulated"]
    assert sum(map(len, edges.values())) > 300


def test_modules_import_in_no_circle():
    TopologicalSorter(graph()).prepare()  # a CycleError names the circle


def test_packages_import_downwards():
    TopologicalSorter(MAY_IMPORT).prepare()
    for name, imported in graph().items():
        if name == "retrolux":
            continue
        room = name.split(".")[1]
        rooms = {module.split(".")[1] for module in imported} - {room}
        assert rooms <= MAY_IMPORT[room], f"{name} must not import {', '.join(sorted(rooms - MAY_IMPORT[room]))}"


def without_torch_and_kernels(code: str) -> str:
    """Run code in a process that has neither torch nor the compiled module; return what it prints."""
    block = "import sys; sys.modules['torch'] = sys.modules['retrolux._core'] = None\n"
    return subprocess.run([sys.executable, "-c", block + code], check=True, capture_output=True, text=True).stdout


def test_meshes_and_the_oracle_need_numpy_alone():
    printed = without_torch_and_kernels("""
import numpy as np
from retrolux import mesh
from retrolux.mesh import reference
topology = mesh.triangular(4)
unitary = mesh.haar_unitary(4, np.random.default_rng(0))
phases = mesh.decompose(unitary, topology)
print(np.abs(reference.propagate(topology, np.eye(4), *phases).T - unitary).max() < 1e-12)
print(reference.gradients(topology, np.eye(4), *phases, grad_y=np.eye(4)).theta.shape, topology.longest_path)
for needs in (lambda: mesh.matrix(topology, *phases), lambda: topology.layout):
    try:
        needs()
    except ImportError as error:
        print(error)
""")
    missing = "import of retrolux._core halted; None in sys.modules"
    assert printed.splitlines() == ["True", "(6,) 5", *2 * [missing]]
