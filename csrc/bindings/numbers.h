#pragma once

#include "types.h"

namespace retrolux {

/// Throws std::invalid_argument where numbers [first, first + count) are not all in one step of a stream.
void require_in_a_step(index_t first, index_t count);

/// In the order in which Python names a stream.
NoiseKey noise_key(std::uint64_t seed, std::uint32_t stream, std::uint64_t step);

}  // namespace retrolux
