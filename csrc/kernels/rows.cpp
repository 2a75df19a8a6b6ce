#include <cmath>

#include "kernels/compiler.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"

// Arithmetic on the samples of a batch, each a row of modes.

namespace retrolux::RETROLUX_ISA {

namespace {

/// Calls body(first, end) for a share of the rows on each thread.
template <class Body>
void for_rows(index_t batch, index_t modes, int threads, const Body& body) {
    const double amplitudes = static_cast<double>(batch) * static_cast<double>(modes);
    const int workers = useful_workers(threads, batch, costs::row_amplitude * amplitudes);
    in_parallel(workers, [&](int worker) { body(share(batch, workers, worker), share(batch, workers, worker + 1)); });
}

/// y = x + turn conj(other), or x itself; returns the total power.
template <class T>
T add_row(const T* x, const T* other, T turn_re, T turn_im, index_t modes, T* y) {
    T power = 0;
    if (!other) {
        RETROLUX_SIMD_SUM(power)
        for (index_t i = 0; i < 2 * modes; ++i) {
            y[i] = x[i];
            power += x[i] * x[i];
        }
        return power;
    }
    RETROLUX_SIMD_SUM(power)
    for (index_t m = 0; m < modes; ++m) {
        const T re = x[2 * m] + turn_re * other[2 * m] + turn_im * other[2 * m + 1];
        const T im = x[2 * m + 1] + turn_im * other[2 * m] - turn_re * other[2 * m + 1];
        y[2 * m] = re;
        y[2 * m + 1] = im;
        power += re * re + im * im;
    }
    return power;
}

/// `x` and `y` may be the same.
template <class T>
void scale_row(const T* x, T re, T im, index_t modes, T* y) {
    RETROLUX_SIMD
    for (index_t m = 0; m < modes; ++m) {
        y[2 * m] = re * x[2 * m];
        y[2 * m + 1] = im * x[2 * m + 1];
    }
}

}  // namespace

template <class T>
void superpose(Light<const T> x, index_t modes, const Superposition<T>& how, T* y, T* norm, int threads) {
    for_rows(x.batch, modes, threads, [&](index_t first, index_t end) {
        for (index_t b = first; b < end; ++b) {
            const index_t at = 2 * b * modes;
            const T power =
                add_row(x.data + at, how.other ? how.other + at : nullptr, how.turn_re, how.turn_im, modes, y + at);
            norm[b] = std::sqrt(power);
            const T factor = how.normalise && norm[b] > 0 ? T(1) / norm[b] : T(1);
            if (how.normalise || how.conjugate)
                scale_row(y + at, factor, how.conjugate ? -factor : factor, modes, y + at);
        }
    });
}

template <class T>
void scale(Light<const T> x, index_t modes, const T* factor, bool conjugate, T* y, int threads) {
    for_rows(x.batch, modes, threads, [&](index_t first, index_t end) {
        for (index_t b = first; b < end; ++b)
            scale_row(x.data + 2 * b * modes, factor[b], conjugate ? -factor[b] : factor[b], modes, y + 2 * b * modes);
    });
}

template void superpose(Light<const float>, index_t, const Superposition<float>&, float*, float*, int);
template void superpose(Light<const double>, index_t, const Superposition<double>&, double*, double*, int);
template void scale(Light<const float>, index_t, const float*, bool, float*, int);
template void scale(Light<const double>, index_t, const double*, bool, double*, int);

}  // namespace retrolux::RETROLUX_ISA
