#pragma once

#include "kernels/vector.h"
#include "operations.h"

// What work costs, in operations of crossings: decides how many threads are woken and which of two ways is taken.
// bench/NOTES.md says how these were found.

namespace retrolux::RETROLUX_ISA::costs {

/// A number for each width of vectors.
constexpr double by_width(double narrow, double avx2, double avx512) {
    return vector_bytes == 64 ? avx512 : vector_bytes == 32 ? avx2 : narrow;
}

/// What a core does in the ten microseconds that make it worth to wake another.
inline constexpr double worth_a_thread = by_width(2e5, 4e5, 1e6);

/// A matrix of an MZI with its four sines and cosines, its four powers, and its part in double precision.
inline constexpr double coefficients = 500;
/// The shears of an ideal MZI.
inline constexpr double rotation = 100;

/// Arithmetic on an amplitude: most of it brings parts of a number together and apart again.
inline constexpr double row_amplitude = 30;
inline constexpr double modulus = 12;
inline constexpr double normal = 40;
inline constexpr double uniform = 15;
/// An entry of a sparse matrix.
inline constexpr double sparse_entry = 4;

/// The dense ways past the taps (docs/physics/taps.md): a complex product with a matrix's entry, an entry of two
/// covariances for one sample, and modes^3 of their Cholesky factors. Products gain most from many wide registers.
inline constexpr double product = by_width(7, 5, 3);
inline constexpr double covariance = by_width(12, 8, 4.5);
inline constexpr double cholesky = 12;

}  // namespace retrolux::RETROLUX_ISA::costs
