#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/partial_sums.h"
#include "kernels/passes.h"
#include "kernels/replay.h"
#include "kernels/reversal.h"
#include "kernels/rotations.h"
#include "kernels/sensitivity.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

// docs/physics/adjoint.md derives this pass and the gradients that it gives.

/// The MZIs of an ideal mesh.
template <class T>
struct Ideal {
    const Rotation<T>* mzis;
    static constexpr int sums_per_mzi = 2;  ///< see step_back

    template <int lanes>
    void back(index_t k, T* a, T* b, T* ga, T* gb, double* sums) const {
        step_back<T, lanes>(mzis[k], a, b, ga, gb, sums);
    }
};

/// MZIs with coupler errors or losses.
template <class T>
struct Imperfect {
    const Crossing<T>* inverses;   ///< T^-1 of each MZI, for the light
    const Crossing<T>* daggers;    ///< T† of each MZI, for its gradient; the same array where nothing is lost
    const ThetaWeights<T>* theta;  ///< how dL/dtheta follows from light and gradient
    /// 2 (theta, phi) or 8 (products of gradient and light, from which all gradients follow).
    int sums_per_mzi;

    template <int lanes>
    void back(index_t k, T* a, T* b, T* ga, T* gb, double* sums) const {
        if (sums_per_mzi == 2) {
            step_back<T, lanes>(inverses[k], daggers[k], theta[k], a, b, ga, gb, sums);
            return;
        }
        cross<T, lanes>(inverses[k], a, b);
        add_products<T, lanes>(a, b, ga, gb, sums);
        cross<T, lanes>(daggers[k], ga, gb);
    }
};

/// One adjoint pass over a batch, tile by tile.
template <class T, class Mzis>
struct AdjointPass {
    const Mesh<T>& mesh;
    Light<const T> y;
    const T* grad_y;
    T* grad_x;
    bool from_identity;  ///< whether y is the output of the identity, a row for each mode
    Mzis mzis;
    const T* cosine;
    const T* sine;

    template <int lanes>
    void sweep(index_t first, int count, T* tile, double* sums, double* gamma_sums) const {
        const index_t modes = mesh.modes;
        T* const grad = tile + 2 * modes * lanes;
        pack<T, lanes>(y.data + 2 * first * modes, count, modes, tile);
        pack<T, lanes>(grad_y + 2 * first * modes, count, modes, grad);
        for (index_t m = 0; m < modes; ++m) {
            T* light = tile + 2 * lanes * m;
            T* gradient = grad + 2 * lanes * m;
            gamma_sums[m] -= imaginary_product<T, lanes>(light, gradient);
            rotate<T, lanes>(light, cosine[m], -sine[m]);
            rotate<T, lanes>(gradient, cosine[m], -sine[m]);
        }
        for (index_t i = mesh.mzis - 1; i >= 0; --i) {
            const index_t k = mesh.order[i];
            if (from_identity && stays_dark(mesh, k, first, count)) continue;
            const index_t a = 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]);
            const index_t b = 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]);
            mzis.template back<lanes>(k, tile + a, tile + b, grad + a, grad + b, sums + mzis.sums_per_mzi * k);
        }
        if (grad_x) unpack<T, lanes>(grad, count, modes, grad_x + 2 * first * modes);
    }
};

/// Sends light and gradient back; calls finish(sums of all MZIs) and leaves the gradient of gamma.
template <class T, class Mzis, class Finish>
void run(const AdjointPass<T, Mzis>& pass, T* grad_gamma, int threads, const Finish& finish) {
    const Mesh<T>& mesh = pass.mesh;
    const Tiling<T> tiling(pass.y.batch);
    const index_t sums_of_mzis = pass.mzis.sums_per_mzi * mesh.mzis;
    const index_t light_bytes = pass.y.batch * mesh.modes * static_cast<index_t>(2 * sizeof(T));
    PartialSums sums(tiling.tiles, sums_of_mzis + mesh.modes, light_bytes);
    const int workers =
        useful_workers(threads, sums.count(),
                       operations::adjoint * static_cast<double>(mesh.mzis) * static_cast<double>(pass.y.batch));
    const index_t tile_size = 4 * mesh.modes * wide<T>;
    const Scratch<T> tiles(tile_size * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        T* tile = tiles.data() + tile_size * worker;
        tiling.with_lanes(t, [&](auto lanes) {
            pass.template sweep<lanes.value>(tiling.first(t), tiling.count(t), tile, piece, piece + sums_of_mzis);
        });
    });
    for (index_t m = 0; m < mesh.modes; ++m) grad_gamma[m] = static_cast<T>(sums.total()[sums_of_mzis + m]);
    finish(sums.total());
}

