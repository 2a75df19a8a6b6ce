#include "kernels/covariance.h"

#include "kernels/cholesky.h"
#include "kernels/parallel.h"
#include "kernels/partial_sums.h"
#include "kernels/product.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// Samples whose products are added in the precision of the light, before the sums go on in double precision.
constexpr index_t chunk = 64;

/// The blocks of an upper triangle: block (i, j) has rows from `block_rows` i and columns from `block_lanes` j on.
template <class T>
struct Triangle {
    static constexpr int lanes = block_lanes<T>, block_size = 2 * block_rows * lanes;
    /// From one block of rows, or of columns, of a chunk's light to the next.
    static constexpr index_t left_step = 2 * block_rows * chunk, right_step = 2 * lanes * chunk;
    index_t modes, row_blocks, columns;

    explicit Triangle(index_t modes_)
        : modes(modes_), row_blocks((modes_ + block_rows - 1) / block_rows), columns(column_blocks<T>(modes_)) {}

    /// First block of columns that reaches the diagonal in block i of rows.
    index_t first_column(index_t i) const { return i * block_rows / lanes; }

    index_t blocks() const {
        index_t count = 0;
        for (index_t i = 0; i < row_blocks; ++i) count += columns - first_column(i);
        return count;
    }

    /// Adds the products left(k, row) right(k, column) of a chunk of samples to the blocks, one after the other.
    void add(const T* left, const T* right, index_t count, double* __restrict sums) const {
        alignas(64) T products[block_size];
        for (index_t i = 0; i < row_blocks; ++i)
            for (index_t j = first_column(i); j < columns; ++j, sums += block_size) {
                multiply_block<T, block_rows>({left + left_step * i, 2 * block_rows, 2}, right + right_step * j, count,
                                              products);
                for (int e = 0; e < block_size; ++e) sums[e] += static_cast<double>(products[e]);
            }
    }

    void copy_to(const Hermitian& matrix, const double* sums) const {
        for (index_t i = 0; i < row_blocks; ++i)
            for (index_t j = first_column(i); j < columns; ++j, sums += block_size)
                for (index_t r = 0; r < block_rows && block_rows * i + r < modes; ++r)
                    for (index_t l = 0; l < lanes && lanes * j + l < modes; ++l) {
                        const index_t entry = (block_rows * i + r) * matrix.stride + lanes * j + l;
                        matrix.re[entry] = sums[2 * r * lanes + l];
                        matrix.im[entry] = sums[(2 * r + 1) * lanes + l];
                    }
    }
};

/// In how many pieces a batch is summed: depends on the work alone.
index_t pieces_of(index_t batch) {
    index_t pieces = 1;
    while (pieces < 16 && 8 * chunk * pieces <= batch) pieces *= 2;
    return pieces;
}

}  // namespace

template <class T>
void equivalent_light(Light<const T> x, index_t modes, const T* weight, bool both, T* samples, int threads) {
    const Triangle<T> triangle(modes);
    const int sets = both ? 2 : 1;
    const index_t pieces = pieces_of(x.batch), set_size = triangle.blocks() * Triangle<T>::block_size;
    const index_t left_size = triangle.left_step * triangle.row_blocks;
    const index_t right_size = triangle.right_step * triangle.columns;
    PartialSums sums(pieces, sets * set_size, 16 * pieces * sets * set_size);  // as many pieces as were asked for
    const double entries = static_cast<double>(modes * modes), n = static_cast<double>(modes);
    const int workers =
        useful_workers(threads, sums.count(), costs::covariance / 2 * sets * entries * static_cast<double>(x.batch));
    const index_t room = left_size + sets * right_size;
    const Scratch<T> blocks(room * workers);
    sums.add_up(workers, [&](index_t p, double* piece, int worker) {
        T *const left = blocks.data() + room * worker, *const right = left + left_size;
        const index_t end = x.batch * (p + 1) / pieces;
        for (index_t first = x.batch * p / pieces; first < end; first += chunk) {
            const index_t count = end - first < chunk ? end - first : chunk;
            for (index_t k = 0; k < count; ++k) {
                const T* light = x.data + 2 * (first + k) * modes;
                block_row(light, modes, left + 2 * block_rows * k, triangle.left_step);
                T scale = 1;
                for (int s = 0; s < sets; ++s) {
                    scale *= weight[first + k];
                    split_row(light, modes, scale, -scale, right + s * right_size + 2 * triangle.lanes * k,
                              triangle.right_step);
                }
            }
            for (int s = 0; s < sets; ++s) triangle.add(left, right + s * right_size, count, piece + s * set_size);
        }
    });
    const index_t stride = Hermitian::stride_of(modes), size = modes * stride;
    const Scratch<double> planes(2 * size * sets);
    const int factoring = useful_workers(threads, sets, costs::cholesky / 2 * sets * entries * n);
    constexpr double floor = sizeof(T) == sizeof(float) ? 1e-7 : 2e-16;
    in_parallel(factoring, [&](int worker) {
        for (index_t s = share(sets, factoring, worker); s < share(sets, factoring, worker + 1); ++s) {
            double* re = planes.data() + 2 * size * s;
            for (index_t i = 0; i < 2 * size; ++i) re[i] = 0;
            const Hermitian matrix{re, re + size, modes, stride};
            triangle.copy_to(matrix, sums.total() + s * set_size);
            cholesky(matrix, floor, samples + 2 * modes * modes * s);
        }
    });
}

template void equivalent_light(Light<const float>, index_t, const float*, bool, float*, int);
template void equivalent_light(Light<const double>, index_t, const double*, bool, double*, int);

}  // namespace retrolux::RETROLUX_ISA
