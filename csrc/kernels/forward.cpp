#include <type_traits>

#include "kernels/chain.h"
#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/passes.h"
#include "kernels/rotations.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// Light crosses the inverse of an MZI, of which a matrix is given for just that.
template <class T, int lanes>
inline void cross_back(const Crossing<T>& dagger, T* __restrict a, T* __restrict b) {
    cross<T, lanes>(dagger, a, b);
}

/// One pass without taps: forward, with e^{i gamma} at the end, or backward with e^{-i gamma} at the start. An MZI is a
/// Rotation, or a Crossing: T forward, T† backward.
template <class T, class Mzi>
struct LinearPass {
    const Mesh<T>& mesh;
    Light<const T> in;
    T* out;
    const Mzi* mzis;
    const T* cosine;
    const T* sine;

    template <int lanes>
    void forward(index_t first, int count, T* tile) const {
        if (in.data)
            pack<T, lanes>(in.data + 2 * first * mesh.modes, count, mesh.modes, tile);
        else
            pack_identity<T, lanes>(first, count, mesh.modes, tile);
        cross_all<lanes>(first, count, tile);
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], sine[m]);
        unpack<T, lanes>(tile, count, mesh.modes, out + 2 * first * mesh.modes);
    }

    template <int lanes>
    void cross_all(index_t first, int count, T* tile) const {
        if constexpr (lanes == wide<T> && has_chains && std::is_same_v<Mzi, Rotation<T>>) {
            if (mesh.modes <= most_modes_of_chains) {
                cross_chains<lanes>(first, count, tile);
                return;
            }
        }
        cross_columns<lanes>(first, count, tile);
    }

    template <int lanes>
    void cross_columns(index_t first, int count, T* tile) const {
        for (index_t i = 0; i < mesh.mzis; ++i) {
            const index_t k = mesh.order[i];
            if (stays_dark(k, first, count)) continue;
            cross<T, lanes>(mzis[k], port<lanes>(tile, 2 * k), port<lanes>(tile, 2 * k + 1));
        }
    }

    template <int lanes>
    void cross_chains(index_t first, int count, T* tile) const {
        const std::int32_t *pairs = mesh.pairs, *chains = mesh.chains;
        for (index_t i = 0; i < mesh.mzis;) {
            if (stays_dark(chains[i], first, count)) {
                ++i;
                continue;
            }
            index_t end = i + 1;
            while (end < mesh.mzis && pairs[2 * index_t(chains[end]) + 1] == pairs[2 * index_t(chains[end - 1])] &&
                   !stays_dark(chains[end], first, count))
                ++end;
            cross_chain<T, lanes>(mesh, mzis, chains + i, end - i, tile);
            i = end;
        }
    }

    bool stays_dark(index_t mzi, index_t first, int count) const {
        return !in.data && RETROLUX_ISA::stays_dark(mesh, mzi, first, count);
    }

    template <int lanes>
    void backward(index_t first, int count, T* tile) const {
        pack<T, lanes>(in.data + 2 * first * mesh.modes, count, mesh.modes, tile);
        for (index_t m = 0; m < mesh.modes; ++m) rotate<T, lanes>(tile + 2 * lanes * m, cosine[m], -sine[m]);
        for (index_t i = mesh.mzis - 1; i >= 0; --i) {
            const index_t k = mesh.order[i];
            cross_back<T, lanes>(mzis[k], port<lanes>(tile, 2 * k), port<lanes>(tile, 2 * k + 1));
        }
        unpack<T, lanes>(tile, count, mesh.modes, out + 2 * first * mesh.modes);
    }

    template <int lanes>
    T* port(T* tile, index_t end) const {
        return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[end]);
    }
};

/// Takes a batch through the tiles, a share of them on each thread.
template <class T, class Mzi>
void run(const LinearPass<T, Mzi>& pass, bool backward, int threads) {
    // What a tile's width is makes no difference to a sample.
    const Tiling<T> tiling(pass.in.batch, threads == 1);
    const int workers =
        useful_workers(threads, tiling.tiles,
                       operations::crossing * static_cast<double>(pass.mesh.mzis) * static_cast<double>(pass.in.batch));
    const index_t tile_size = 2 * pass.mesh.modes * wide<T>;
    const Scratch<T> scratch(tile_size * workers);
    in_parallel_for_light(workers, [&](int worker) {
        T* tile = scratch.data() + tile_size * worker;
        for (index_t t = share(tiling.tiles, workers, worker); t < share(tiling.tiles, workers, worker + 1); ++t) {
            tiling.with_lanes(t, [&](auto lanes) {
                if (backward)
                    pass.template backward<lanes.value>(tiling.first(t), tiling.count(t), tile);
                else
                    pass.template forward<lanes.value>(tiling.first(t), tiling.count(t), tile);
            });
        }
    });
}

template <class T>
void pass_light(const Mesh<T>& mesh, Light<const T> in, T* out, bool backward, int threads) {
    const Scratch<T> phases(2 * mesh.modes);
    T *cosine = phases.data(), *sine = cosine + mesh.modes;
    if (!mesh.coupler_error && !mesh.loss_db) {
        const Scratch<Rotation<T>> rotations(mesh.mzis);
        find_rotations(mesh, {rotations.data(), nullptr, cosine, sine}, threads);
        run(LinearPass<T, Rotation<T>>{mesh, in, out, rotations.data(), cosine, sine}, backward, threads);
        return;
    }
    const Scratch<Crossing<T>> crossings(mesh.mzis);
    output_phases(mesh, cosine, sine);
    if (backward)
        reverse_matrices(mesh, crossings.data(), threads);
    else
        forward_matrices(mesh, crossings.data(), threads);
    run(LinearPass<T, Crossing<T>>{mesh, in, out, crossings.data(), cosine, sine}, backward, threads);
}

}  // namespace

template <class T>
void forward(const Mesh<T>& mesh, Light<const T> x, T* y, int threads) {
    pass_light(mesh, x, y, false, threads);
}

template <class T>
void reverse(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads) {
    pass_light(mesh, grad_y, grad_x, true, threads);
}

template void forward(const Mesh<float>&, Light<const float>, float*, int);
template void forward(const Mesh<double>&, Light<const double>, double*, int);
template void reverse(const Mesh<float>&, Light<const float>, float*, int);
template void reverse(const Mesh<double>&, Light<const double>, double*, int);

}  // namespace retrolux::RETROLUX_ISA
