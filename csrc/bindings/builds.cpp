#include "bindings/builds.h"

#include <stdexcept>

#include "bindings/bindings.h"
#include "operations.h"

namespace retrolux {

namespace py = pybind11;

template <>
const Passes<float>& Build::passes() const {
    return table->single_precision;
}
template <>
const Passes<double>& Build::passes() const {
    return table->double_precision;
}

const std::vector<Build>& builds() {
    static const std::vector<Build> all = {
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

const Build& usable_build(const std::string& isa) {
    std::string names;
    for (const Build& build : builds()) {
        names += std::string(names.empty() ? "" : ", ") + build.name;
        if (isa != build.name) continue;
        if (!cpu_can_run(build.isa))
            throw std::invalid_argument("this processor cannot run the instruction set '" + isa + "'");
        return build;
    }
    throw std::invalid_argument("the instruction set must be one of " + names + ", got '" + isa + "'");
}

void bind_builds(py::module_& module) {
    py::list built, usable;
    for (const Build& build : builds()) {
        built.append(build.name);
        if (cpu_can_run(build.isa)) usable.append(build.name);
    }
    module.attr("operations") =
        py::dict(py::arg("forward") = operations::crossing, py::arg("tapped") = operations::tapped,
                 py::arg("adjoint") = operations::adjoint, py::arg("product") = operations::product);
    module.def(
        "multiply_adds",
        [](const std::string& isa, bool in_double_precision, index_t rounds) {
            const Build& build = usable_build(isa);
            return in_double_precision ? build.passes<double>().multiply_adds(rounds)
                                       : build.passes<float>().multiply_adds(rounds);
        },
        py::arg("isa"), py::arg("in_double_precision"), py::arg("rounds"),
        "Multiply and add in registers, as fast as one core can; return the floating-point operations done.");
    module.attr("isas_built") = py::tuple(built);
    module.attr("isas_usable") = py::tuple(usable);
}

}  // namespace retrolux
