// The vectors of one instruction set, and the transposes made of them, against plain loops.

#include <cstdint>
#include <cstdio>

#include "cpu.h"
#include "kernels/transpose.h"
#include "kernels/vector.h"

using namespace retrolux;
using namespace retrolux::RETROLUX_ISA;

namespace {

int failures = 0;

void check(bool held, const char* what, int lane) {
    if (held) return;
    ++failures;
    std::printf("FAILED: %s (lane %d)\n", what, lane);
}

/// Vectors that hold first, first + 1, …
template <class T>
Vector<T> counted(T first) {
    T numbers[vector_lanes<T>];
    for (int l = 0; l < vector_lanes<T>; ++l) numbers[l] = first + static_cast<T>(l);
    return load(numbers);
}

template <class T>
void lanes_are_computed_one_by_one() {
    const Vector<T> a = counted(T(2)), b = counted(T(30)), sum = a + b, product = a * b, scaled = T(3) * a;
    Vector<T> less = b;
    less -= a;
    for (int l = 0; l < vector_lanes<T>; ++l) {
        const T x = T(2) + T(l), y = T(30) + T(l);
        check(sum[l] == x + y, "sum", l);
        check(product[l] == x * y, "product", l);
        check(scaled[l] == T(3) * x, "scaled", l);
        check(less[l] == y - x, "difference", l);
    }
}

template <class T>
void halves_are_interleaved() {
    constexpr int lanes = vector_lanes<T>;
    const Vector<T> a = counted(T(0)), b = counted(T(100));
    const Vector<T> lower = interleave_lower<T>(a, b), upper = interleave_upper<T>(a, b);
    for (int l = 0; l < lanes; ++l) {
        const T place = T(l / 2), before = l % 2 ? T(100) : T(0);
        check(lower[l] == before + place, "lower halves", l);
        check(upper[l] == before + place + T(lanes / 2), "upper halves", l);
    }
}

template <class T>
void blocks_are_transposed() {
    constexpr int size = vector_lanes<T>, from_stride = size + 3, to_stride = size + 1;
    T from[size * from_stride], to[size * to_stride];
    for (int i = 0; i < size * from_stride; ++i) from[i] = static_cast<T>(i);
    for (T& number : to) number = T(-1);
    transpose_block<T>(from, from_stride, to, to_stride);
    for (int i = 0; i < size; ++i) {
        for (int j = 0; j < size; ++j)
            check(to[i * to_stride + j] == from[j * from_stride + i], "transpose", size * i + j);
        check(to[i * to_stride + size] == T(-1), "nothing beyond the block is written", i);
    }
}

void lower_halves_are_multiplied() {
    const std::uint64_t x = 0xFEDCBA9876543210u, y = 0x0123456789ABCDEFu;
    const Vector<std::uint64_t> product = multiply_lower(splat(x), splat(y) + std::uint64_t{1});
    const Vector<std::uint64_t> mixed = (splat(x) >> 32) ^ splat(y);
    for (int l = 0; l < vector_lanes<std::uint64_t>; ++l) {
        check(product[l] == std::uint64_t{0x76543210u} * std::uint64_t{0x89ABCDF0u}, "product of lower halves", l);
        check(mixed[l] == (std::uint64_t{0xFEDCBA98u} ^ y), "shifted and mixed", l);
    }
}

}  // namespace

int main() {
    if (!cpu_can_run(Isa::RETROLUX_ISA)) {
        std::printf("this processor cannot run these instructions\n");
        return 77;  // CTest: skipped
    }
    lanes_are_computed_one_by_one<float>();
    lanes_are_computed_one_by_one<double>();
    halves_are_interleaved<float>();
    halves_are_interleaved<double>();
    blocks_are_transposed<float>();
    blocks_are_transposed<double>();
    lower_halves_are_multiplied();
    if (failures == 0) std::printf("all checks held\n");
    return failures == 0 ? 0 : 1;
}
