#pragma once

#include "kernels/coefficients.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// From the products sum conj(g_j) x_k of the gradient at the output and the light at the input of each MZI ((mzis, 8),
/// as add_products leaves them): the gradients of all its settings, errors and losses included. `gradients.gamma` is
/// left alone.
template <class T>
void gradients_from_products(const Mesh<T>& mesh, const double* products, const Gradients<T>& gradients);

}  // namespace retrolux::RETROLUX_ISA
