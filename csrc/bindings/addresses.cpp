#include <stdexcept>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/builds.h"

// The passes on torch's tensors, by their addresses: NumPy's views of all of them take longer to make than light takes
// through a small mesh. Who calls has checked types, shapes and layouts, and keeps the tensors alive.

namespace retrolux {

namespace {

using Address = std::uintptr_t;

template <class T>
T* at(Address address) {
    return reinterpret_cast<T*>(address);  // 0 is null
}

/// The first dimension of settings: `meshes` of them, or none for the settings of one mesh, which is -1.
std::vector<index_t> stack_of(index_t meshes) {
    return meshes < 0 ? std::vector<index_t>{} : std::vector<index_t>{meshes};
}

/// Runs body(T()) with the precision that is asked for.
template <class Body>
void in_precision(bool twofold, const Body& body) {
    if (twofold)
        body(double());
    else
        body(float());
}

class AddressKernels {
public:
    explicit AddressKernels(const std::string& isa) : build_(&usable_build(isa)) {}

    void linear(bool backward, bool twofold, const Layout& layout, Address in, index_t batch, Address theta,
                Address phi, Address gamma, Address coupler_error, Address loss_db, Address out, int threads) const {
        const int usable = usable_threads(threads);
        in_precision(twofold, [&](auto zero) {
            using T = decltype(zero);
            const Mesh<T> mesh =
                mesh_at<T>(layout, {}, {at<T>(theta), at<T>(phi), at<T>(gamma), at<T>(coupler_error), at<T>(loss_db)});
            const Passes<T>& passes = build_->passes<T>();
            const py::gil_scoped_release release;
            (backward ? passes.reverse : passes.forward)(mesh, {at<T>(in), batch}, at<T>(out), usable);
        });
    }

    void adjoint(bool twofold, const Layout& layout, Address y, index_t batch, Address grad_y, Address theta,
                 Address phi, Address gamma, Address coupler_error, Address loss_db, Address x, Address grad_x,
                 Address grad_theta, Address grad_phi, Address grad_gamma, Address grad_coupler_error,
                 Address grad_loss_db, int threads) const {
        const int usable = usable_threads(threads);
        in_precision(twofold, [&](auto zero) {
            using T = decltype(zero);
            const Mesh<T> mesh =
                mesh_at<T>(layout, {}, {at<T>(theta), at<T>(phi), at<T>(gamma), at<T>(coupler_error), at<T>(loss_db)});
            const Gradients<T> gradients{at<T>(grad_theta), at<T>(grad_phi), at<T>(grad_gamma),
                                         at<T>(grad_coupler_error), at<T>(grad_loss_db)};
            const py::gil_scoped_release release;
            build_->passes<T>().adjoint(mesh, {at<T>(y), batch}, at<T>(grad_y), at<T>(x), at<T>(grad_x), gradients,
                                        usable);
        });
    }

    void matrices(bool twofold, const Layout& layout, index_t meshes, Address theta, Address phi, Address gamma,
                  Address coupler_error, Address loss_db, Address transposed, int threads) const {
        const int usable = usable_threads(threads);
        in_precision(twofold, [&](auto zero) {
            using T = decltype(zero);
            const Mesh<T> first =
                mesh_at<T>(layout, stack_of(meshes),
                           {at<T>(theta), at<T>(phi), at<T>(gamma), at<T>(coupler_error), at<T>(loss_db)});
            const py::gil_scoped_release release;
            build_->passes<T>().matrices(first, meshes < 0 ? 1 : meshes, at<T>(transposed), usable);
        });
    }

    void matrices_adjoint(bool twofold, const Layout& layout, index_t meshes, Address transposed,
                          Address grad_transposed, Address theta, Address phi, Address gamma, Address coupler_error,
                          Address loss_db, Address identity, Address grad_theta, Address grad_phi, Address grad_gamma,
                          Address grad_coupler_error, Address grad_loss_db, int threads) const {
        const int usable = usable_threads(threads);
        in_precision(twofold, [&](auto zero) {
            using T = decltype(zero);
            const Mesh<T> first =
                mesh_at<T>(layout, stack_of(meshes),
                           {at<T>(theta), at<T>(phi), at<T>(gamma), at<T>(coupler_error), at<T>(loss_db)});
            const Gradients<T> gradients{at<T>(grad_theta), at<T>(grad_phi), at<T>(grad_gamma),
                                         at<T>(grad_coupler_error), at<T>(grad_loss_db)};
            const py::gil_scoped_release release;
            build_->passes<T>().matrices_adjoint(first, meshes < 0 ? 1 : meshes, at<T>(transposed),
                                                 at<T>(grad_transposed), at<T>(identity), gradients, usable);
        });
    }

private:
    const Build* build_;
};

}  // namespace

void bind_addresses(py::module_& module) {
    py::class_<AddressKernels>(module, "AddressKernels",
                               "The passes on arrays by their addresses, unchecked; 0 stands for none.")
        .def(py::init<const std::string&>(), py::arg("isa"))
        .def("linear", &AddressKernels::linear)
        .def("adjoint", &AddressKernels::adjoint)
        .def("matrices", &AddressKernels::matrices)
        .def("matrices_adjoint", &AddressKernels::matrices_adjoint);
}

}  // namespace retrolux
