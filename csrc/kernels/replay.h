#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// The adjoint pass for losses through which light cannot be traced back (see reversal.h): it goes forward again. `x`
/// is the light at the inputs, or null for the identity. Right for any losses, in up to 1.9 times the time, with room
/// for some of the light under way: for each thread about the root of 2 mzis modes times the light of two modes in a
/// tile.
template <class T>
void adjoint_by_replay(const Mesh<T>& mesh, const T* x, Light<const T> y, const T* grad_y, T* grad_x,
                       const Gradients<T>& gradients, int threads);

}  // namespace retrolux::RETROLUX_ISA
