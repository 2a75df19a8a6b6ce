#include <pybind11/complex.h>
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/light.h"
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
    const Table& table() const { return *build_->table; }

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
    void forward_taps(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta,
                      const RealArray<T>& phi, const RealArray<T>& gamma,
                      const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                      std::optional<ComplexArray<T>>& y, const std::optional<RealArray<T>>& weight,
                      std::optional<RealArray<T>>& each, std::optional<RealArray<T>>& total,
                      std::optional<RealArray<T>>& second, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        run_tapped(passes<T>(*build_->table).forward_taps, layout, settings, x, y, weight, each, total, second,
                   threads);
    }

    template <class T>
    void backward_taps(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta,
                       const RealArray<T>& phi, const RealArray<T>& gamma,
                       const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                       std::optional<ComplexArray<T>>& y, const std::optional<RealArray<T>>& weight,
                       std::optional<RealArray<T>>& each, std::optional<RealArray<T>>& total,
                       std::optional<RealArray<T>>& second, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        run_tapped(passes<T>(*build_->table).backward_taps, layout, settings, x, y, weight, each, total, second,
                   threads);
    }

    template <class T>
    void matrices(const Layout& layout, const RealArray<T>& theta, const RealArray<T>& phi, const RealArray<T>& gamma,
                  const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                  ComplexArray<T>& transposed, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const index_t meshes = stack_of(transposed, layout);
        const Mesh<T> first = stacked_view(layout, settings, meshes);
        T* result = reinterpret_cast<T*>(transposed.mutable_data());
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        passes<T>(*build_->table).matrices(first, meshes, result, usable);
    }

    template <class T>
    void matrices_adjoint(const Layout& layout, const ComplexArray<T>& transposed,
                          const ComplexArray<T>& grad_transposed, const RealArray<T>& theta, const RealArray<T>& phi,
                          const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                          const std::optional<RealArray<T>>& loss_db, std::optional<ComplexArray<T>>& identity,
                          RealArray<T>& grad_theta, RealArray<T>& grad_phi, RealArray<T>& grad_gamma,
                          std::optional<RealArray<T>>& grad_coupler_error, std::optional<RealArray<T>>& grad_loss_db,
                          int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const index_t meshes = stack_of(transposed, layout), modes = layout.modes(), mzis = layout.mzis();
        const Mesh<T> first = stacked_view(layout, settings, meshes);
        require_shape("grad_transposed", grad_transposed, {meshes, modes, modes});
        require_shape("grad_theta", grad_theta, {meshes, mzis});
        require_shape("grad_phi", grad_phi, {meshes, mzis});
        require_shape("grad_gamma", grad_gamma, {meshes, modes});
        if (identity) require_shape("identity", *identity, {meshes, modes, modes});
        if (grad_coupler_error) require_shape("grad_coupler_error", *grad_coupler_error, {meshes, mzis, 2});
        if (grad_loss_db) require_shape("grad_loss_db", *grad_loss_db, {meshes, mzis, 4});
        const Gradients<T> gradients{grad_theta.mutable_data(), grad_phi.mutable_data(), grad_gamma.mutable_data(),
                                     grad_coupler_error ? grad_coupler_error->mutable_data() : nullptr,
                                     grad_loss_db ? grad_loss_db->mutable_data() : nullptr};
        const T* u = reinterpret_cast<const T*>(transposed.data());
        const T* grad_u = reinterpret_cast<const T*>(grad_transposed.data());
        T* recovered = identity ? reinterpret_cast<T*>(identity->mutable_data()) : nullptr;
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        passes<T>(*build_->table).matrices_adjoint(first, meshes, u, grad_u, recovered, gradients, usable);
    }

    template <class T>
    void disturb(const ComplexArray<T>& x, ComplexArray<T>& y, const std::optional<RealArray<T>>& gain, T amplitude_std,
                 T phase_std, T noise_std, std::uint64_t seed, std::uint32_t scale_stream, std::uint32_t noise_stream,
                 std::uint64_t step, int threads) const {
        if (x.ndim() != 2) throw std::invalid_argument("x must have shape (batch, modes)");
        const index_t batch = x.shape(0), modes = x.shape(1);
        require_shape("y", y, {batch, modes});
        if (gain) require_shape("gain", *gain, {modes});
        const Light<const T> light{reinterpret_cast<const T*>(x.data()), batch};
        T* out = reinterpret_cast<T*>(y.mutable_data());
        const Disturbance<T> how{
            gain ? gain->data() : nullptr, amplitude_std, phase_std, noise_std, {seed, step, scale_stream},
            {seed, step, noise_stream}};
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        passes<T>(*build_->table).disturb(light, modes, out, how, usable);
    }

    /// y = A x; the caller vouches for the entries, of which there may be too many to check them at every product.
    void multiply(const RealArray<std::int32_t>& starts, const RealArray<std::int32_t>& columns,
                  const RealArray<double>& values, const RealArray<double>& x, RealArray<double>& y,
                  int threads) const {
        const index_t rows = y.size();
        require_shape("starts", starts, {rows + 1});
        require_shape("columns", columns, {starts.data()[rows]});
        require_shape("values", values, {starts.data()[rows]});
        require_shape("x", x, {rows});
        const SparseRows matrix{rows, starts.data(), columns.data(), values.data()};
        const double* in = x.data();
        double* out = y.mutable_data();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->table->multiply(matrix, in, out, usable);
    }

    void normals(RealArray<float>& values, std::uint64_t seed, std::uint32_t stream, std::uint64_t step, index_t first,
                 int threads) const {
        if (first < 0) throw std::invalid_argument("first must be at least 0, got " + std::to_string(first));
        float* data = values.mutable_data();
        const index_t count = values.size();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->table->normals({seed, step, stream}, first, count, data, usable);
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
    /// Checks that `matrices` has shape (meshes, modes, modes) and returns how many there are.
    static index_t stack_of(const py::array& matrices, const Layout& layout) {
        const index_t meshes = matrices.ndim() == 3 ? matrices.shape(0) : 0;
        require_shape("transposed", matrices, {meshes, layout.modes(), layout.modes()});
        return meshes;
    }

    template <class T>
    static void run_linear(void (*pass)(const Mesh<T>&, Light<const T>, T*, int), const Mesh<T>& mesh,
                           const ComplexArray<T>& in, index_t batch, ComplexArray<T>& out, int threads) {
        const Light<const T> light{reinterpret_cast<const T*>(in.data()), batch};
        T* result = reinterpret_cast<T*>(out.mutable_data());
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        pass(mesh, light, result, usable);
    }

    template <class T>
    static void run_tapped(void (*pass)(const Mesh<T>&, Light<const T>, T*, const Taps<T>&, int), const Layout& layout,
                           const Settings<T>& settings, const ComplexArray<T>& x, std::optional<ComplexArray<T>>& y,
                           const std::optional<RealArray<T>>& weight, std::optional<RealArray<T>>& each,
                           std::optional<RealArray<T>>& total, std::optional<RealArray<T>>& second, int threads) {
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("x", x, layout);
        if (y) require_shape("y", *y, {batch, layout.modes()});
        if ((each && total) || weight.has_value() != total.has_value() || (second && !total))
            throw std::invalid_argument(
                "taps are read into `each`, or into `total` and perhaps `second` with a `weight`");
        Taps<T> taps{nullptr, nullptr, nullptr, nullptr};
        if (each) {
            require_shape("each", *each, {batch, layout.mzis(), 2});
            taps.each = each->mutable_data();
        } else if (total) {
            require_shape("weight", *weight, {batch});
            require_shape("total", *total, {layout.mzis(), 2});
            if (second) require_shape("second", *second, {layout.mzis(), 2});
            taps = {nullptr, weight->data(), total->mutable_data(), second ? second->mutable_data() : nullptr};
        }
        const Light<const T> light{reinterpret_cast<const T*>(x.data()), batch};
        T* result = y ? reinterpret_cast<T*>(y->mutable_data()) : nullptr;
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        pass(mesh, light, result, taps, usable);
    }

    const Build* build_ = nullptr;
};

