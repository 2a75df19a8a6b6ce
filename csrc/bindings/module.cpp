#include "bindings/bindings.h"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "Compiled kernels of retrolux; use them through retrolux.mesh, retrolux.functional and retrolux.nn.";
    retrolux::bind_arrays(module);
    retrolux::bind_layout(module);
    retrolux::bind_kernels(module);
    retrolux::bind_build(module);
}
