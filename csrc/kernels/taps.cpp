#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/pieces.h"
#include "kernels/tile.h"

// Light on its way past the tap detectors, which sit right after each phase shifter. The fields at the taps follow from
// those at the ports: forward light meets phi first, so its tap sees the input; theta's tap sees the output through
// coupler 2. Backward light meets them in the other order.

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double operations_per_mzi = 28 + 22;  // the crossing; two powers, each weighted twice

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
#pragma omp simd reduction(+ : theta_sum, phi_sum, theta_second, phi_second)
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

/// One tapped pass: what it reads and writes.
template <class T>
struct TappedPass {
    const Mesh<T>& mesh;
    Light<const T> x;
    T* y;
    const Taps<T>& taps;
    const Tapped<T>* tapped;
    const T* cosine;
    const T* sine;
    bool backward;

    /// Takes one tile through; `tile` has room for it and, behind it, for two weights of each lane.
    template <int lanes>
    void sweep(index_t first, int count, T* tile, double* sums) const {
        pack<T, lanes>(x.data + 2 * first * mesh.modes, count, mesh.modes, tile);
        if (backward) rotate_outputs<lanes>(tile);
        if (taps.each)
            read_each<lanes>(first, count, tile);
        else if (backward)
            add_up<lanes, true>(first, count, tile, sums);
        else
            add_up<lanes, false>(first, count, tile, sums);
        if (!backward) rotate_outputs<lanes>(tile);
        if (y) unpack<T, lanes>(tile, count, mesh.modes, y + 2 * first * mesh.modes);
    }

    template <int lanes, bool back>
    void add_up(index_t first, int count, T* tile, double* sums) const {
        T* const weight = tile + 2 * mesh.modes * lanes;
        for (int l = 0; l < lanes; ++l) weight[l] = l < count ? taps.weight[first + l] : T(0);
        for (int l = 0; l < lanes; ++l) weight[lanes + l] = weight[l] * weight[l];
        for (index_t i = 0; i < mesh.mzis; ++i) {
            const index_t k = mesh.order[back ? mesh.mzis - 1 - i : i];
            cross_and_sum<T, lanes, back>(tapped[k], weight, port<lanes>(tile, 2 * k), port<lanes>(tile, 2 * k + 1),
                                          sums + 4 * k);
        }
    }

    template <int lanes>
    void read_each(index_t first, int count, T* tile) const {
        alignas(64) T theta[lanes], phi[lanes];
        for (index_t i = 0; i < mesh.mzis; ++i) {
            const index_t k = mesh.order[backward ? mesh.mzis - 1 - i : i];
            T *a = port<lanes>(tile, 2 * k), *b = port<lanes>(tile, 2 * k + 1);
            if (backward)
                cross_backward<T, lanes>(tapped[k], a, b, theta, phi);
            else
                cross_forward<T, lanes>(tapped[k], a, b, theta, phi);
            for (int l = 0; l < count; ++l) {
                T* reading = taps.each + 2 * ((first + l) * mesh.mzis + k);
                reading[0] = theta[l];
                reading[1] = phi[l];
            }
        }
    }

    template <int lanes>
    T* port(T* tile, index_t end) const {
        return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[end]);
    }

    template <int lanes>
    void rotate_outputs(T* tile) const {
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], sine[m]);
    }
};

template <class T>
void run(const TappedPass<T>& pass, int threads) {
    const Tiling<T> tiling(pass.x.batch);
    const index_t light_bytes = pass.x.batch * pass.mesh.modes * static_cast<index_t>(2 * sizeof(T));
    PiecewiseSums sums(tiling.tiles, pass.taps.each ? 1 : 4 * pass.mesh.mzis + 1, light_bytes);
    const int workers =
        useful_workers(threads, sums.count(),
                       operations_per_mzi * static_cast<double>(pass.mesh.mzis) * static_cast<double>(pass.x.batch));
    const index_t tile_size = (2 * pass.mesh.modes + 2) * wide<T>;
    const Scratch<T> tiles(tile_size * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        T* tile = tiles.data() + tile_size * worker;
        tiling.with_lanes(
            t, [&](auto lanes) { pass.template sweep<lanes.value>(tiling.first(t), tiling.count(t), tile, piece); });
    });
    if (pass.taps.each) return;
    for (index_t k = 0; k < pass.mesh.mzis; ++k) {
        const double* mzi = sums.total() + 4 * k;
        for (int tap = 0; tap < 2; ++tap) {
            pass.taps.sum[2 * k + tap] = static_cast<T>(mzi[tap]);
            pass.taps.second[2 * k + tap] = static_cast<T>(mzi[2 + tap]);
        }
    }
}

}  // namespace

template <class T>
void forward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    const Scratch<Tapped<T>> tapped(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    forward_tapped(mesh, tapped.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(TappedPass<T>{mesh, x, y, taps, tapped.data(), phases.data(), phases.data() + mesh.modes, false}, threads);
}

template <class T>
void backward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    const Scratch<Tapped<T>> tapped(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    backward_tapped(mesh, tapped.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(TappedPass<T>{mesh, x, y, taps, tapped.data(), phases.data(), phases.data() + mesh.modes, true}, threads);
}

template void forward_taps(const Mesh<float>&, Light<const float>, float*, const Taps<float>&, int);
template void forward_taps(const Mesh<double>&, Light<const double>, double*, const Taps<double>&, int);
template void backward_taps(const Mesh<float>&, Light<const float>, float*, const Taps<float>&, int);
template void backward_taps(const Mesh<double>&, Light<const double>, double*, const Taps<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
