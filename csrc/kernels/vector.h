#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/compiler.h"

// The vectors of this instruction set, as GCC and Clang know them. Other compilers, and builds with
// RETROLUX_PLAIN_VECTORS, take arrays with the same operations.

#if defined(__GNUC__) && !defined(RETROLUX_PLAIN_VECTORS)
#define RETROLUX_GNU_VECTORS
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#endif

namespace retrolux::RETROLUX_ISA {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

/// Numbers in a vector.
template <class T>
inline constexpr int vector_lanes = vector_bytes / sizeof(T);

#if defined(RETROLUX_GNU_VECTORS)

template <class T>
struct VectorOf {
    typedef T Type __attribute__((vector_size(vector_bytes)));
};

#else

template <class T>
struct PlainVector {
    T lanes[vector_lanes<T>];

    T& operator[](int lane) { return lanes[lane]; }
    T operator[](int lane) const { return lanes[lane]; }
};

/// A vector made of operation(lane) for each lane.
template <class T, class Operation>
inline PlainVector<T> for_lanes(const Operation& operation) {
    PlainVector<T> result;
    for (int l = 0; l < vector_lanes<T>; ++l) result[l] = static_cast<T>(operation(l));
    return result;
}

template <class T>
inline PlainVector<T> operator+(PlainVector<T> a, T b) {
    return for_lanes<T>([&](int l) { return a[l] + b; });
}
template <class T>
inline PlainVector<T> operator+(PlainVector<T> a, PlainVector<T> b) {
    return for_lanes<T>([&](int l) { return a[l] + b[l]; });
}
template <class T>
inline PlainVector<T> operator*(PlainVector<T> a, PlainVector<T> b) {
    return for_lanes<T>([&](int l) { return a[l] * b[l]; });
}
template <class T>
inline PlainVector<T> operator*(T a, PlainVector<T> b) {
    return for_lanes<T>([&](int l) { return a * b[l]; });
}
template <class T>
inline PlainVector<T> operator^(PlainVector<T> a, PlainVector<T> b) {
    return for_lanes<T>([&](int l) { return a[l] ^ b[l]; });
}
template <class T>
inline PlainVector<T> operator>>(PlainVector<T> a, int bits) {
    return for_lanes<T>([&](int l) { return a[l] >> bits; });
}
template <class T>
inline PlainVector<T>& operator+=(PlainVector<T>& a, PlainVector<T> b) {
    for (int l = 0; l < vector_lanes<T>; ++l) a[l] += b[l];
    return a;
}
template <class T>
inline PlainVector<T>& operator-=(PlainVector<T>& a, PlainVector<T> b) {
    for (int l = 0; l < vector_lanes<T>; ++l) a[l] -= b[l];
    return a;
}

template <class T>
struct VectorOf {
    using Type = PlainVector<T>;
};

#endif

template <class T>
using Vector = typename VectorOf<T>::Type;

/// A vector whose lanes are all `value`.
template <class T>
inline Vector<T> splat(T value) {
    return Vector<T>{} + value;
}

template <class T>
inline Vector<T> load(const T* from) {
    Vector<T> vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

template <class T>
inline void store(const Vector<T>& vector, T* to) {
    std::memcpy(to, &vector, sizeof vector);
}

/// The numbers of a and, behind them, of b that stand `at` these places.
template <class T, int... at>
inline Vector<T> shuffle(Vector<T> a, Vector<T> b) {
    static_assert(sizeof...(at) == vector_lanes<T>, "one place for each lane");
#if !defined(RETROLUX_GNU_VECTORS)
    constexpr int lanes = vector_lanes<T>, places[] = {at...};
    return for_lanes<T>([&](int l) { return places[l] < lanes ? a[places[l]] : b[places[l] - lanes]; });
#elif defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, at...);
#else
    using Places = decltype(a < b);  // whole numbers of the same size
    return __builtin_shuffle(a, b, Places{at...});
#endif
}

/// Products of the lower halves of all lanes. GCC 12 does not find this instruction by itself.
inline Vector<std::uint64_t> multiply_lower(Vector<std::uint64_t> a, Vector<std::uint64_t> b) {
#if !defined(RETROLUX_GNU_VECTORS)
    return for_lanes<std::uint64_t>([&](int l) { return (a[l] & 0xFFFFFFFFu) * (b[l] & 0xFFFFFFFFu); });
#elif defined(__AVX512F__)
    // With a mask that takes all: GCC 12 warns of its own header in _mm512_mul_epu32.
    return (Vector<std::uint64_t>)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Vector<std::uint64_t>)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Vector<std::uint64_t>)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

}  // namespace retrolux::RETROLUX_ISA
