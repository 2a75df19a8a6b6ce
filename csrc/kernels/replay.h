#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// The adjoint pass for losses through which light cannot be computed back (see reversal.h): light goes forward again.
/// Right for any losses. `x` is the light at the inputs, or null for the identity. Each thread keeps some of the light
/// of a tile: docs/physics/adjoint.md has how much.
template <class T>
void adjoint_by_replay(const Mesh<T>& mesh, const T* x, Light<const T> y, const T* grad_y, T* grad_x,
                       const Gradients<T>& gradients, int threads);

}  // namespace retrolux::RETROLUX_ISA
