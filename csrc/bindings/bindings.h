#pragma once

#include <pybind11/pybind11.h>

namespace retrolux {

void bind_layout(pybind11::module_& module);
void bind_passes(pybind11::module_& module);
void bind_tensor_kernels(pybind11::module_& module);
void bind_builds(pybind11::module_& module);
void bind_build(pybind11::module_& module);

}  // namespace retrolux
