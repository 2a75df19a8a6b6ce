#include <pybind11/complex.h>
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/builds.h"
#include "bindings/light.h"

namespace retrolux {

namespace {

/// The kernels of one instruction set.
class Kernels {
public:
    explicit Kernels(const std::string& isa) : build_(&usable_build(isa)) {}

    const char* isa() const { return build_->name; }
    template <class T>
    const Passes<T>& passes() const {
        return build_->passes<T>();
    }

    template <class T>
    void forward(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta, const RealArray<T>& phi,
                 const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                 const std::optional<RealArray<T>>& loss_db, ComplexArray<T>& y, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("x", x, layout);
        require_shape("y", y, {batch, layout.modes()});
        run_linear(build_->passes<T>().forward, mesh, x, batch, y, threads);
    }

    template <class T>
    void reverse(const Layout& layout, const ComplexArray<T>& grad_y, const RealArray<T>& theta,
                 const RealArray<T>& phi, const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                 const std::optional<RealArray<T>>& loss_db, ComplexArray<T>& grad_x, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Mesh<T> mesh = mesh_view(layout, settings);
        const index_t batch = require_batch("grad_y", grad_y, layout);
        require_shape("grad_x", grad_x, {batch, layout.modes()});
        run_linear(build_->passes<T>().reverse, mesh, grad_y, batch, grad_x, threads);
    }

    template <class T>
    void forward_taps(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta,
                      const RealArray<T>& phi, const RealArray<T>& gamma,
                      const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                      std::optional<ComplexArray<T>>& y, const std::optional<RealArray<T>>& weight,
                      std::optional<RealArray<T>>& each, std::optional<RealArray<T>>& total,
                      std::optional<RealArray<T>>& second, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        run_tapped(build_->passes<T>().forward_taps, layout, settings, x, y, weight, each, total, second, threads);
    }

    template <class T>
    void backward_taps(const Layout& layout, const ComplexArray<T>& x, const RealArray<T>& theta,
                       const RealArray<T>& phi, const RealArray<T>& gamma,
                       const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                       std::optional<ComplexArray<T>>& y, const std::optional<RealArray<T>>& weight,
                       std::optional<RealArray<T>>& each, std::optional<RealArray<T>>& total,
                       std::optional<RealArray<T>>& second, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        run_tapped(build_->passes<T>().backward_taps, layout, settings, x, y, weight, each, total, second, threads);
    }

    template <class T>
    void matrices(const Layout& layout, const RealArray<T>& theta, const RealArray<T>& phi, const RealArray<T>& gamma,
                  const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                  ComplexArray<T>& transposed, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Stack stack(transposed, layout);
        const Mesh<T> first = stack.view(settings);
        const index_t meshes = stack.meshes;
        T* result = reinterpret_cast<T*>(transposed.mutable_data());
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->passes<T>().matrices(first, meshes, result, usable);
    }

    template <class T>
    void matrices_adjoint(const Layout& layout, const ComplexArray<T>& transposed,
                          const ComplexArray<T>& grad_transposed, const RealArray<T>& theta, const RealArray<T>& phi,
                          const RealArray<T>& gamma, const std::optional<RealArray<T>>& coupler_error,
                          const std::optional<RealArray<T>>& loss_db, RealArray<T>& grad_theta, RealArray<T>& grad_phi,
                          RealArray<T>& grad_gamma, std::optional<RealArray<T>>& grad_coupler_error,
                          std::optional<RealArray<T>>& grad_loss_db, int threads) const {
        const Settings<T> settings{theta, phi, gamma, coupler_error, loss_db};
        const Stack stack(transposed, layout);
        const Mesh<T> first = stack.view(settings);
        const index_t meshes = stack.meshes, modes = layout.modes(), mzis = layout.mzis();
        stack.require("grad_transposed", grad_transposed, {modes, modes});
        stack.require("grad_theta", grad_theta, {mzis});
        stack.require("grad_phi", grad_phi, {mzis});
        stack.require("grad_gamma", grad_gamma, {modes});
        if (grad_coupler_error) stack.require("grad_coupler_error", *grad_coupler_error, {mzis, 2});
        if (grad_loss_db) stack.require("grad_loss_db", *grad_loss_db, {mzis, 4});
        const Gradients<T> gradients{grad_theta.mutable_data(), grad_phi.mutable_data(), grad_gamma.mutable_data(),
                                     grad_coupler_error ? grad_coupler_error->mutable_data() : nullptr,
                                     grad_loss_db ? grad_loss_db->mutable_data() : nullptr};
        const T* u = reinterpret_cast<const T*>(transposed.data());
        const T* grad_u = reinterpret_cast<const T*>(grad_transposed.data());
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->passes<T>().matrices_adjoint(first, meshes, u, grad_u, gradients, usable);
    }

