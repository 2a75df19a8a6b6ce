#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double operations_per_mzi = 28;  // sixteen products, twelve sums

/// One pass without taps: forward with the matrices T and e^{i gamma} at the end, or backward with T† and, at the
/// start, e^{-i gamma}.
template <class T>
struct LinearPass {
    const Mesh<T>& mesh;
    const Crossing<T>* crossings;
    const T* cosine;
    const T* sine;
    bool backward;

    template <int lanes>
    void sweep(const T* rows, int count, T* tile, T* out) const {
        pack<T, lanes>(rows, count, mesh.modes, tile);
        if (backward) {
            for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], -sine[m]);
            for (index_t k = mesh.mzis - 1; k >= 0; --k) cross_one<lanes>(k, tile);
        } else {
            for (index_t k = 0; k < mesh.mzis; ++k) cross_one<lanes>(k, tile);
            for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], sine[m]);
        }
        unpack<T, lanes>(tile, count, mesh.modes, out);
    }

    template <int lanes>
    void cross_one(index_t k, T* tile) const {
        cross<T, lanes>(crossings[k], tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]),
                        tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]));
    }
};

/// Takes a batch through the tiles, a share of them on each thread.
template <class T>
void run(const LinearPass<T>& pass, Light<const T> in, T* out, int threads) {
    const Tiling<T> tiling(in.batch);
    const index_t modes = pass.mesh.modes;
    const int workers =
        useful_workers(threads, tiling.tiles,
                       operations_per_mzi * static_cast<double>(pass.mesh.mzis) * static_cast<double>(in.batch));
    const index_t tile_size = 2 * modes * wide<T>;
    const Scratch<T> scratch(tile_size * workers);
    in_parallel(workers, [&](int worker) {
        T* tile = scratch.data() + tile_size * worker;
        for (index_t t = share(tiling.tiles, workers, worker); t < share(tiling.tiles, workers, worker + 1); ++t) {
            const index_t offset = 2 * tiling.first(t) * modes;
            const int count = tiling.count(t), lanes = tiling.lanes(t);
            if (lanes == wide<T>)
                pass.template sweep<wide<T>>(in.data + offset, count, tile, out + offset);
            else if (lanes == medium<T>)
                pass.template sweep<medium<T>>(in.data + offset, count, tile, out + offset);
            else
                pass.template sweep<narrow<T>>(in.data + offset, count, tile, out + offset);
        }
    });
}

}  // namespace

template <class T>
void forward(const Mesh<T>& mesh, Light<const T> x, T* y, int threads) {
    const Scratch<Crossing<T>> crossings(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    forward_matrices(mesh, crossings.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(LinearPass<T>{mesh, crossings.data(), phases.data(), phases.data() + mesh.modes, false}, x, y, threads);
}

template <class T>
void reverse(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads) {
    const Scratch<Crossing<T>> crossings(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    reverse_matrices(mesh, crossings.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(LinearPass<T>{mesh, crossings.data(), phases.data(), phases.data() + mesh.modes, true}, grad_y, grad_x,
        threads);
}

template void forward(const Mesh<float>&, Light<const float>, float*, int);
template void forward(const Mesh<double>&, Light<const double>, double*, int);
template void reverse(const Mesh<float>&, Light<const float>, float*, int);
template void reverse(const Mesh<double>&, Light<const double>, double*, int);

}  // namespace retrolux::RETROLUX_ISA
