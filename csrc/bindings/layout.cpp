#include "bindings/arrays.h"
#include "bindings/bindings.h"

namespace retrolux {

void bind_layout(py::module_& module) {
    py::class_<Layout>(module, "Layout", "The MZIs of a mesh in the order light meets them, checked once.")
        .def(py::init<index_t, const RealArray<std::int32_t>&>(), py::arg("modes"), py::arg("pairs").noconvert())
        .def_property_readonly("modes", &Layout::modes)
        .def_property_readonly("mzis", &Layout::mzis);
}

}  // namespace retrolux
