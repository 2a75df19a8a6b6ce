#include "kernels/cholesky.h"

#include <cmath>

#include "kernels/compiler.h"
#include "kernels/parallel.h"

namespace retrolux::RETROLUX_ISA {

namespace {

template <class Value>
void swap(Value& a, Value& b) {
    const Value kept = a;
    a = b;
    b = kept;
}

/// Swaps rows and columns k and p > k, in the upper triangle that still counts, the diagonal left out.
void swap(const Hermitian& a, index_t k, index_t p) {
    const index_t n = a.stride;
    for (index_t j = k + 1; j < p; ++j) {
        swap(a.re[k * n + j], a.re[j * n + p]);
        const double im = a.im[k * n + j];
        a.im[k * n + j] = -a.im[j * n + p];
        a.im[j * n + p] = -im;
    }
    a.im[k * n + p] = -a.im[k * n + p];
    for (index_t j = p + 1; j < a.size; ++j) {
        swap(a.re[k * n + j], a.re[p * n + j]);
        swap(a.im[k * n + j], a.im[p * n + j]);
    }
}

/// Where the largest of the entries from k on is; the first, where there are several.
index_t largest(const double* entries, index_t k, index_t size) {
    index_t best = k;
    for (index_t i = k + 1; i < size; ++i)
        if (entries[i] > entries[best]) best = i;
    return best;
}

/// Column k of the factor, below its diagonal, from row k of the matrix, which has the conjugate.
void fill_column(const Hermitian& a, index_t k, double length, const double* __restrict diagonal, double* __restrict re,
                 double* __restrict im) {
    const double inverse = 1 / length;
    const double *row_re = a.re + k * a.stride, *row_im = a.im + k * a.stride;
    for (index_t i = 0; i < a.stride; ++i) re[i] = im[i] = 0;
    int excess = 0;
    for (index_t i = k + 1; i < a.size; ++i) {
        re[i] = inverse * row_re[i];
        im[i] = -inverse * row_im[i];
        excess |= re[i] * re[i] + im[i] * im[i] > diagonal[i];
    }
    if (!excess) return;
    // In a positive matrix no entry exceeds the root of its diagonal: this is what rounding has left.
    for (index_t i = k + 1; i < a.size; ++i) {
        const double power = re[i] * re[i] + im[i] * im[i], most = diagonal[i];
        if (power <= most) continue;
        const double scale = most > 0 ? std::sqrt(most / power) : 0.0;
        re[i] *= scale;
        im[i] *= scale;
    }
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
            RETROLUX_SIMD
            for (int l = 0; l < lanes; ++l) {
                out_re[l] -= row_re * re[j + l] + row_im * im[j + l];
                out_im[l] -= row_im * re[j + l] - row_re * im[j + l];
            }
        }
    }
}

}  // namespace

template <class T>
void cholesky(const Hermitian& a, double floor, T* rows) {
    const index_t size = a.size, stride = a.stride;
    const Scratch<double> column(3 * stride);
    const Scratch<index_t> place(size);  // which mode stands at each place
    double *const re = column.data(), *const im = re + stride, *const diagonal = im + stride;
    double trace = 0;
    for (index_t i = 0; i < size; ++i) {
        place.data()[i] = i;
        diagonal[i] = a.re[i * (stride + 1)];
        trace += diagonal[i];
    }
    const double blank = trace - trace;  // light that is not a number stays so
    for (index_t i = 0; i < 2 * size * size; ++i) rows[i] = static_cast<T>(blank);
    double least = 0;
    for (index_t k = 0; k < size; ++k) {
        const index_t p = largest(diagonal, k, size);
        const double pivot = diagonal[p];
        if (k == 0) least = floor * pivot;
        if (!(pivot > least)) return;
        if (p != k) {
            swap(a, k, p);
            swap(diagonal[k], diagonal[p]);
            swap(place.data()[k], place.data()[p]);
        }
        const double length = std::sqrt(pivot);
        fill_column(a, k, length, diagonal, re, im);
        T* row = rows + 2 * k * size;
        row[2 * place.data()[k]] = static_cast<T>(length);
        for (index_t i = k + 1; i < size; ++i) {
            diagonal[i] -= re[i] * re[i] + im[i] * im[i];
            row[2 * place.data()[i]] = static_cast<T>(re[i]);
            row[2 * place.data()[i] + 1] = static_cast<T>(im[i]);
        }
        subtract(a, k + 1, re, im);
    }
}

template void cholesky(const Hermitian&, double, float*);
template void cholesky(const Hermitian&, double, double*);

}  // namespace retrolux::RETROLUX_ISA
