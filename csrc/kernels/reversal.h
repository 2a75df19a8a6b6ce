#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Whether light can be computed back from the outputs of a mesh with losses. Losses are gains on the way back, and
/// magnify rounding errors, by more than the light where one path to an output loses more than another. The answer
/// depends on the losses alone; docs/physics/adjoint.md derives it.
template <class T>
bool can_be_reversed(const Mesh<T>& mesh);

}  // namespace retrolux::RETROLUX_ISA
