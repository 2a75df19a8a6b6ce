#pragma once

namespace retrolux {

/// Floating-point operations, as of complex 2x2 matrices, whatever the kernels make of them: an ideal MZI takes 18 of a
/// crossing, and 48 of an adjoint one. Per MZI and sample, but for the product.
namespace operations {

inline constexpr double crossing = 28;                         ///< 16 products and 12 sums
inline constexpr double counted = crossing + 17;               ///< with the powers at two taps
inline constexpr double tapped = crossing + 22;                ///< with these powers, each weighted twice
inline constexpr double adjoint = 2 * crossing + 18 + 4;       ///< of light and gradient, with dL/dtheta and dL/dphi
inline constexpr double replayed_adjoint = 3 * crossing + 32;  ///< with the products of light and gradient
inline constexpr double product = 8;                           ///< a complex multiply-add

}  // namespace operations

}  // namespace retrolux
