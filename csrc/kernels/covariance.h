#pragma once

#include "types.h"

// As few samples as there are modes whose powers add up to those of a batch: docs/physics/taps.md.

namespace retrolux::RETROLUX_ISA {

/// Writes two sets of `modes` samples each, interleaved complex numbers. For every power p = |v x|^2, its sum over the
/// first set is the sum of w p over the batch x, and over the second set that of w^2 p. `weight`, w at least 0, has
/// shape (batch). Without `both` there is the first set alone. The same bits for any number of threads.
template <class T>
void equivalent_light(Light<const T> x, index_t modes, const T* weight, bool both, T* samples, int threads);

}  // namespace retrolux::RETROLUX_ISA
