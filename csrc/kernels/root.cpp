#include "kernels/root.h"

#include <cmath>

#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

void exchange(double& a, double& b) {
    const double kept = a;
    a = b;
    b = kept;
}

/// Rows and columns k and p > k change places, in the upper triangle that still counts.
void exchange(const Hermitian& a, index_t k, index_t p) {
    const index_t n = a.stride;
    exchange(a.re[k * n + k], a.re[p * n + p]);
    for (index_t j = k + 1; j < p; ++j) {
        exchange(a.re[k * n + j], a.re[j * n + p]);
        const double im = a.im[k * n + j];
        a.im[k * n + j] = -a.im[j * n + p];
        a.im[j * n + p] = -im;
    }
    a.im[k * n + p] = -a.im[k * n + p];
    for (index_t j = p + 1; j < a.size; ++j) {
        exchange(a.re[k * n + j], a.re[p * n + j]);
        exchange(a.im[k * n + j], a.im[p * n + j]);
    }
}

/// Where the largest entry of the diagonal from k on is; the first, where there are several.
index_t largest_pivot(const Hermitian& a, index_t k) {
    index_t best = k;
    for (index_t i = k + 1; i < a.size; ++i)
        if (a.re[i * (a.stride + 1)] > a.re[best * (a.stride + 1)]) best = i;
    return best;
}

/// Takes column (re, im) times its own conjugate off the rows from `first` on.
void subtract(const Hermitian& a, index_t first, const double* __restrict re, const double* __restrict im) {
    constexpr int lanes = Hermitian::lanes;
    for (index_t i = first; i < a.size; ++i) {
        const double row_re = re[i], row_im = im[i];
        // Whole registers: what they write left of the diagonal does not count.
        for (index_t j = i / lanes * lanes; j < a.stride; j += lanes) {
            double* __restrict out_re = a.re + i * a.stride + j;
            double* __restrict out_im = a.im + i * a.stride + j;
#pragma omp simd
            for (int l = 0; l < lanes; ++l) {
                out_re[l] -= row_re * re[j + l] + row_im * im[j + l];
                out_im[l] -= row_im * re[j + l] - row_re * im[j + l];
            }
        }
    }
}

}  // namespace

template <class T>
void root(const Hermitian& a, double floor, T* rows) {
    const index_t size = a.size, stride = a.stride;
    const Scratch<double> column(2 * stride);
    const Scratch<index_t> place(size);  // which mode stands at each place
    double *re = column.data(), *im = re + stride;
    for (index_t i = 0; i < size; ++i) place.data()[i] = i;
    double trace = 0;
    for (index_t i = 0; i < size; ++i) trace += a.re[i * (stride + 1)];
    const double blank = trace - trace;  // light that is not a number stays so
    for (index_t i = 0; i < 2 * size * size; ++i) rows[i] = static_cast<T>(blank);
    double least = 0;
    for (index_t k = 0; k < size; ++k) {
        const index_t p = largest_pivot(a, k);
        const double pivot = a.re[p * (stride + 1)];
        if (k == 0) least = floor * pivot;
        if (!(pivot > least)) return;
        if (p != k) {
            exchange(a, k, p);
            const index_t kept = place.data()[k];
            place.data()[k] = place.data()[p];
            place.data()[p] = kept;
        }
        const double length = std::sqrt(pivot);
        for (index_t i = 0; i < stride; ++i) re[i] = im[i] = 0;
        re[k] = length;
        for (index_t i = k + 1; i < size; ++i) {
            // The upper triangle has the conjugate. In a positive matrix no entry exceeds the root of its diagonal.
            const double entry_re = a.re[k * stride + i] / length, entry_im = -a.im[k * stride + i] / length;
            const double power = entry_re * entry_re + entry_im * entry_im, most = a.re[i * (stride + 1)];
            const double scale = power <= most ? 1.0 : most > 0 ? std::sqrt(most / power) : 0.0;
            re[i] = scale * entry_re;
            im[i] = scale * entry_im;
        }
        T* row = rows + 2 * k * size;
        for (index_t i = k; i < size; ++i) {
            row[2 * place.data()[i]] = static_cast<T>(re[i]);
            row[2 * place.data()[i] + 1] = static_cast<T>(im[i]);
        }
        // The column counts from k + 1 on, where the rest of the matrix is.
        re[k] = 0;
        subtract(a, k + 1, re, im);
    }
}

template void root(const Hermitian&, double, float*);
template void root(const Hermitian&, double, double*);

}  // namespace retrolux::RETROLUX_ISA
