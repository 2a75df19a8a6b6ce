#pragma once

#include "kernels/vector.h"
#include "types.h"

// Square blocks of numbers, transposed in registers: compilers do not find these shuffles in plain loops.

namespace retrolux::RETROLUX_ISA {

/// The lower halves of a and b, in turns: a0 b0 a1 b1 ...
template <class T>
inline Vector<T> interleave_lower(Vector<T> a, Vector<T> b) {
    constexpr int lanes = vector_lanes<T>;
    static_assert(lanes == 2 || lanes == 4 || lanes == 8 || lanes == 16, "a vector of this instruction set");
    if constexpr (lanes == 2)
        return shuffle<T, 0, 2>(a, b);
    else if constexpr (lanes == 4)
        return shuffle<T, 0, 4, 1, 5>(a, b);
    else if constexpr (lanes == 8)
        return shuffle<T, 0, 8, 1, 9, 2, 10, 3, 11>(a, b);
    else
        return shuffle<T, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
}

/// The upper halves likewise.
template <class T>
inline Vector<T> interleave_upper(Vector<T> a, Vector<T> b) {
    constexpr int lanes = vector_lanes<T>;
    if constexpr (lanes == 2)
        return shuffle<T, 1, 3>(a, b);
    else if constexpr (lanes == 4)
        return shuffle<T, 2, 6, 3, 7>(a, b);
    else if constexpr (lanes == 8)
        return shuffle<T, 4, 12, 5, 13, 6, 14, 7, 15>(a, b);
    else
        return shuffle<T, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
}

/// to[i][j] = from[j][i] for i, j < vector_lanes, rows being `from_stride` and `to_stride` apart.
template <class T>
inline void transpose_block(const T* __restrict from, index_t from_stride, T* __restrict to, index_t to_stride) {
    constexpr int size = vector_lanes<T>;
    Vector<T> rows[size], next[size];
    for (int i = 0; i < size; ++i) rows[i] = load(from + i * from_stride);
    // Interleaving the halves rotates the binary digits of (row, column) by one place.
    for (int turned = 1; turned < size; turned *= 2) {
        for (int i = 0; i < size / 2; ++i) {
            next[2 * i] = interleave_lower<T>(rows[i], rows[i + size / 2]);
            next[2 * i + 1] = interleave_upper<T>(rows[i], rows[i + size / 2]);
        }
        for (int i = 0; i < size; ++i) rows[i] = next[i];
    }
    for (int i = 0; i < size; ++i) store<T>(rows[i], to + i * to_stride);
}

}  // namespace retrolux::RETROLUX_ISA
