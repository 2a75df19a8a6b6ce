#include <pybind11/complex.h>

#include <complex>
#include <stdexcept>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/numbers.h"
#include "bindings/threads.h"

// Light between the meshes: what modulators, detectors and electronics do to it. It has shape (batch, modes), or any
// where every amplitude is by itself.

namespace retrolux {

namespace {

/// Light of shape (batch, modes), and both.
struct Samples {
    explicit Samples(py::handle x) : array("x", x) {
        if (array.dimensions() != 2)
            throw std::invalid_argument("x must have shape (batch, modes), got " + std::to_string(array.dimensions()) +
                                        " dimensions");
        batch = array.shape(0);
        modes = array.shape(1);
    }
    template <class T>
    Light<const T> light() const {
        return {array.amplitudes<const T>(), batch};
    }

    Array array;
    index_t batch, modes;
};

void disturb(const Kernels& kernels, py::handle x, py::handle y, py::handle gain, double amplitude_std,
             double phase_std, double noise_std, std::uint64_t seed, std::uint32_t scale_stream,
             std::uint32_t noise_stream, std::uint64_t step, int threads) {
    const Samples in(x);
    in_precision_of(in.array, [&](auto zero) {
        using T = decltype(zero);
        const auto light = in.light<T>();
        T* out = Array("y", y).shaped_like(in.array).template amplitudes<T>();
        require_in_a_step(0, 2 * in.array.size());
        Disturbance<T> how;
        if (!gain.is_none()) how.gain = Array("gain", gain).of_shape({in.modes}).template reals<const T>();
        how.amplitude_std = static_cast<T>(amplitude_std);
        how.phase_std = static_cast<T>(phase_std);
        how.noise_std = static_cast<T>(noise_std);
        how.scale_key = noise_key(seed, scale_stream, step);
        how.noise_key = noise_key(seed, noise_stream, step);
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().disturb(light, in.modes, out, how, usable);
    });
}

void superpose(const Kernels& kernels, py::handle x, py::handle other, std::complex<double> turn, bool normalise,
               bool conjugate, py::handle y, py::handle norm, int threads) {
    const Samples in(x);
    in_precision_of(in.array, [&](auto zero) {
        using T = decltype(zero);
        const auto light = in.light<T>();
        Superposition<T> how;
        if (!other.is_none()) how.other = Array("other", other).shaped_like(in.array).template amplitudes<const T>();
        how.turn_re = static_cast<T>(turn.real());
        how.turn_im = static_cast<T>(turn.imag());
        how.normalise = normalise;
        how.conjugate = conjugate;
        T* out = Array("y", y).shaped_like(in.array).template amplitudes<T>();
        T* norms = Array("norm", norm).of_shape({in.batch}).template reals<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().superpose(light, in.modes, how, out, norms, usable);
    });
}

void scale(const Kernels& kernels, py::handle x, py::handle factor, bool conjugate, py::handle y, int threads) {
    const Samples in(x);
    in_precision_of(in.array, [&](auto zero) {
        using T = decltype(zero);
        const auto light = in.light<T>();
        const T* factors = Array("factor", factor).of_shape({in.batch}).template reals<const T>();
        T* out = Array("y", y).shaped_like(in.array).template amplitudes<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().scale(light, in.modes, factors, conjugate, out, usable);
    });
}

void modulus(const Kernels& kernels, py::handle z, py::handle size, int threads) {
    const Array light("z", z);
    in_precision_of(light, [&](auto zero) {
        using T = decltype(zero);
        const index_t count = light.size();
        const T* in = light.amplitudes<const T>();
        T* out = Array("size", size).of_size(count).template reals<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().modulus(in, count, out, usable);
    });
}

void modulus_adjoint(const Kernels& kernels, py::handle z, py::handle size, py::handle grad_size, py::handle grad_z,
                     int threads) {
    const Array light("z", z);
    in_precision_of(light, [&](auto zero) {
        using T = decltype(zero);
        const index_t count = light.size();
        const T* in = light.amplitudes<const T>();
        const T* sizes = Array("size", size).of_size(count).template reals<const T>();
        const T* gradient = Array("grad_size", grad_size).of_size(count).template reals<const T>();
        T* out = Array("grad_z", grad_z).of_size(count).template amplitudes<T>();
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().modulus_adjoint(in, sizes, gradient, count, out, usable);
    });
}

}  // namespace

void bind_light(py::class_<Kernels>& kernels) {
    using py::arg;
    kernels
        .def("disturb", &disturb, arg("x"), arg("y"), arg("gain"), arg("amplitude_std"), arg("phase_std"),
             arg("noise_std"), arg("seed"), arg("scale_stream"), arg("noise_stream"), arg("step"), arg("threads"))
        .def("superpose", &superpose, arg("x"), arg("other"), arg("turn"), arg("normalise"), arg("conjugate"), arg("y"),
             arg("norm"), arg("threads"))
        .def("scale", &scale, arg("x"), arg("factor"), arg("conjugate"), arg("y"), arg("threads"))
        .def("modulus", &modulus, arg("z"), arg("size"), arg("threads"))
        .def("modulus_adjoint", &modulus_adjoint, arg("z"), arg("size"), arg("grad_size"), arg("grad_z"),
             arg("threads"));
}

}  // namespace retrolux
