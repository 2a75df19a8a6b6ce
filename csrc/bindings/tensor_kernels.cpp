#include <stdexcept>

#include "bindings/bindings.h"
#include "bindings/builds.h"
#include "bindings/tensors.h"

// The passes on torch's tensors, read where they lie: NumPy's views of all of them take longer to make than light takes
// through a small mesh. Each answers whether the tensors were fit to be taken so; if not, nothing was done.

namespace retrolux {

namespace {

class TensorKernels {
public:
    TensorKernels(const std::string& isa, const py::capsule& exchange) : build_(&usable_build(isa)) {
        exchange_ = static_cast<const dlpack::Exchange*>(PyCapsule_GetPointer(exchange.ptr(), dlpack::capsule_name));
        if (!exchange_) throw py::error_already_set();
        while (exchange_ && exchange_->version.major > dlpack::known_version) exchange_ = exchange_->older;
        if (!exchange_ || !exchange_->describe)
            throw std::invalid_argument("tensors must be exchanged by version 1 of DLPack's C interface");
    }

    bool fit(const Layout& layout, py::handle light, const py::tuple& settings) const {
        return in_precision_of(light, [&](auto zero) {
            using T = decltype(zero);
            Tensors<T> tensors(*exchange_);
            tensors.light(light, layout.modes());
            tensors.settings(settings, {}, layout);
            return tensors.fit();
        });
    }

    bool linear(bool backward, const Layout& layout, py::handle in, const py::tuple& settings, py::handle out,
                int threads) const {
        const int usable = usable_threads(threads);
        return in_precision_of(in, [&](auto zero) {
            using T = decltype(zero);
            Tensors<T> tensors(*exchange_);
            const T* light = tensors.light(in, layout.modes());
            const SettingsAt<T> at = tensors.settings(settings, {}, layout);
            T* result = tensors.room_for_light(out, layout.modes());
            if (!tensors.fit()) return false;
            const Mesh<T> mesh = mesh_at<T>(layout, {}, at);
            const Passes<T>& passes = build_->passes<T>();
            const py::gil_scoped_release release;
            (backward ? passes.reverse : passes.forward)(mesh, {light, tensors.batch()}, result, usable);
            return true;
        });
    }

    bool adjoint(const Layout& layout, py::handle y, py::handle grad_y, const py::tuple& settings, py::handle x,
                 py::handle grad_x, const py::tuple& gradients, int threads) const {
        const int usable = usable_threads(threads);
        const index_t modes = layout.modes();
        return in_precision_of(y, [&](auto zero) {
            using T = decltype(zero);
            Tensors<T> tensors(*exchange_);
            const T *light = tensors.light(y, modes), *gradient = tensors.light(grad_y, modes);
            const SettingsAt<T> at = tensors.settings(settings, {}, layout);
            const T* input = x.is_none() ? nullptr : tensors.light(x, modes);
            T* grad_in = tensors.room_for_light(grad_x, modes);
            const Gradients<T> sums = tensors.room_for_gradients(gradients, {}, layout);
            if (!tensors.fit()) return false;
            const Mesh<T> mesh = mesh_at<T>(layout, {}, at);
            require_input(mesh, input, tensors.batch());
            const py::gil_scoped_release release;
            build_->passes<T>().adjoint(mesh, {light, tensors.batch()}, gradient, input, grad_in, sums, usable);
            return true;
        });
    }

    bool matrices(const Layout& layout, const py::tuple& settings, py::handle transposed, int threads) const {
        const int usable = usable_threads(threads);
        const std::vector<index_t> stack = stack_of(*exchange_, settings[0]);
        return in_precision_of(settings[0], [&](auto zero) {
            using T = decltype(zero);
            Tensors<T> tensors(*exchange_);
            const SettingsAt<T> at = tensors.settings(settings, stack, layout);
            T* result = tensors.room_for_matrices(transposed, stack, layout.modes());
            if (!tensors.fit()) return false;
            const Mesh<T> first = mesh_at<T>(layout, stack, at);
            const py::gil_scoped_release release;
            build_->passes<T>().matrices(first, stack.empty() ? 1 : stack[0], result, usable);
            return true;
        });
    }

    bool matrices_adjoint(const Layout& layout, py::handle transposed, py::handle grad_transposed,
                          const py::tuple& settings, const py::tuple& gradients, int threads) const {
        const int usable = usable_threads(threads);
        const index_t modes = layout.modes();
        const std::vector<index_t> stack = stack_of(*exchange_, settings[0]);
        return in_precision_of(settings[0], [&](auto zero) {
            using T = decltype(zero);
            Tensors<T> tensors(*exchange_);
            const T *u = tensors.matrices(transposed, stack, modes),
                    *grad_u = tensors.matrices(grad_transposed, stack, modes);
            const SettingsAt<T> at = tensors.settings(settings, stack, layout);
            const Gradients<T> sums = tensors.room_for_gradients(gradients, stack, layout);
            if (!tensors.fit()) return false;
            const Mesh<T> first = mesh_at<T>(layout, stack, at);
            const py::gil_scoped_release release;
            build_->passes<T>().matrices_adjoint(first, stack.empty() ? 1 : stack[0], u, grad_u, sums, usable);
            return true;
        });
    }

private:
    /// Runs body(T()) with the precision of a tensor.
    template <class Body>
    bool in_precision_of(py::handle tensor, const Body& body) const {
        return is_twofold(*exchange_, tensor) ? body(double()) : body(float());
    }

    const Build* build_;
    const dlpack::Exchange* exchange_;
};

}  // namespace

void bind_tensor_kernels(py::module_& module) {
    py::class_<TensorKernels>(module, "TensorKernels",
                              "The passes on tensors; each returns whether these were fit, else nothing was done.")
        .def(py::init<const std::string&, const py::capsule&>(), py::arg("isa"), py::arg("exchange"))
        .def("fit", &TensorKernels::fit)
        .def("linear", &TensorKernels::linear)
        .def("adjoint", &TensorKernels::adjoint)
        .def("matrices", &TensorKernels::matrices)
        .def("matrices_adjoint", &TensorKernels::matrices_adjoint);
}

}  // namespace retrolux
