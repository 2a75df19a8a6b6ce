#pragma once

#include <pybind11/pybind11.h>

#include "bindings/kernels.h"

namespace retrolux {

void bind_arrays(pybind11::module_& module);
void bind_layout(pybind11::module_& module);
void bind_kernels(pybind11::module_& module);
void bind_build(pybind11::module_& module);

// The methods of Kernels. Each takes NumPy arrays or tensors alike; kernels/table.h says what it does.
void bind_passes(pybind11::class_<Kernels>& kernels);
void bind_light(pybind11::class_<Kernels>& kernels);
void bind_numbers(pybind11::class_<Kernels>& kernels);

}  // namespace retrolux
