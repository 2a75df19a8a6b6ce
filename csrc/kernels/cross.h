#pragma once

#include "kernels/coefficients.h"
#include "kernels/compiler.h"
#include "kernels/rotations.h"
#include "types.h"

// The physics: what one MZI does to the light of a tile, and to the gradient that comes back through it.
// The lane loops are the hot loops of the product. RETROLUX_SIMD_SUM only says which sums may be reordered.

namespace retrolux::RETROLUX_ISA {

/// (a, b) <- matrix (a, b).
template <class T, int lanes>
inline void cross(const Crossing<T>& matrix, T* __restrict a, T* __restrict b) {
    const Crossing<T> m = matrix;
    for (int l = 0; l < lanes; ++l) {
        const T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        a[l] = m.aa_re * a_re - m.aa_im * a_im + m.ab_re * b_re - m.ab_im * b_im;
        a[lanes + l] = m.aa_re * a_im + m.aa_im * a_re + m.ab_re * b_im + m.ab_im * b_re;
        b[l] = m.ba_re * a_re - m.ba_im * a_im + m.bb_re * b_re - m.bb_im * b_im;
        b[lanes + l] = m.ba_re * a_im + m.ba_im * a_re + m.bb_re * b_im + m.bb_im * b_re;
    }
}

/// (x, y) turned from y towards x: x' = cos x + sin y, y' = cos y - sin x. A number, or a vector of them.
template <class T, class Value>
inline void shear(const Shears<T>& by, Value& x, Value& y) {
    x += by.tangent * y;
    y -= by.sine * x;
    x += by.tangent * y;
}
template <class T, class Value>
inline void shear_back(const Shears<T>& by, Value& x, Value& y) {
    x -= by.tangent * y;
    y += by.sine * x;
    x -= by.tangent * y;
}

/// Light (a, b) crosses an MZI of an ideal mesh.
template <class T, int lanes>
inline void cross(const Rotation<T>& mzi, T* __restrict a, T* __restrict b) {
    const Rotation<T> r = mzi;
    for (int l = 0; l < lanes; ++l) {
        T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        shear_back(r.phase, a_re, a_im);
        shear(r.mix, a_re, b_re);
        shear(r.mix, a_im, b_im);
        a[l] = a_re;
        a[lanes + l] = a_im;
        b[l] = b_re;
        b[lanes + l] = b_im;
    }
}

/// The inverse of `cross`.
template <class T, int lanes>
inline void cross_back(const Rotation<T>& mzi, T* __restrict a, T* __restrict b) {
    const Rotation<T> r = mzi;
    for (int l = 0; l < lanes; ++l) {
        T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        shear_back(r.mix, a_re, b_re);
        shear_back(r.mix, a_im, b_im);
        shear(r.phase, a_re, a_im);
        a[l] = a_re;
        a[lanes + l] = a_im;
        b[l] = b_re;
        b[lanes + l] = b_im;
    }
}

/// Steps light (a, b) and gradient (ga, gb) from the output to the input side of an MZI of an ideal mesh. Adds
/// dL/d(mixing angle) to sums[0] and Im(conj(g_a) a) at the input to sums[1], both summed over the lanes:
/// docs/physics/adjoint.md.
template <class T, int lanes>
inline void step_back(const Rotation<T>& mzi, T* __restrict a, T* __restrict b, T* __restrict ga, T* __restrict gb,
                      double* __restrict sums) {
    const Rotation<T> r = mzi;
    T mix = 0, input = 0;
    RETROLUX_SIMD_SUM(mix, input)
    for (int l = 0; l < lanes; ++l) {
        T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        T ga_re = ga[l], ga_im = ga[lanes + l], gb_re = gb[l], gb_im = gb[lanes + l];
        mix += (ga_re * b_re + ga_im * b_im) - (gb_re * a_re + gb_im * a_im);
        shear_back(r.mix, a_re, b_re);
        shear_back(r.mix, a_im, b_im);
        shear(r.phase, a_re, a_im);
        shear_back(r.mix, ga_re, gb_re);
        shear_back(r.mix, ga_im, gb_im);
        shear(r.phase, ga_re, ga_im);
        input += ga_re * a_im - ga_im * a_re;
        a[l] = a_re;
        a[lanes + l] = a_im;
        b[l] = b_re;
        b[lanes + l] = b_im;
        ga[l] = ga_re;
        ga[lanes + l] = ga_im;
        gb[l] = gb_re;
        gb[lanes + l] = gb_im;
    }
    sums[0] += mix;
    sums[1] += input;
}

/// Steps light (a, b) and gradient (ga, gb) from the output to the input side of one MZI, and adds
/// dL/dtheta and dL/dphi, summed over the lanes, to sums[0] and sums[1].
template <class T, int lanes>
inline void step_back(const Crossing<T>& inverse, const Crossing<T>& dagger, const ThetaWeights<T>& weights,
                      T* __restrict a, T* __restrict b, T* __restrict ga, T* __restrict gb, double* __restrict sums) {
    const Crossing<T> r = inverse;
    const Crossing<T> h = dagger;
    const T theta_aa = weights.aa, theta_bb = weights.bb, theta_ab = weights.ab;
    T theta = 0, phi = 0;
    RETROLUX_SIMD_SUM(theta, phi)
    for (int l = 0; l < lanes; ++l) {
        const T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        const T ga_re = ga[l], ga_im = ga[lanes + l], gb_re = gb[l], gb_im = gb[lanes + l];
        theta += theta_aa * (ga_re * a_im - ga_im * a_re) + theta_bb * (gb_re * b_im - gb_im * b_re) +
                 theta_ab * ((ga_re * b_re + ga_im * b_im) - (gb_re * a_re + gb_im * a_im));
        const T in_re = r.aa_re * a_re - r.aa_im * a_im + r.ab_re * b_re - r.ab_im * b_im;
        const T in_im = r.aa_re * a_im + r.aa_im * a_re + r.ab_re * b_im + r.ab_im * b_re;
        b[l] = r.ba_re * a_re - r.ba_im * a_im + r.bb_re * b_re - r.bb_im * b_im;
        b[lanes + l] = r.ba_re * a_im + r.ba_im * a_re + r.bb_re * b_im + r.bb_im * b_re;
        const T back_re = h.aa_re * ga_re - h.aa_im * ga_im + h.ab_re * gb_re - h.ab_im * gb_im;
        const T back_im = h.aa_re * ga_im + h.aa_im * ga_re + h.ab_re * gb_im + h.ab_im * gb_re;
        gb[l] = h.ba_re * ga_re - h.ba_im * ga_im + h.bb_re * gb_re - h.bb_im * gb_im;
        gb[lanes + l] = h.ba_re * ga_im + h.ba_im * ga_re + h.bb_re * gb_im + h.bb_im * gb_re;
        phi -= back_re * in_im - back_im * in_re;
        a[l] = in_re;
        a[lanes + l] = in_im;
        ga[l] = back_re;
        ga[lanes + l] = back_im;
    }
    sums[0] += theta;
    sums[1] += phi;
}

/// Adds the products sum over lanes of conj(g_j) x_k, as (re, im) of aa, ab, ba, bb, to sums[0..7]. Those of the
/// gradient at the output and the light at the input of an MZI determine the gradient of every one of its settings.
template <class T, int lanes>
inline void add_products(const T* __restrict a, const T* __restrict b, const T* __restrict ga, const T* __restrict gb,
                         double* __restrict sums) {
    T aa_re = 0, aa_im = 0, ab_re = 0, ab_im = 0, ba_re = 0, ba_im = 0, bb_re = 0, bb_im = 0;
    RETROLUX_SIMD_SUM(aa_re, aa_im, ab_re, ab_im, ba_re, ba_im, bb_re, bb_im)
    for (int l = 0; l < lanes; ++l) {
        const T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        const T ga_re = ga[l], ga_im = ga[lanes + l], gb_re = gb[l], gb_im = gb[lanes + l];
        aa_re += ga_re * a_re + ga_im * a_im;
        aa_im += ga_re * a_im - ga_im * a_re;
        ab_re += ga_re * b_re + ga_im * b_im;
        ab_im += ga_re * b_im - ga_im * b_re;
        ba_re += gb_re * a_re + gb_im * a_im;
        ba_im += gb_re * a_im - gb_im * a_re;
        bb_re += gb_re * b_re + gb_im * b_im;
        bb_im += gb_re * b_im - gb_im * b_re;
    }
    sums[0] += aa_re;
    sums[1] += aa_im;
    sums[2] += ab_re;
    sums[3] += ab_im;
    sums[4] += ba_re;
    sums[5] += ba_im;
    sums[6] += bb_re;
    sums[7] += bb_im;
}

/// Returns the sum over lanes of Im(conj(g) y) for one mode.
template <class T, int lanes>
inline double imaginary_product(const T* __restrict y, const T* __restrict g) {
    T sum = 0;
    RETROLUX_SIMD_SUM(sum)
    for (int l = 0; l < lanes; ++l) sum += g[l] * y[lanes + l] - g[lanes + l] * y[l];
    return sum;
}

}  // namespace retrolux::RETROLUX_ISA
