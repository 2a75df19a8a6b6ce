#pragma once

#include <cstring>

#include "types.h"

// Square blocks of numbers, transposed in registers. Compilers do not find these shuffles in plain loops, which leave
// one number at a time: a third of the time of light's whole pass through 64 modes.

namespace retrolux::RETROLUX_ISA {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

/// Rows and columns of a block: the numbers in a vector.
template <class T>
inline constexpr int block_size = vector_bytes / sizeof(T);

template <class T>
struct VectorOf {
    typedef T Type __attribute__((vector_size(vector_bytes)));
};

/// The numbers of a and, behind them, of b that stand `at` these places.
template <int... at, class Vector>
inline Vector shuffle(Vector a, Vector b) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, at...);
#else
    using Places = decltype(a < b);  // whole numbers of the same size
    return __builtin_shuffle(a, b, Places{at...});
#endif
}

/// The lower, or upper, halves of a and b, in turns: a0 b0 a1 b1 ...
template <int size, class Vector>
inline Vector interleave_lower(Vector a, Vector b) {
    static_assert(size == 2 || size == 4 || size == 8 || size == 16, "a vector of this instruction set");
    if constexpr (size == 2) return shuffle<0, 2>(a, b);
    if constexpr (size == 4) return shuffle<0, 4, 1, 5>(a, b);
    if constexpr (size == 8) return shuffle<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
    if constexpr (size == 16) return shuffle<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
}
template <int size, class Vector>
inline Vector interleave_upper(Vector a, Vector b) {
    if constexpr (size == 2) return shuffle<1, 3>(a, b);
    if constexpr (size == 4) return shuffle<2, 6, 3, 7>(a, b);
    if constexpr (size == 8) return shuffle<4, 12, 5, 13, 6, 14, 7, 15>(a, b);
    if constexpr (size == 16) return shuffle<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
}

/// to[i][j] = from[j][i] for i, j < block_size, rows being `from_stride` and `to_stride` apart.
template <class T>
inline void transpose_block(const T* __restrict from, index_t from_stride, T* __restrict to, index_t to_stride) {
    constexpr int size = block_size<T>;
    typename VectorOf<T>::Type rows[size], next[size];
    for (int i = 0; i < size; ++i) std::memcpy(&rows[i], from + i * from_stride, vector_bytes);
    // Interleaving the halves turns the digits of (row, column), written in base two, by one place.
    for (int turned = 1; turned < size; turned *= 2) {
        for (int i = 0; i < size / 2; ++i) {
            next[2 * i] = interleave_lower<size>(rows[i], rows[i + size / 2]);
            next[2 * i + 1] = interleave_upper<size>(rows[i], rows[i + size / 2]);
        }
        for (int i = 0; i < size; ++i) rows[i] = next[i];
    }
    for (int i = 0; i < size; ++i) std::memcpy(to + i * to_stride, &rows[i], vector_bytes);
}

}  // namespace retrolux::RETROLUX_ISA
