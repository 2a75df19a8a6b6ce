#pragma once

#include "types.h"

// A batch of light, as far as sums of powers go. Any amplitude is v x with a row v, so that the weighted sum over the
// batch of its power is v C v†, with the covariance C = sum of w x x†. Whatever has the covariance C gives the same
// sums: the columns of a root L of C = L L†, which are no more samples than there are modes.

namespace retrolux::RETROLUX_ISA {

/// Writes two sets of `modes` samples each, interleaved complex numbers: their powers, added up over a set, are
/// sum w p and sum w^2 p over the batch x for every amplitude p = |v x|^2. `weight` has shape (batch), at least 0.
/// The second set follows the first; without `both` there is the first alone. The same bits for any number of threads.
template <class T>
void equivalent_light(Light<const T> x, index_t modes, const T* weight, bool both, T* samples, int threads);

}  // namespace retrolux::RETROLUX_ISA
