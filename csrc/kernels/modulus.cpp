#include <cmath>

#include "kernels/parallel.h"
#include "kernels/passes.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr index_t block = 64;

template <class T>
struct Range;  // of numbers whose squares neither overflow nor lose bits
template <>
struct Range<float> {
    static constexpr float smallest = 1e-16f, largest = 1e18f;
};
template <>
struct Range<double> {
    static constexpr double smallest = 1e-145, largest = 1e153;
};

/// |z| of `count` numbers.
template <class T>
void sizes(const T* z, index_t count, T* size) {
    T least = Range<T>::largest, most = 0;
    for (index_t i = 0; i < count; ++i) {
        const T square = z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1];
        size[i] = std::sqrt(square);
        least = size[i] < least ? size[i] : least;
        most = size[i] > most ? size[i] : most;
    }
    if (least >= Range<T>::smallest && most <= Range<T>::largest) return;
    for (index_t i = 0; i < count; ++i)
        if (!(size[i] >= Range<T>::smallest && size[i] <= Range<T>::largest))
            size[i] = std::hypot(z[2 * i], z[2 * i + 1]);
}

template <class Body>
void for_blocks(index_t count, int threads, const Body& body) {
    const index_t blocks = (count + block - 1) / block;
    const int workers = useful_workers(threads, blocks, costs::modulus * static_cast<double>(count));
    in_parallel(workers, [&](int worker) {
        for (index_t b = share(blocks, workers, worker); b < share(blocks, workers, worker + 1); ++b) {
            const index_t first = b * block, left = count - first;
            body(first, left < block ? left : block);
        }
    });
}

}  // namespace

template <class T>
void modulus(const T* z, index_t count, T* size, int threads) {
    for_blocks(count, threads, [&](index_t first, index_t here) { sizes(z + 2 * first, here, size + first); });
}

template <class T>
void modulus_adjoint(const T* z, const T* size, const T* grad_size, index_t count, T* grad_z, int threads) {
    constexpr T tiny = sizeof(T) == sizeof(float) ? T(1.17549435e-38) : T(2.2250738585072014e-308);
    for_blocks(count, threads, [&](index_t first, index_t here) {
        for (index_t i = first; i < first + here; ++i) {
            const T ratio = grad_size[i] / (size[i] > tiny ? size[i] : tiny);
            grad_z[2 * i] = ratio * z[2 * i];
            grad_z[2 * i + 1] = ratio * z[2 * i + 1];
        }
    });
}

template void modulus(const float*, index_t, float*, int);
template void modulus(const double*, index_t, double*, int);
template void modulus_adjoint(const float*, const float*, const float*, index_t, float*, int);
template void modulus_adjoint(const double*, const double*, const double*, index_t, double*, int);

}  // namespace retrolux::RETROLUX_ISA