    template <class T>
    void disturb(const ComplexArray<T>& x, ComplexArray<T>& y, const std::optional<RealArray<T>>& gain, T amplitude_std,
                 T phase_std, T noise_std, std::uint64_t seed, std::uint32_t scale_stream, std::uint32_t noise_stream,
                 std::uint64_t step, int threads) const {
        if (x.ndim() != 2) throw std::invalid_argument("x must have shape (batch, modes)");
        const index_t batch = x.shape(0), modes = x.shape(1);
        require_shape("y", y, {batch, modes});
        if (gain) require_shape("gain", *gain, {modes});
        require_in_a_step(0, 2 * x.size());
        const Light<const T> light{reinterpret_cast<const T*>(x.data()), batch};
        T* out = reinterpret_cast<T*>(y.mutable_data());
        const Disturbance<T> how{
            gain ? gain->data() : nullptr, amplitude_std, phase_std, noise_std, {seed, step, scale_stream},
            {seed, step, noise_stream}};
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->passes<T>().disturb(light, modes, out, how, usable);
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

    /// `draw` is the member of the table that makes the numbers.
    template <auto draw>
    void draws(RealArray<float>& values, std::uint64_t seed, std::uint32_t stream, std::uint64_t step, index_t first,
               int threads) const {
        if (first < 0) throw std::invalid_argument("first must be at least 0, got " + std::to_string(first));
        const index_t count = values.size();
        require_in_a_step(first, count);
        float* data = values.mutable_data();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        (build_->table->*draw)({seed, step, stream}, first, count, data, usable);
    }

    template <class T>
    void adjoint(const Layout& layout, const ComplexArray<T>& y, const ComplexArray<T>& grad_y,
                 const RealArray<T>& theta, const RealArray<T>& phi, const RealArray<T>& gamma,
                 const std::optional<RealArray<T>>& coupler_error, const std::optional<RealArray<T>>& loss_db,
                 const std::optional<ComplexArray<T>>& x, std::optional<ComplexArray<T>>& grad_x,
                 RealArray<T>& grad_theta, RealArray<T>& grad_phi, RealArray<T>& grad_gamma,
                 std::optional<RealArray<T>>& grad_coupler_error, std::optional<RealArray<T>>& grad_loss_db,
                 int threads) const {
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
        const T* x_data = x ? reinterpret_cast<const T*>(x->data()) : nullptr;
        require_input(mesh, x_data, batch);
        T* grad_x_data = grad_x ? reinterpret_cast<T*>(grad_x->mutable_data()) : nullptr;
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        build_->passes<T>().adjoint(mesh, light, gradient, x_data, grad_x_data, gradients, usable);
    }

private:
    /// One mesh, or several of one layout that share a first dimension: as many as there are `matrices`, of shape
    /// (modes, modes) or (meshes, modes, modes).
    struct Stack {
        Stack(const py::array& matrices, const Layout& layout_)
            : layout(layout_), stacked(matrices.ndim() == 3), meshes(stacked ? matrices.shape(0) : 1) {
            require("transposed", matrices, {layout.modes(), layout.modes()});
        }
        void require(const char* name, const py::array& array, std::vector<index_t> shape) const {
            if (stacked) shape.insert(shape.begin(), meshes);
            require_shape(name, array, shape);
        }
        template <class T>
        Mesh<T> view(const Settings<T>& settings) const {
            return stacked ? stacked_view(layout, settings, meshes) : mesh_view(layout, settings);
        }

        const Layout& layout;
        const bool stacked;
        const index_t meshes;
    };

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

    const Build* build_;
};

/// A method of Kernels from a function of the kernels of one precision.
template <class T, class... Arguments>
auto on_light(void (*function)(const Passes<T>&, Arguments...)) {
    return [function](const Kernels& kernels, Arguments... arguments) { function(kernels.passes<T>(), arguments...); };
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
             arg("grad_theta").noconvert(), arg("grad_phi").noconvert(), arg("grad_gamma").noconvert(),
             arg("grad_coupler_error").noconvert(), arg("grad_loss_db").noconvert(), arg("threads"))
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
    kernels.def("normals", &Kernels::draws<&Table::normals>, py::arg("values").noconvert(), py::arg("seed"),
                py::arg("stream"), py::arg("step"), py::arg("first"), py::arg("threads"));
    kernels.def("uniforms", &Kernels::draws<&Table::uniforms>, py::arg("values").noconvert(), py::arg("seed"),
                py::arg("stream"), py::arg("step"), py::arg("first"), py::arg("threads"));
    kernels.def("multiply", &Kernels::multiply, py::arg("starts").noconvert(), py::arg("columns").noconvert(),
                py::arg("values").noconvert(), py::arg("x").noconvert(), py::arg("y").noconvert(), py::arg("threads"));
    bind_precision<float>(kernels);
    bind_precision<double>(kernels);
}

}  // namespace retrolux
