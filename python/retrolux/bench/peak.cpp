// The multiply-add chains for peak.py, which compiles this for one instruction set and calls it through ctypes.

#include "chains.h"

extern "C" int operations_single() { return chain_operations<float>; }
extern "C" int operations_double() { return chain_operations<double>; }

extern "C" double run_single(std::int64_t rounds, float scale, float shift) {
    return multiply_add<float>(rounds, scale, shift);
}
extern "C" double run_double(std::int64_t rounds, double scale, double shift) {
    return multiply_add<double>(rounds, scale, shift);
}