/// A method of Kernels from a function of the kernels of one precision.
template <class T, class... Arguments>
auto on_light(void (*function)(const Passes<T>&, Arguments...)) {
    return [function](const Kernels& kernels, Arguments... arguments) {
        function(passes<T>(kernels.table()), arguments...);
    };
}

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
        .def("forward_taps", &Kernels::forward_taps<T>, arg("layout"), arg("x").noconvert(), arg("theta").noconvert(),
             arg("phi").noconvert(), arg("gamma").noconvert(), arg("coupler_error").noconvert(),
             arg("loss_db").noconvert(), arg("y").noconvert(), arg("weight").noconvert(), arg("each").noconvert(),
             arg("total").noconvert(), arg("second").noconvert(), arg("threads"))
        .def("backward_taps", &Kernels::backward_taps<T>, arg("layout"), arg("x").noconvert(), arg("theta").noconvert(),
             arg("phi").noconvert(), arg("gamma").noconvert(), arg("coupler_error").noconvert(),
             arg("loss_db").noconvert(), arg("y").noconvert(), arg("weight").noconvert(), arg("each").noconvert(),
             arg("total").noconvert(), arg("second").noconvert(), arg("threads"))
        .def("matrices", &Kernels::matrices<T>, arg("layout"), arg("theta").noconvert(), arg("phi").noconvert(),
             arg("gamma").noconvert(), arg("coupler_error").noconvert(), arg("loss_db").noconvert(),
             arg("transposed").noconvert(), arg("threads"))
        .def("matrices_adjoint", &Kernels::matrices_adjoint<T>, arg("layout"), arg("transposed").noconvert(),
             arg("grad_transposed").noconvert(), arg("theta").noconvert(), arg("phi").noconvert(),
             arg("gamma").noconvert(), arg("coupler_error").noconvert(), arg("loss_db").noconvert(),
             arg("identity").noconvert(), arg("grad_theta").noconvert(), arg("grad_phi").noconvert(),
             arg("grad_gamma").noconvert(), arg("grad_coupler_error").noconvert(), arg("grad_loss_db").noconvert(),
             arg("threads"))
        .def("disturb", &Kernels::disturb<T>, arg("x").noconvert(), arg("y").noconvert(), arg("gain").noconvert(),
             arg("amplitude_std"), arg("phase_std"), arg("noise_std"), arg("seed"), arg("scale_stream"),
             arg("noise_stream"), arg("step"), arg("threads"))
        .def("add_noise", on_light(&bindings::add_noise<T>), arg("x").noconvert(), arg("variance").noconvert(),
             arg("std"), arg("seed"), arg("stream"), arg("step"), arg("y").noconvert(), arg("threads"))
        .def("superpose", on_light(&bindings::superpose<T>), arg("x").noconvert(), arg("other").noconvert(),
             arg("turn"), arg("normalise"), arg("conjugate"), arg("y").noconvert(), arg("norm").noconvert(),
             arg("threads"))
        .def("scale", on_light(&bindings::scale<T>), arg("x").noconvert(), arg("factor").noconvert(), arg("conjugate"),
             arg("y").noconvert(), arg("threads"))
        .def("modulus", on_light(&bindings::modulus<T>), arg("z").noconvert(), arg("size").noconvert(), arg("threads"))
        .def("modulus_adjoint", on_light(&bindings::modulus_adjoint<T>), arg("z").noconvert(), arg("size").noconvert(),
             arg("grad_size").noconvert(), arg("grad_z").noconvert(), arg("threads"))
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
    kernels.def("normals", &Kernels::normals, py::arg("values").noconvert(), py::arg("seed"), py::arg("stream"),
                py::arg("step"), py::arg("first"), py::arg("threads"));
    kernels.def("multiply", &Kernels::multiply, py::arg("starts").noconvert(), py::arg("columns").noconvert(),
                py::arg("values").noconvert(), py::arg("x").noconvert(), py::arg("y").noconvert(), py::arg("threads"));
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
