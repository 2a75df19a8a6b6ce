#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

constexpr double operations_per_mzi = 28;  // sixteen products, twelve sums

template <class T, int lanes, class Pass>
void through_tile(const Pass& pass, const T* rows, int count, index_t modes, T* tile, T* out) {
    pack<T, lanes>(rows, count, modes, tile);
    pass.template cross_all<lanes>(tile);
    unpack<T, lanes>(tile, count, modes, out);
}

/// Takes a batch through the tiles: pack, pass.cross_all, unpack; a share of the tiles on each thread.
template <class T, class Pass>
void through_tiles(const Mesh<T>& mesh, Light<const T> in, T* out, int threads, const Pass& pass) {
    const Tiling<T> tiling(in.batch);
    const int workers = useful_workers(
        threads, tiling.tiles, operations_per_mzi * static_cast<double>(mesh.mzis) * static_cast<double>(in.batch));
    const index_t tile_size = 2 * mesh.modes * wide<T>;
    const Scratch<T> scratch(tile_size * workers);
    in_parallel(workers, [&](int worker) {
        T* tile = scratch.data() + tile_size * worker;
        for (index_t t = share(tiling.tiles, workers, worker); t < share(tiling.tiles, workers, worker + 1); ++t) {
            const index_t offset = 2 * tiling.first(t) * mesh.modes;
            const int count = tiling.count(t);
            const int lanes = tiling.lanes(t);
            if (lanes == wide<T>)
                through_tile<T, wide<T>>(pass, in.data + offset, count, mesh.modes, tile, out + offset);
            else if (lanes == medium<T>)
                through_tile<T, medium<T>>(pass, in.data + offset, count, mesh.modes, tile, out + offset);
            else
                through_tile<T, narrow<T>>(pass, in.data + offset, count, mesh.modes, tile, out + offset);
        }
    });
}

template <class T>
struct ForwardPass {
    const Mesh<T>& mesh;
    const Crossing<T>* crossings;
    const T* cosine;
    const T* sine;

    template <int lanes>
    void cross_all(T* tile) const {
        for (index_t k = 0; k < mesh.mzis; ++k)
            cross<T, lanes>(crossings[k], tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]),
                            tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]));
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], sine[m]);
    }
};

template <class T>
struct ReversePass {
    const Mesh<T>& mesh;
    const Crossing<T>* crossings;
    const T* cosine;
    const T* sine;

    template <int lanes>
    void cross_all(T* tile) const {
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], -sine[m]);
        for (index_t k = mesh.mzis - 1; k >= 0; --k)
            cross<T, lanes>(crossings[k], tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k]),
                            tile + 2 * lanes * static_cast<index_t>(mesh.pairs[2 * k + 1]));
    }
};

}  // namespace

template <class T>
void forward(const Mesh<T>& mesh, Light<const T> x, T* y, int threads) {
    const Scratch<Crossing<T>> crossings(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    forward_matrices(mesh, crossings.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    through_tiles(mesh, x, y, threads,
                  ForwardPass<T>{mesh, crossings.data(), phases.data(), phases.data() + mesh.modes});
}

template <class T>
void reverse(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads) {
    const Scratch<Crossing<T>> crossings(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    reverse_matrices(mesh, crossings.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    through_tiles(mesh, grad_y, grad_x, threads,
                  ReversePass<T>{mesh, crossings.data(), phases.data(), phases.data() + mesh.modes});
}

template void forward(const Mesh<float>&, Light<const float>, float*, int);
template void forward(const Mesh<double>&, Light<const double>, double*, int);
template void reverse(const Mesh<float>&, Light<const float>, float*, int);
template void reverse(const Mesh<double>&, Light<const double>, double*, int);

}  // namespace retrolux::RETROLUX_ISA
