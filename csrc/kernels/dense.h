#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// y = x matrix for light x of shape (batch, modes) and `matrix` of shape (modes, modes), all interleaved complex
/// numbers. The same bits for any number of threads.
template <class T>
void multiply_light(Light<const T> x, index_t modes, const T* matrix, T* y, int threads);

}  // namespace retrolux::RETROLUX_ISA
