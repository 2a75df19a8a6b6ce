#include "bindings/kernels.h"

#include <stdexcept>
#include <vector>

#include "bindings/bindings.h"
#include "operations.h"

namespace retrolux {

namespace py = pybind11;

template <>
const Passes<float>& Kernels::passes() const {
    return table->single_precision;
}
template <>
const Passes<double>& Kernels::passes() const {
    return table->double_precision;
}

namespace {

/// The instruction sets that were compiled in, in ascending order of preference.
const std::vector<Kernels>& all_built() {
    static const std::vector<Kernels> all = {
        {"baseline", Isa::baseline, &baseline::table},
#ifdef RETROLUX_AVX2
        {"avx2", Isa::avx2, &avx2::table},
#endif
#ifdef RETROLUX_AVX512
        {"avx512", Isa::avx512, &avx512::table},
#endif
    };
    return all;
}

/// Throws std::invalid_argument where an instruction set is unknown or this processor cannot run it.
Kernels usable_kernels(const std::string& isa) {
    std::string names;
    for (const Kernels& kernels : all_built()) {
        names += std::string(names.empty() ? "" : ", ") + kernels.name;
        if (isa != kernels.name) continue;
        if (!cpu_can_run(kernels.isa))
            throw std::invalid_argument("this processor cannot run the instruction set '" + isa + "'");
        return kernels;
    }
    throw std::invalid_argument("the instruction set must be one of " + names + ", got '" + isa + "'");
}

}  // namespace

void bind_kernels(py::module_& module) {
    py::list built, usable;
    for (const Kernels& kernels : all_built()) {
        built.append(kernels.name);
        if (cpu_can_run(kernels.isa)) usable.append(kernels.name);
    }
    module.attr("isas_built") = py::tuple(built);
    module.attr("isas_usable") = py::tuple(usable);
    module.attr("operations") =
        py::dict(py::arg("forward") = operations::crossing, py::arg("tapped") = operations::tapped,
                 py::arg("adjoint") = operations::adjoint, py::arg("product") = operations::product);

    py::class_<Kernels> kernels(module, "Kernels", "The passes of light, compiled for one instruction set.");
    kernels.def(py::init(&usable_kernels), py::arg("isa"))
        .def_property_readonly("isa", [](const Kernels& self) { return self.name; }, "Name of the instruction set.");
    kernels.def(
        "multiply_adds",
        [](const Kernels& self, bool in_double_precision, index_t rounds) {
            return in_double_precision ? self.passes<double>().multiply_adds(rounds)
                                       : self.passes<float>().multiply_adds(rounds);
        },
        py::arg("in_double_precision"), py::arg("rounds"),
        "Multiply and add in registers, as fast as one core can; return the floating-point operations done.");
    bind_passes(kernels);
    bind_light(kernels);
    bind_numbers(kernels);
}

}  // namespace retrolux
