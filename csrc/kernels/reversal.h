#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Whether light may be traced back from the outputs of a mesh with losses. On the way back, losses become gains, which
/// magnify rounding errors; where a path to an output takes more than another, they do so by more than the light there.
/// The answer depends on the losses alone and holds for light of any shape and strength.
template <class T>
bool can_be_reversed(const Mesh<T>& mesh);

}  // namespace retrolux::RETROLUX_ISA
