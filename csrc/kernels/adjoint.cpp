#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/pieces.h"
#include "kernels/sensitivity.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double operations_per_mzi = 78;  // two crossings (56), the sums for theta (18) and phi (4)

/// One adjoint pass: what it reads, writes and adds up.
template <class T>
struct AdjointPass {
    const Mesh<T>& mesh;
    Light<const T> y;
    const T* grad_y;
    T* x;
    T* grad_x;
    const Crossing<T>* inverses;   ///< T^-1 of each MZI, for the light
    const Crossing<T>* daggers;    ///< T† of each MZI, for its gradient; the same array where nothing is lost
    const ThetaWeights<T>* theta;  ///< how dL/dtheta follows from light and gradient
    const T* cosine;
    const T* sine;
    /// Sums kept for each MZI: 2 (theta, phi) or 8 (products at its output, from which all gradients follow).
    int sums_per_mzi;

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
        double unused[2] = {0, 0};
        for (index_t k = mesh.mzis - 1; k >= 0; --k) {
            const index_t a = 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]);
            const index_t b = 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]);
            double* mzi_sums = sums + sums_per_mzi * k;
            if (sums_per_mzi == 8) {
                add_products<T, lanes>(tile + a, tile + b, grad + a, grad + b, mzi_sums);
                mzi_sums = unused;
            }
            step_back<T, lanes>(inverses[k], daggers[k], theta[k], tile + a, tile + b, grad + a, grad + b, mzi_sums);
        }
        if (x) unpack<T, lanes>(tile, count, modes, x + 2 * first * modes);
        if (grad_x) unpack<T, lanes>(grad, count, modes, grad_x + 2 * first * modes);
    }
};

}  // namespace

template <class T>
void adjoint(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, T* x, T* grad_x, const Gradients<T>& gradients,
             int threads) {
    const bool sensitivity = gradients.coupler_error || gradients.loss_db;
    const int sums_per_mzi = sensitivity ? 8 : 2;
    const Scratch<Crossing<T>> daggers(mesh.mzis);
    const Scratch<Crossing<T>> inverses(mesh.loss_db ? mesh.mzis : 0);
    const Scratch<ThetaWeights<T>> theta(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    reverse_matrices(mesh, daggers.data(), threads);
    if (mesh.loss_db) inverse_matrices(mesh, inverses.data(), threads);
    theta_weights(mesh, theta.data());
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    const AdjointPass<T> pass{mesh,           y,
                              grad_y,         x,
                              grad_x,         mesh.loss_db ? inverses.data() : daggers.data(),
                              daggers.data(), theta.data(),
                              phases.data(),  phases.data() + mesh.modes,
                              sums_per_mzi};

    const Tiling<T> tiling(y.batch);
    const index_t light_bytes = y.batch * mesh.modes * static_cast<index_t>(2 * sizeof(T));
    PiecewiseSums sums(tiling.tiles, sums_per_mzi * mesh.mzis + mesh.modes, light_bytes);
    const int workers = useful_workers(
        threads, sums.count(), operations_per_mzi * static_cast<double>(mesh.mzis) * static_cast<double>(y.batch));
    const index_t tile_size = 4 * mesh.modes * wide<T>;
    const Scratch<T> tiles(tile_size * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        T* tile = tiles.data() + tile_size * worker;
        double* gamma_piece = piece + sums_per_mzi * mesh.mzis;
        const index_t first = tiling.first(t);
        const int count = tiling.count(t), lanes = tiling.lanes(t);
        if (lanes == wide<T>)
            pass.template sweep<wide<T>>(first, count, tile, piece, gamma_piece);
        else if (lanes == medium<T>)
            pass.template sweep<medium<T>>(first, count, tile, piece, gamma_piece);
        else
            pass.template sweep<narrow<T>>(first, count, tile, piece, gamma_piece);
    });
    if (sensitivity) {
        gradients_from_products(mesh, sums.total(), gradients);
    } else {
        for (index_t k = 0; k < mesh.mzis; ++k) {
            gradients.theta[k] = static_cast<T>(sums.total()[2 * k]);
            gradients.phi[k] = static_cast<T>(sums.total()[2 * k + 1]);
        }
    }
    for (index_t m = 0; m < mesh.modes; ++m)
        gradients.gamma[m] = static_cast<T>(sums.total()[sums_per_mzi * mesh.mzis + m]);
}

template void adjoint(const Mesh<float>&, Light<const float>, const float*, float*, float*, const Gradients<float>&,
                      int);
template void adjoint(const Mesh<double>&, Light<const double>, const double*, double*, double*,
                      const Gradients<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
