#include "bindings/light.h"

#include <stdexcept>

// Light between the passes: what happens to it in the electronics, and noise.

namespace retrolux::bindings {

namespace {

void require_count(const char* name, const py::array& array, index_t count) {
    if (array.size() != count)
        throw std::invalid_argument(std::string(name) + " must hold " + std::to_string(count) + " numbers, got " +
                                    std::to_string(array.size()));
}

}  // namespace

template <class T>
void add_noise(const Passes<T>& kernels, const RealArray<T>& x, const std::optional<RealArray<T>>& variance, T std,
               std::uint64_t seed, std::uint32_t stream, std::uint64_t step, RealArray<T>& y, int threads) {
    const index_t count = x.size();
    if (variance) require_count("variance", *variance, count);
    require_count("y", y, count);
    require_in_a_step(0, count);
    const T *in = x.data(), *variances = variance ? variance->data() : nullptr;
    T* out = y.mutable_data();
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.add_noise(in, variances, std, {seed, step, stream}, count, out, usable);
}

template <class T>
void superpose(const Passes<T>& kernels, const ComplexArray<T>& x, const std::optional<ComplexArray<T>>& other,
               std::complex<T> turn, bool normalise, bool conjugate, ComplexArray<T>& y, RealArray<T>& norm,
               int threads) {
    if (x.ndim() != 2) throw std::invalid_argument("x must have shape (batch, modes)");
    const index_t batch = x.shape(0), modes = x.shape(1);
    if (other) require_shape("other", *other, {batch, modes});
    require_shape("y", y, {batch, modes});
    require_shape("norm", norm, {batch});
    const Light<const T> light{reinterpret_cast<const T*>(x.data()), batch};
    const Superposition<T> how{other ? reinterpret_cast<const T*>(other->data()) : nullptr, turn.real(), turn.imag(),
                               normalise, conjugate};
    T *out = reinterpret_cast<T*>(y.mutable_data()), *norms = norm.mutable_data();
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.superpose(light, modes, how, out, norms, usable);
}

template <class T>
void scale(const Passes<T>& kernels, const ComplexArray<T>& x, const RealArray<T>& factor, bool conjugate,
           ComplexArray<T>& y, int threads) {
    if (x.ndim() != 2) throw std::invalid_argument("x must have shape (batch, modes)");
    const index_t batch = x.shape(0), modes = x.shape(1);
    require_shape("factor", factor, {batch});
    require_shape("y", y, {batch, modes});
    const Light<const T> light{reinterpret_cast<const T*>(x.data()), batch};
    const T* factors = factor.data();
    T* out = reinterpret_cast<T*>(y.mutable_data());
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.scale(light, modes, factors, conjugate, out, usable);
}

template <class T>
void modulus(const Passes<T>& kernels, const ComplexArray<T>& z, RealArray<T>& size, int threads) {
    const index_t count = z.size();
    require_count("size", size, count);
    const T* in = reinterpret_cast<const T*>(z.data());
    T* out = size.mutable_data();
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.modulus(in, count, out, usable);
}

template <class T>
void modulus_adjoint(const Passes<T>& kernels, const ComplexArray<T>& z, const RealArray<T>& size,
                     const RealArray<T>& grad_size, ComplexArray<T>& grad_z, int threads) {
    const index_t count = z.size();
    require_count("size", size, count);
    require_count("grad_size", grad_size, count);
    require_count("grad_z", grad_z, count);
    const T* in = reinterpret_cast<const T*>(z.data());
    const T *sizes = size.data(), *gradient = grad_size.data();
    T* out = reinterpret_cast<T*>(grad_z.mutable_data());
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.modulus_adjoint(in, sizes, gradient, count, out, usable);
}

template void add_noise(const Passes<float>&, const RealArray<float>&, const std::optional<RealArray<float>>&, float,
                        std::uint64_t, std::uint32_t, std::uint64_t, RealArray<float>&, int);
template void add_noise(const Passes<double>&, const RealArray<double>&, const std::optional<RealArray<double>>&,
                        double, std::uint64_t, std::uint32_t, std::uint64_t, RealArray<double>&, int);
template void superpose(const Passes<float>&, const ComplexArray<float>&, const std::optional<ComplexArray<float>>&,
                        std::complex<float>, bool, bool, ComplexArray<float>&, RealArray<float>&, int);
template void superpose(const Passes<double>&, const ComplexArray<double>&, const std::optional<ComplexArray<double>>&,
                        std::complex<double>, bool, bool, ComplexArray<double>&, RealArray<double>&, int);
template void scale(const Passes<float>&, const ComplexArray<float>&, const RealArray<float>&, bool,
                    ComplexArray<float>&, int);
template void scale(const Passes<double>&, const ComplexArray<double>&, const RealArray<double>&, bool,
                    ComplexArray<double>&, int);
template void modulus(const Passes<float>&, const ComplexArray<float>&, RealArray<float>&, int);
template void modulus(const Passes<double>&, const ComplexArray<double>&, RealArray<double>&, int);
template void modulus_adjoint(const Passes<float>&, const ComplexArray<float>&, const RealArray<float>&,
                              const RealArray<float>&, ComplexArray<float>&, int);
template void modulus_adjoint(const Passes<double>&, const ComplexArray<double>&, const RealArray<double>&,
                              const RealArray<double>&, ComplexArray<double>&, int);

}  // namespace retrolux::bindings
