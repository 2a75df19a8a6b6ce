#pragma once

#include "kernels/vector.h"
#include "types.h"

// Products of complex matrices, block by block: the sums of a block stay in registers.

namespace retrolux::RETROLUX_ISA {

/// Rows of a block, as far as there are registers for their sums.
inline constexpr int block_rows = vector_bytes == 64 ? 8 : 4;
/// Columns of a block: one vector of real parts, one of imaginary parts.
template <class T>
inline constexpr int block_lanes = vector_lanes<T>;

/// Blocks of columns that hold `columns` of them.
template <class T>
inline index_t column_blocks(index_t columns) {
    return (columns + block_lanes<T> - 1) / block_lanes<T>;
}

/// One factor of a product, as it lies in memory: interleaved complex numbers, entry (k, row) at data + k step + row
/// stride.
template <class T>
struct Factor {
    const T* data;
    index_t step, stride;
};

/// sums(row, lane) = sum over k < count of left(k, row) right(k, lane). `right` has for each k, one after the other,
/// `lanes` real parts and then as many imaginary parts; `sums` likewise for each row.
template <class T, int rows>
inline void multiply_block(const Factor<T>& left, const T* right, index_t count, T* sums) {
    constexpr int lanes = block_lanes<T>;
    T re[rows][lanes], im[rows][lanes];
    for (int r = 0; r < rows; ++r)
        for (int l = 0; l < lanes; ++l) re[r][l] = im[r][l] = 0;
    for (index_t k = 0; k < count; ++k) {
        const T* x = left.data + k * left.step;
        const T* y = right + 2 * k * lanes;
        for (int r = 0; r < rows; ++r) {
            const T x_re = x[r * left.stride], x_im = x[r * left.stride + 1];
            RETROLUX_SIMD
            for (int l = 0; l < lanes; ++l) {
                re[r][l] += x_re * y[l];
                re[r][l] -= x_im * y[lanes + l];
                im[r][l] += x_re * y[lanes + l];
                im[r][l] += x_im * y[l];
            }
        }
    }
    for (int r = 0; r < rows; ++r) {
        for (int l = 0; l < lanes; ++l) sums[2 * r * lanes + l] = re[r][l];
        for (int l = 0; l < lanes; ++l) sums[(2 * r + 1) * lanes + l] = im[r][l];
    }
}

/// Writes the entries k of the right factors of `multiply_block`: `columns` interleaved complex numbers, their parts
/// times `re_scale` and `im_scale`. The blocks of columns lie `block_step` apart; beyond the last column they are
/// zeros.
template <class T>
inline void split_row(const T* row, index_t columns, T re_scale, T im_scale, T* __restrict blocks, index_t block_step) {
    constexpr int lanes = block_lanes<T>;
    for (index_t first = 0; first < columns; first += lanes, blocks += block_step) {
        if (first + lanes <= columns) {
            RETROLUX_SIMD
            for (int l = 0; l < lanes; ++l) {
                blocks[l] = re_scale * row[2 * (first + l)];
                blocks[lanes + l] = im_scale * row[2 * (first + l) + 1];
            }
            continue;
        }
        for (int l = 0; l < lanes; ++l) {
            const bool there = first + l < columns;
            blocks[l] = there ? re_scale * row[2 * (first + l)] : T(0);
            blocks[lanes + l] = there ? im_scale * row[2 * (first + l) + 1] : T(0);
        }
    }
}

/// The same for rows of a left factor, which stays interleaved: blocks of `block_rows` complex numbers.
template <class T>
inline void block_row(const T* row, index_t columns, T* __restrict blocks, index_t block_step) {
    for (index_t first = 0; first < columns; first += block_rows, blocks += block_step) {
        if (first + block_rows <= columns) {
            RETROLUX_SIMD
            for (int i = 0; i < 2 * block_rows; ++i) blocks[i] = row[2 * first + i];
            continue;
        }
        for (int i = 0; i < 2 * block_rows; ++i) blocks[i] = i < 2 * (columns - first) ? row[2 * first + i] : T(0);
    }
}

}  // namespace retrolux::RETROLUX_ISA
