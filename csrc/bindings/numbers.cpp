#include "bindings/numbers.h"

#include <stdexcept>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/threads.h"

// Plain numbers: those drawn at random, and products with a sparse matrix.

namespace retrolux {

void require_in_a_step(index_t first, index_t count) {
    if (first > numbers_in_a_step - count)
        throw std::invalid_argument("a step of a stream has 2**34 random numbers, got " + std::to_string(count) +
                                    " to draw from number " + std::to_string(first) + " on");
}

NoiseKey noise_key(std::uint64_t seed, std::uint32_t stream, std::uint64_t step) {
    NoiseKey key;
    key.seed = seed;
    key.stream = stream;
    key.step = step;
    return key;
}

namespace {

/// `draw` is the member of the table that makes the numbers.
template <auto draw>
void draw_numbers(const Kernels& kernels, py::handle values, std::uint64_t seed, std::uint32_t stream,
                  std::uint64_t step, index_t first, int threads) {
    if (first < 0) throw std::invalid_argument("first must be at least 0, got " + std::to_string(first));
    const Array array("values", values);
    const index_t count = array.size();
    require_in_a_step(first, count);
    float* data = array.reals<float>();
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    (kernels.table->*draw)(noise_key(seed, stream, step), first, count, data, usable);
}

void add_noise(const Kernels& kernels, py::handle x, py::handle variance, double std, std::uint64_t seed,
               std::uint32_t stream, std::uint64_t step, py::handle y, int threads) {
    const Array array("x", x);
    in_precision_of(array, [&](auto zero) {
        using T = decltype(zero);
        const index_t count = array.size();
        const T* in = array.reals<const T>();
        const T* variances =
            variance.is_none() ? nullptr : Array("variance", variance).of_size(count).template reals<const T>();
        T* out = Array("y", y).of_size(count).template reals<T>();
        require_in_a_step(0, count);
        const int usable = usable_threads(threads);
        const py::gil_scoped_release release;
        kernels.passes<T>().add_noise(in, variances, static_cast<T>(std), noise_key(seed, stream, step), count, out,
                                      usable);
    });
}

/// y = A x; the caller vouches for the entries, of which there may be too many to check them at every product.
void multiply(const Kernels& kernels, py::handle starts, py::handle columns, py::handle values, py::handle x,
              py::handle y, int threads) {
    const Array result("y", y);
    SparseRows matrix;
    matrix.rows = result.size();
    matrix.starts = Array("starts", starts).of_shape({matrix.rows + 1}).integers();
    const index_t entries = matrix.starts[matrix.rows];
    matrix.columns = Array("columns", columns).of_shape({entries}).integers();
    matrix.values = Array("values", values).of_shape({entries}).reals<const double>();
    const double* in = Array("x", x).of_shape({matrix.rows}).reals<const double>();
    double* out = result.reals<double>();
    const int usable = usable_threads(threads);
    const py::gil_scoped_release release;
    kernels.table->multiply(matrix, in, out, usable);
}

}  // namespace

void bind_numbers(py::class_<Kernels>& kernels) {
    using py::arg;
    for (const auto& [name, draw] :
         {std::pair{"normals", &draw_numbers<&Table::normals>}, std::pair{"uniforms", &draw_numbers<&Table::uniforms>}})
        kernels.def(name, draw, arg("values"), arg("seed"), arg("stream"), arg("step"), arg("first"), arg("threads"));
    kernels
        .def("add_noise", &add_noise, arg("x"), arg("variance"), arg("std"), arg("seed"), arg("stream"), arg("step"),
             arg("y"), arg("threads"))
        .def("multiply", &multiply, arg("starts"), arg("columns"), arg("values"), arg("x"), arg("y"), arg("threads"));
}

}  // namespace retrolux