/// The gradients of an ideal mesh from the sums of step_back. `products` holds the sum of Im(conj(g) y) for each mode.
/// Gamma's gradient gives it at the outputs. An MZI keeps the sum over its two modes: docs/physics/adjoint.md.
template <class T>
void gradients_from_rotations(const Mesh<T>& mesh, const double* sums, const T* slopes, const Gradients<T>& gradients) {
    const Scratch<double> products(mesh.modes);
    for (index_t m = 0; m < mesh.modes; ++m) products.data()[m] = -sums[2 * mesh.mzis + m];
    for (index_t k = mesh.mzis - 1; k >= 0; --k) {
        double& upper = products.data()[mesh.pairs[2 * k]];
        double& lower = products.data()[mesh.pairs[2 * k + 1]];
        const double both = upper + lower;
        upper = sums[2 * k + 1];
        lower = both - upper;
        gradients.theta[k] = static_cast<T>(static_cast<double>(slopes[k]) * sums[2 * k] - 0.5 * both);
        gradients.phi[k] = static_cast<T>(-upper);
    }
}

}  // namespace

template <class T>
void adjoint(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, const T* x, T* grad_x,
             const Gradients<T>& gradients, int threads) {
    adjoint(mesh, y, grad_y, x, grad_x, false, gradients, threads);
}

template <class T>
void adjoint(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, const T* x, T* grad_x, bool from_identity,
             const Gradients<T>& gradients, int threads) {
    if (mesh.loss_db && !can_be_reversed(mesh)) {
        adjoint_by_replay(mesh, x, y, grad_y, grad_x, gradients, threads);
        return;
    }
    const Scratch<T> phases(2 * mesh.modes);
    T *cosine = phases.data(), *sine = cosine + mesh.modes;
    const bool sensitivity = gradients.coupler_error || gradients.loss_db;
    if (!mesh.coupler_error && !mesh.loss_db && !sensitivity) {
        const Scratch<Rotation<T>> rotations(mesh.mzis);
        const Scratch<T> slopes(mesh.mzis);
        find_rotations(mesh, {rotations.data(), slopes.data(), cosine, sine}, threads);
        run(AdjointPass<T, Ideal<T>>{mesh, y, grad_y, grad_x, from_identity, {rotations.data()}, cosine, sine},
            gradients.gamma, threads,
            [&](const double* sums) { gradients_from_rotations(mesh, sums, slopes.data(), gradients); });
        return;
    }
    const Scratch<Crossing<T>> daggers(mesh.mzis), inverses(mesh.loss_db ? mesh.mzis : 0);
    const Scratch<ThetaWeights<T>> theta(mesh.mzis);
    if (mesh.loss_db)
        inverse_matrices(mesh, daggers.data(), inverses.data(), threads);
    else
        reverse_matrices(mesh, daggers.data(), threads);
    theta_weights(mesh, theta.data());
    output_phases(mesh, cosine, sine);
    const Imperfect<T> mzis{mesh.loss_db ? inverses.data() : daggers.data(), daggers.data(), theta.data(),
                            sensitivity ? 8 : 2};
    run(AdjointPass<T, Imperfect<T>>{mesh, y, grad_y, grad_x, from_identity, mzis, cosine, sine}, gradients.gamma,
        threads, [&](const double* sums) {
            if (sensitivity) {
                gradients_from_products(mesh, sums, gradients);
                return;
            }
            for (index_t k = 0; k < mesh.mzis; ++k) {
                gradients.theta[k] = static_cast<T>(sums[2 * k]);
                gradients.phi[k] = static_cast<T>(sums[2 * k + 1]);
            }
        });
}

template void adjoint(const Mesh<float>&, Light<const float>, const float*, const float*, float*,
                      const Gradients<float>&, int);
template void adjoint(const Mesh<double>&, Light<const double>, const double*, const double*, double*,
                      const Gradients<double>&, int);
template void adjoint(const Mesh<float>&, Light<const float>, const float*, const float*, float*, bool,
                      const Gradients<float>&, int);
template void adjoint(const Mesh<double>&, Light<const double>, const double*, const double*, double*, bool,
                      const Gradients<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
