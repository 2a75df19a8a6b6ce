#include "cpu.h"

namespace retrolux {

bool cpu_can_run(Isa isa) {
    if (isa == Isa::baseline) return true;
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    // The compiler's own runtime reads cpuid *and* xgetbv: a set that the system does not save counts as absent.
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (isa == Isa::avx2) return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

}  // namespace retrolux
