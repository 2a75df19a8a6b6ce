#pragma once

namespace retrolux {

/// Instruction sets for which kernels may be compiled, in ascending order of preference.
enum class Isa { baseline, avx2, avx512 };

/// True when this processor has the instructions and the operating system saves their registers.
bool cpu_can_run(Isa isa);

}  // namespace retrolux
