#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "cpu.h"
#include "kernels/table.h"

namespace retrolux {

namespace {

struct Build {
    const char* name;
    Isa isa;
    const Table* table;
};

/// The instruction sets that were compiled in, in ascending order of preference.
const std::vector<Build>& builds() {
    static const std::vector<Build> all = {
        {"baseline", Isa::baseline, &baseline::table},
#ifdef RETROLUX_X86
        {"avx2", Isa::avx2, &avx2::table},
        {"avx512", Isa::avx512, &avx512::table},
#endif
    };
    return all;
}

template <class T>
const Passes<T>& passes(const Table& table);
template <>
const Passes<float>& passes(const Table& table) {
    return table.single;
}
template <>
const Passes<double>& passes(const Table& table) {
    return table.twofold;
}

/// The kernels of one instruction set.
class Kernels {
public:
    explicit Kernels(const std::string& isa) {
        for (const Build& build : builds()) {
            if (isa != build.name) continue;
            if (!cpu_can_run(build.isa))
                throw std::invalid_argument("this processor cannot run the instruction set '" + isa + "'");
            build_ = &build;
            return;
        }
        std::string names;
        for (const Build& build : builds()) names += std::string(names.empty() ? "" : ", ") + build.name;
        throw std::invalid_argument("the instruction set must be one of " + names + ", got '" + isa + "'");
    }

    const char* isa() const { return build_->name; }

    template <class T>
    void forward(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta, const RealArray<T>& phi,
                 const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                 const std::optional<RealArray<T>>& loss_db, ComplexArray<T>& y, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("x", x, layout);
        require_shape("y", y, {batch, layout.modes()});
        run_linear(passes<T>(*build_->table).forward, mesh, x, batch, y, threads);
    }

    template <class T>
    void reverse(const Layout& layout, const ComplexArray<T>& grad_y, const RealArray<T>& theta,
                 const RealArray<T>& phi, const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                 const std::optional<RealArray<T>>& loss_db, ComplexArray<T>& grad_x, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("grad_y", grad_y, layout);
        require_shape("grad_x", grad_x, {batch, layout.modes()});
        run_linear(passes<T>(*build_->table).reverse, mesh, grad_y, batch, grad_x, threads);
    }

    template <class T>
    void adjoint(const Layout& layout, const ComplexArray<T>& y, const ComplexArray<T>& grad_y,
                 const RealArray<T>& theta, const RealArray<T>& phi, const RealArray<T>& gamma,
                 const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                 std::optional<ComplexArray<T>>& x, std::optional<ComplexArray<T>>& grad_x, RealArray<T>& grad_theta,
                 RealArray<T>& grad_phi, RealArray<T>& grad_gamma, std::optional<RealArray<T>>& grad_coupler_error,
                 std::optional<RealArray<T>>& grad_loss_db, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("y", y, layout);
        require_shape("grad_y", grad_y, {batch, layout.modes()});
        require_shape("grad_theta", grad_theta, {layout.mzis()});
        require_shape("grad_phi", grad_phi, {layout.mzis()});
        require_shape("grad_gamma", grad_gamma, {layout.modes()});
        if (x) require_shape("x", *x, {batch, layout.modes()});
        if (grad_x) require_shape("grad_x", *grad_x, {batch, layout.modes()});
        if (grad_coupler_error) require_shape("grad_coupler_error", *grad_coupler_error, {layout.mzis(), 2});
        if (grad_loss_db) require_shape("grad_loss_db", *grad_loss_db, {layout.mzis(), 4});
        const Gradients<T> gradients{grad_theta.mutable_data(), grad_phi.mutable_data(), grad_gamma.mutable_data(),
                                     grad_coupler_error ? grad_coupler_error->mutable_data() : nullptr,
                                     grad_loss_db ? grad_loss_db->mutable_data() : nullptr};
        const Light<const T> light{reinterpret_cast<const T*>(y.data()), batch};
        const T* gradient = reinterpret_cast<const T*>(grad_y.data());
        T* x_data = x ? reinterpret_cast<T*>(x->mutable_data()) : nullptr;
        T* grad_x_data = grad_x ? reinterpret_cast<T*>(grad_x->mutable_data()) : nullptr;
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        passes<T>(*build_->table).adjoint(mesh, light, gradient, x_data, grad_x_data, gradients, usable);
    }

private:
    template <class T>
    static void run_linear(void (*pass)(const Mesh<T>&, Light<const T>, T*, int), const Mesh<T>& mesh,
                           const ComplexArray<T>& in, index_t batch, ComplexArray<T>& out, int threads) {
        const Light<const T> light{reinterpret_cast<const T*>(in.data()), batch};
        T* result = reinterpret_cast<T*>(out.mutable_data());
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        pass(mesh, light, result, usable);
    }

    const Build* build_ = nullptr;
};

template <class T>
void bind_precision(py::class_<Kernels>& kernels) {
    using py::arg;
    kernels
        .def("forward", &Kernels::forward<T>, arg("layout"), arg("x").noconvert(), arg("theta").noconvert(),
             arg("phi").noconvert(), arg("gamma").noconvert(), arg("coupler_error").noconvert(),
             arg("loss_db").noconvert(), arg("y").noconvert(), arg("threads"))
        .def("reverse", &Kernels::reverse<T>, arg("layout"), arg("grad_y").noconvert(), arg("theta").noconvert(),
             arg("phi").noconvert(), arg("gamma").noconvert(), arg("coupler_error").noconvert(),
             arg("loss_db").noconvert(), arg("grad_x").noconvert(), arg("threads"))
        .def("adjoint", &Kernels::adjoint<T>, arg("layout"), arg("y").noconvert(), arg("grad_y").noconvert(),
             arg("theta").noconvert(), arg("phi").noconvert(), arg("gamma").noconvert(),
             arg("coupler_error").noconvert(), arg("loss_db").noconvert(), arg("x").noconvert(),
             arg("grad_x").noconvert(), arg("grad_theta").noconvert(), arg("grad_phi").noconvert(),
             arg("grad_gamma").noconvert(), arg("grad_coupler_error").noconvert(), arg("grad_loss_db").noconvert(),
             arg("threads"));
}

}  // namespace

void bind_passes(py::module_& module) {
    py::class_<Kernels> kernels(module, "Kernels", "The passes of light, compiled for one instruction set.");
    kernels.def(py::init<const std::string&>(), py::arg("isa"))
        .def_property_readonly("isa", &Kernels::isa, "Name of the instruction set.");
    bind_precision<float>(kernels);
    bind_precision<double>(kernels);

    py::list built, usable;
    for (const Build& build : builds()) {
        built.append(build.name);
        if (cpu_can_run(build.isa)) usable.append(build.name);
    }
    module.attr("isas_built") = py::tuple(built);
    module.attr("isas_usable") = py::tuple(usable);
}

}  // namespace retrolux
