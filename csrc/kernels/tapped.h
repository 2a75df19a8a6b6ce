#pragma once

#include "kernels/coefficients.h"
#include "kernels/compiler.h"
#include "kernels/cross.h"
#include "kernels/tile.h"
#include "types.h"

// Light passes the tap detectors, which sit right after each phase shifter. docs/physics/taps.md has how the fields at
// the taps follow from those at the ports.

namespace retrolux::RETROLUX_ISA {

/// (a, b) crosses an MZI forward; theta and phi receive what its taps read in each lane.
template <class T, int lanes>
inline void cross_forward(const Tapped<T>& mzi, T* __restrict a, T* __restrict b, T* __restrict theta,
                          T* __restrict phi) {
    const T c = mzi.cosine, s = mzi.sine, phi_power = mzi.phi_power;
    for (int l = 0; l < lanes; ++l) phi[l] = phi_power * (a[l] * a[l] + a[lanes + l] * a[lanes + l]);
    cross<T, lanes>(mzi.matrix, a, b);
    for (int l = 0; l < lanes; ++l) {
        // B(-coupler 2) takes the output ports back to the theta tap.
        const T re = c * a[l] + s * b[lanes + l], im = c * a[lanes + l] - s * b[l];
        theta[l] = re * re + im * im;
    }
}

/// (a, b) crosses an MZI backward, from its output ports to its input ports.
template <class T, int lanes>
inline void cross_backward(const Tapped<T>& mzi, T* __restrict a, T* __restrict b, T* __restrict theta,
                           T* __restrict phi) {
    const T c = mzi.cosine, s = mzi.sine, phi_power = mzi.phi_power;
    for (int l = 0; l < lanes; ++l) {
        const T re = c * a[l] - s * b[lanes + l], im = c * a[lanes + l] + s * b[l];
        theta[l] = re * re + im * im;
    }
    cross<T, lanes>(mzi.matrix, a, b);
    for (int l = 0; l < lanes; ++l) phi[l] = phi_power * (a[l] * a[l] + a[lanes + l] * a[lanes + l]);
}

/// The same crossings where only sums over the lanes are wanted: adds w p and w^2 p of both taps to sums: theta, phi,
/// and the seconds of both. `weight` holds the w of all lanes and, behind them, their squares.
template <class T, int lanes, bool backward>
inline void cross_and_sum(const Tapped<T>& mzi, const T* __restrict weight, T* __restrict a, T* __restrict b,
                          double* __restrict sums) {
    const Crossing<T> m = mzi.matrix;
    const T c = mzi.cosine, s = backward ? -mzi.sine : mzi.sine;
    T theta_sum = 0, phi_sum = 0, theta_second = 0, phi_second = 0;
    RETROLUX_SIMD_SUM(theta_sum, phi_sum, theta_second, phi_second)
    for (int l = 0; l < lanes; ++l) {
        const T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        const T out_a_re = m.aa_re * a_re - m.aa_im * a_im + m.ab_re * b_re - m.ab_im * b_im;
        const T out_a_im = m.aa_re * a_im + m.aa_im * a_re + m.ab_re * b_im + m.ab_im * b_re;
        const T out_b_re = m.ba_re * a_re - m.ba_im * a_im + m.bb_re * b_re - m.bb_im * b_im;
        const T out_b_im = m.ba_re * a_im + m.ba_im * a_re + m.bb_re * b_im + m.bb_im * b_re;
        a[l] = out_a_re;
        a[lanes + l] = out_a_im;
        b[l] = out_b_re;
        b[lanes + l] = out_b_im;
        // The theta tap is seen from the output ports, the phi tap from the upper input port.
        const T theta_re = backward ? c * a_re + s * b_im : c * out_a_re + s * out_b_im;
        const T theta_im = backward ? c * a_im - s * b_re : c * out_a_im - s * out_b_re;
        const T phi_re = backward ? out_a_re : a_re, phi_im = backward ? out_a_im : a_im;
        const T theta = theta_re * theta_re + theta_im * theta_im, phi = phi_re * phi_re + phi_im * phi_im;
        const T w = weight[l], square = weight[lanes + l];
        theta_sum += w * theta;
        phi_sum += w * phi;
        theta_second += square * theta;
        phi_second += square * phi;
    }
    sums[0] += theta_sum;
    sums[1] += mzi.phi_power * phi_sum;
    sums[2] += theta_second;
    sums[3] += mzi.phi_power * phi_second;
}

/// The same where all lanes count once: adds p of both taps to sums: theta, phi.
template <class T, int lanes, bool backward>
inline void cross_and_count(const Tapped<T>& mzi, T* __restrict a, T* __restrict b, double* __restrict sums) {
    const Crossing<T> m = mzi.matrix;
    const T c = mzi.cosine, s = backward ? -mzi.sine : mzi.sine;
    T theta_sum = 0, phi_sum = 0;
    RETROLUX_SIMD_SUM(theta_sum, phi_sum)
    for (int l = 0; l < lanes; ++l) {
        const T a_re = a[l], a_im = a[lanes + l], b_re = b[l], b_im = b[lanes + l];
        const T out_a_re = m.aa_re * a_re - m.aa_im * a_im + m.ab_re * b_re - m.ab_im * b_im;
        const T out_a_im = m.aa_re * a_im + m.aa_im * a_re + m.ab_re * b_im + m.ab_im * b_re;
        const T out_b_re = m.ba_re * a_re - m.ba_im * a_im + m.bb_re * b_re - m.bb_im * b_im;
        const T out_b_im = m.ba_re * a_im + m.ba_im * a_re + m.bb_re * b_im + m.bb_im * b_re;
        a[l] = out_a_re;
        a[lanes + l] = out_a_im;
        b[l] = out_b_re;
        b[lanes + l] = out_b_im;
        const T theta_re = backward ? c * a_re + s * b_im : c * out_a_re + s * out_b_im;
        const T theta_im = backward ? c * a_im - s * b_re : c * out_a_im - s * out_b_re;
        const T phi_re = backward ? out_a_re : a_re, phi_im = backward ? out_a_im : a_im;
        theta_sum += theta_re * theta_re + theta_im * theta_im;
        phi_sum += phi_re * phi_re + phi_im * phi_im;
    }
    sums[0] += theta_sum;
    sums[1] += mzi.phi_power * phi_sum;
}

/// What a pass meets on its way; what it reads is the business of its methods, which take one tile through.
template <class T>
struct TappedPass {
    const Mesh<T>& mesh;
    const Tapped<T>* tapped;
    const T* cosine;
    const T* sine;
    bool backward;

