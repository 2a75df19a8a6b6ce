#pragma once

#include <exception>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

#ifndef RETROLUX_ISA
#error "kernels/ is compiled once per instruction set: define RETROLUX_ISA"
#endif

// What compilers spell differently, or not at all. vector.h has the vector types.

// In front of a loop over lanes, which may be done in any order; RETROLUX_SIMD_SUM names the sums that it adds up.
#if defined(__GNUC__)
#define RETROLUX_PRAGMA(text) _Pragma(#text)
#define RETROLUX_SIMD RETROLUX_PRAGMA(omp simd)
#define RETROLUX_SIMD_SUM(...) RETROLUX_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#else
#define RETROLUX_SIMD
#define RETROLUX_SIMD_SUM(...)
#endif

namespace retrolux::RETROLUX_ISA {

/// Makes the C++ runtime allocate what exceptions of this thread need. Later, without memory, it would end the process.
inline void reserve_for_exceptions() {
    const int count = std::uncaught_exceptions();
#if defined(__GNUC__)
    asm volatile("" : : "r"(count));  // else the compiler leaves out a call whose result nobody uses
#else
    static_cast<void>(count);
#endif
}

/// While it lives, results of its thread below 1e-38 (1e-308 in double precision) become zero. Light that leaks across
/// many columns gets there, and Intel's processors are slow with such numbers (bench/NOTES.md).
class FlushSubnormals {
public:
#if defined(__SSE2__) || defined(_M_X64)
    FlushSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | flush | as_zero); }
    ~FlushSubnormals() { _mm_setcsr(before_); }

private:
    static constexpr unsigned flush = 1u << 15, as_zero = 1u << 6;
    unsigned before_;
#endif
};

}  // namespace retrolux::RETROLUX_ISA
