#include "kernels/dense.h"

#include "kernels/compiler.h"
#include "kernels/parallel.h"
#include "kernels/product.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// Rows of y from `rows` samples.
template <class T, int rows>
void multiply_rows(const T* x, index_t modes, const T* right, T* y) {
    constexpr int lanes = block_lanes<T>;
    const index_t blocks = column_blocks<T>(modes);
    alignas(64) T sums[2 * rows * lanes];
    for (index_t j = 0; j < blocks; ++j) {
        multiply_block<T, rows>({x, 2, 2 * modes}, right + 2 * lanes * modes * j, modes, sums);
        const index_t left = modes - lanes * j;
        for (int r = 0; r < rows; ++r) {
            T* out = y + 2 * (r * modes + lanes * j);
            const T* row = sums + 2 * r * lanes;
            if (left >= lanes) {
                RETROLUX_SIMD
                for (int l = 0; l < lanes; ++l) {
                    out[2 * l] = row[l];
                    out[2 * l + 1] = row[lanes + l];
                }
                continue;
            }
            for (index_t l = 0; l < left; ++l) {
                out[2 * l] = row[l];
                out[2 * l + 1] = row[lanes + l];
            }
        }
    }
}

}  // namespace

template <class T>
void multiply_light(Light<const T> x, index_t modes, const T* matrix, T* y, int threads) {
    constexpr int lanes = block_lanes<T>;
    const Scratch<T> right(2 * lanes * column_blocks<T>(modes) * modes);
    for (index_t n = 0; n < modes; ++n)
        split_row(matrix + 2 * n * modes, modes, T(1), T(1), right.data() + 2 * lanes * n, 2 * lanes * modes);
    const index_t groups = (x.batch + block_rows - 1) / block_rows;
    const int workers = useful_workers(
        threads, groups, operations::product * static_cast<double>(modes * modes) * static_cast<double>(x.batch));
    in_parallel_for_light(workers, [&](int worker) {
        for (index_t g = share(groups, workers, worker); g < share(groups, workers, worker + 1); ++g) {
            const index_t first = g * block_rows, end = first + block_rows;
            if (end <= x.batch) {
                multiply_rows<T, block_rows>(x.data + 2 * first * modes, modes, right.data(), y + 2 * first * modes);
                continue;
            }
            for (index_t b = first; b < x.batch; ++b)
                multiply_rows<T, 1>(x.data + 2 * b * modes, modes, right.data(), y + 2 * b * modes);
        }
    });
}

template void multiply_light(Light<const float>, index_t, const float*, float*, int);
template void multiply_light(Light<const double>, index_t, const double*, double*, int);

}  // namespace retrolux::RETROLUX_ISA