    /// Brings `count` samples into a tile and takes it through: cross(tile) crosses all MZIs. The light that comes out
    /// is written where `out` is not null.
    template <int lanes, class Cross>
    void sweep(const T* rows, int count, T* tile, T* out, const Cross& cross_all) const {
        pack<T, lanes>(rows, count, mesh.modes, tile);
        if (backward) rotate_outputs<lanes>(tile);
        cross_all(tile);
        if (!backward) rotate_outputs<lanes>(tile);
        if (out) unpack<T, lanes>(tile, count, mesh.modes, out);
    }

    /// Without a look at the taps.
    template <int lanes>
    void cross_all(T* tile) const {
        for_each_mzi(
            [&](index_t k) { cross<T, lanes>(tapped[k].matrix, upper<lanes>(tile, k), lower<lanes>(tile, k)); });
    }

    /// Adds w p and w^2 p to sums (mzis, 4), as `cross_and_sum` does; `weight` as there.
    template <int lanes>
    void add_weighted(T* tile, const T* weight, double* sums) const {
        for_each_mzi([&](index_t k) {
            T *a = upper<lanes>(tile, k), *b = lower<lanes>(tile, k);
            if (backward)
                cross_and_sum<T, lanes, true>(tapped[k], weight, a, b, sums + 4 * k);
            else
                cross_and_sum<T, lanes, false>(tapped[k], weight, a, b, sums + 4 * k);
        });
    }

    /// Adds p to the first two of each four in `sums`.
    template <int lanes>
    void add_powers(T* tile, double* sums) const {
        for_each_mzi([&](index_t k) {
            T *a = upper<lanes>(tile, k), *b = lower<lanes>(tile, k);
            if (backward)
                cross_and_count<T, lanes, true>(tapped[k], a, b, sums + 4 * k);
            else
                cross_and_count<T, lanes, false>(tapped[k], a, b, sums + 4 * k);
        });
    }

    /// Writes p of every sample to `each`, (count, mzis, 2).
    template <int lanes>
    void read_each(T* tile, int count, T* each) const {
        alignas(64) T theta[lanes], phi[lanes];
        for_each_mzi([&](index_t k) {
            T *a = upper<lanes>(tile, k), *b = lower<lanes>(tile, k);
            if (backward)
                cross_backward<T, lanes>(tapped[k], a, b, theta, phi);
            else
                cross_forward<T, lanes>(tapped[k], a, b, theta, phi);
            for (int l = 0; l < count; ++l) {
                T* reading = each + 2 * (l * mesh.mzis + k);
                reading[0] = theta[l];
                reading[1] = phi[l];
            }
        });
    }

private:
    template <class Body>
    void for_each_mzi(const Body& body) const {
        if (backward)
            for (index_t i = mesh.mzis - 1; i >= 0; --i) body(index_t(mesh.order[i]));
        else
            for (index_t i = 0; i < mesh.mzis; ++i) body(index_t(mesh.order[i]));
    }

    template <int lanes>
    T* upper(T* tile, index_t k) const {
        return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]);
    }
    template <int lanes>
    T* lower(T* tile, index_t k) const {
        return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]);
    }

    template <int lanes>
    void rotate_outputs(T* tile) const {
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], sine[m]);
    }
};

}  // namespace retrolux::RETROLUX_ISA
