#include <pybind11/numpy.h>

#include <stdexcept>

#include "bindings/bindings.h"
#include "bindings/settings.h"
#include "bindings/threads.h"

// Light through meshes. Arguments are, as everywhere: the mesh, its settings, what goes in, what comes out.

namespace retrolux {

namespace {

/// Whether light and settings are tensors that the passes take as they are, whatever numbers are in them. They are
/// described as what is written, which may be a lazy view for all that is known: this is asked before every pass, which
/// tells.
bool takes_tensors(const Layout& layout, const py::tuple& settings, py::handle x) {
    for (const py::handle setting : settings)
        if (py::isinstance<py::array>(setting)) return false;  // of which torch knows no gradient
    try {
        const Array light("x", x);
        if (!light.is_complex() || !light.in_order()) return false;  // as may well be, and sooner than by an exception
        in_precision_of(first_setting(settings), [&](auto zero) {
            using T = decltype(zero);
            settings_at<T>(layout, settings);
            light.samples(layout.modes());
            light.amplitudes<T>();
        });
        return true;
    } catch (const NotInOrder&) {
    } catch (const std::invalid_argument&) {
    } catch (const py::type_error&) {
    }
    return false;
}

/// Light in, and as much out: forward through the mesh, or, of gradients, backward.
template <bool backward>
void linear(const Kernels& kernels, const Layout& layout, const py::tuple& settings, py::handle from, py::handle into,
            int threads) {
    const Array in(backward ? "grad_y" : "x", from), out(backward ? "grad_x" : "y", into);
    in_precision_of(first_setting(settings), [&](auto zero) {
        using T = decltype(zero);
        const auto mesh = mesh_at<T>(layout, settings);
        const Light<const T> light{in.amplitudes<const T>(), in.samples(layout.modes())};
        T* result = out.shaped_like(in).template amplitudes<T>();
        const Passes<T>& passes = kernels.passes<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        (backward ? passes.reverse : passes.forward)(mesh, light, result, usable);
    });
}

void adjoint(const Kernels& kernels, const Layout& layout, const py::tuple& settings, py::handle y, py::handle grad_y,
             py::handle x, py::handle grad_x, const py::tuple& gradients, int threads) {
    in_precision_of(first_setting(settings), [&](auto zero) {
        using T = decltype(zero);
        const auto mesh = mesh_at<T>(layout, settings);
        const Array out("y", y);
        const Light<const T> light{out.amplitudes<const T>(), out.samples(layout.modes())};
        const T* grad_out = Array("grad_y", grad_y).shaped_like(out).template amplitudes<const T>();
        const T* in = x.is_none() ? nullptr : Array("x", x).shaped_like(out).template amplitudes<const T>();
        if (mesh.loss_db && !in && light.batch > 0)  // it may have to go forward again
            throw std::invalid_argument("the adjoint of a mesh with losses needs its input x, got None");
        T* grad_in = grad_x.is_none() ? nullptr : Array("grad_x", grad_x).shaped_like(out).template amplitudes<T>();
        const Gradients<T> sums = settings_at<T>(layout, gradients);
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().adjoint(mesh, light, grad_out, in, grad_in, sums, usable);
    });
}

/// What the taps leave, where the caller wants it: each (batch, mzis, 2), or total and second (mzis, 2).
template <class T>
Taps<T> taps_at(const Layout& layout, index_t batch, py::handle each, py::handle weight, py::handle total,
                py::handle second) {
    if ((!each.is_none() && !total.is_none()) || weight.is_none() != total.is_none() ||
        (!second.is_none() && total.is_none()))
        throw std::invalid_argument("taps are read into `each`, or into `total` and perhaps `second` with a `weight`");
    const index_t mzis = layout.mzis();
    Taps<T> taps;
    if (!each.is_none()) taps.each = Array("each", each).of_shape({batch, mzis, 2}).reals<T>();
    if (!weight.is_none()) taps.weight = Array("weight", weight).of_shape({batch}).reals<const T>();
    if (!total.is_none()) taps.sum = Array("total", total).of_shape({mzis, 2}).reals<T>();
    if (!second.is_none()) taps.second = Array("second", second).of_shape({mzis, 2}).reals<T>();
    return taps;
}

template <bool backward>
void tapped(const Kernels& kernels, const Layout& layout, const py::tuple& settings, py::handle x, py::handle y,
            py::handle each, py::handle weight, py::handle total, py::handle second, int threads) {
    in_precision_of(first_setting(settings), [&](auto zero) {
        using T = decltype(zero);
        const auto mesh = mesh_at<T>(layout, settings);
        const Array in("x", x);
        const Light<const T> light{in.amplitudes<const T>(), in.samples(layout.modes())};
        T* out = y.is_none() ? nullptr : Array("y", y).shaped_like(in).template amplitudes<T>();
        const auto taps = taps_at<T>(layout, light.batch, each, weight, total, second);
        const Passes<T>& passes = kernels.passes<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        (backward ? passes.backward_taps : passes.forward_taps)(mesh, light, out, taps, usable);
    });
}

void matrices(const Kernels& kernels, const Layout& layout, const py::tuple& settings, py::handle transposed,
              int threads) {
    const Array theta = first_setting(settings);
    const Stack stack = stack_of(theta);
    const Shape shape = stacked(stack, layout.modes(), layout.modes());
    in_precision_of(theta, [&](auto zero) {
        using T = decltype(zero);
        const auto first = mesh_at<T>(layout, settings, stack);
        T* result = Array("transposed", transposed).of_shape(shape).template amplitudes<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().matrices(first, stack.value_or(1), result, usable);
    });
}

void matrices_adjoint(const Kernels& kernels, const Layout& layout, const py::tuple& settings, py::handle transposed,
                      py::handle grad_transposed, const py::tuple& gradients, int threads) {
    const Array theta = first_setting(settings);
    const Stack stack = stack_of(theta);
    const Shape shape = stacked(stack, layout.modes(), layout.modes());
    in_precision_of(theta, [&](auto zero) {
        using T = decltype(zero);
        const auto first = mesh_at<T>(layout, settings, stack);
        const T* u = Array("transposed", transposed).of_shape(shape).template amplitudes<const T>();
        const T* grad_u = Array("grad_transposed", grad_transposed).of_shape(shape).template amplitudes<const T>();
        const Gradients<T> sums = settings_at<T>(layout, gradients, stack);
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().matrices_adjoint(first, stack.value_or(1), u, grad_u, sums, usable);
    });
}

}  // namespace

void bind_passes(py::class_<Kernels>& kernels) {
    using py::arg;
    const auto none = [](const char* name) { return arg(name) = py::none(); };
    kernels.def_static("takes_tensors", &takes_tensors, arg("layout"), arg("settings"), arg("x"))
        .def("forward", &linear<false>, arg("layout"), arg("settings"), arg("x"), arg("y"), arg("threads"))
        .def("reverse", &linear<true>, arg("layout"), arg("settings"), arg("grad_y"), arg("grad_x"), arg("threads"))
        .def("adjoint", &adjoint, arg("layout"), arg("settings"), arg("y"), arg("grad_y"), arg("x"), arg("grad_x"),
             arg("gradients"), arg("threads"))
        .def("matrices", &matrices, arg("layout"), arg("settings"), arg("transposed"), arg("threads"))
        .def("matrices_adjoint", &matrices_adjoint, arg("layout"), arg("settings"), arg("transposed"),
             arg("grad_transposed"), arg("gradients"), arg("threads"));
    const auto def_tapped = [&](const char* name, auto pass) {
        kernels.def(name, pass, arg("layout"), arg("settings"), arg("x"), arg("y"), py::kw_only(), none("each"),
                    none("weight"), none("total"), none("second"), arg("threads"));
    };
    def_tapped("forward_taps", &tapped<false>);
    def_tapped("backward_taps", &tapped<true>);
}

}  // namespace retrolux
