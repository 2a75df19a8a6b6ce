#pragma once

#include <cstdint>

// How many floating-point operations a second one core can do: independent chains of multiply-adds in registers of the
// instruction set that this is compiled for. Two programs include it, bench/native and what peak.py compiles; names are
// local to each, so that builds for several instruction sets can be linked together.

namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

/// Twelve chains cover latency times throughput of the cores we know, and with their two constants (and, where there is
/// no fused multiply-add, one temporary) they fit into sixteen registers.
constexpr int chains = 12;

/// Operations of one round, a multiply-add counted as two.
template <class T>
constexpr int chain_operations = 2 * chains * vector_bytes / static_cast<int>(sizeof(T));

/// Every chain tends to shift / (1 - scale): give a scale below one that keeps that far from overflow and underflow.
/// The constants are arguments and no two chains start alike, so that the compiler can foresee none of the results.
template <class T>
double multiply_add(std::int64_t rounds, T scale_, T shift_) {
    typedef T Vector __attribute__((vector_size(vector_bytes)));
    constexpr int lanes = vector_bytes / sizeof(T);
    const Vector scale = Vector{} + scale_, shift = Vector{} + shift_;
    Vector a = scale, b = a + shift, c = b + shift, d = c + shift, e = d + shift, f = e + shift;
    Vector g = f + shift, h = g + shift, i = h + shift, j = i + shift, k = j + shift, l = k + shift;
    for (std::int64_t round = 0; round < rounds; ++round) {
        a = a * scale + shift;
        b = b * scale + shift;
        c = c * scale + shift;
        d = d * scale + shift;
        e = e * scale + shift;
        f = f * scale + shift;
        g = g * scale + shift;
        h = h * scale + shift;
        i = i * scale + shift;
        j = j * scale + shift;
        k = k * scale + shift;
        l = l * scale + shift;
    }
    // The result depends on every chain, so that none can be dropped.
    const Vector total = a + b + c + d + e + f + g + h + i + j + k + l;
    double sum = 0;
    for (int lane = 0; lane < lanes; ++lane) sum += static_cast<double>(total[lane]);
    return sum;
}

}  // namespace
