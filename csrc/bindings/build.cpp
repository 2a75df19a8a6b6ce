#include <string>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "bindings/bindings.h"
#include "bindings/threads.h"

namespace retrolux {

namespace py = pybind11;

namespace {

std::string compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#else
    return "unknown";
#endif
}

/// What OpenMP would use now: OMP_NUM_THREADS, else the processors this process may run on; 1 without OpenMP.
int max_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

}  // namespace

void bind_build(py::module_& module) {
    watch_forks();  // before anybody can have forked with threads of ours or of a library that shares the runtime
    module.attr("__version__") = RETROLUX_VERSION;
    module.attr("compiler") = compiler();
#ifdef _OPENMP
    module.attr("openmp") = _OPENMP;
#else
    module.attr("openmp") = py::none();
#endif
    module.def("max_threads", &max_threads, "Threads that OpenMP would use now; 1 in a build without it.");
}

}  // namespace retrolux
