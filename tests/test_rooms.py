"""Names of modules and of what they hold never hide each other."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import retrolux

MODULES = [module.name for module in pkgutil.walk_packages(retrolux.__path__, "retrolux.") if "__" not in module.name]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_what_its_name_says(name):
    # `import retrolux.mesh.matrix as m` would bind a function where a module and a function shared the name.
    module = importlib.import_module(name)
    room, _, short = name.rpartition(".")
    assert getattr(importlib.import_module(room), short) is module
