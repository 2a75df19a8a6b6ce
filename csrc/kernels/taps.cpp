#include "kernels/coefficients.h"
#include "kernels/covariance.h"
#include "kernels/dense.h"
#include "kernels/parallel.h"
#include "kernels/partial_sums.h"
#include "kernels/passes.h"
#include "kernels/tapped.h"
#include "kernels/tile.h"

// Light passes the taps sample by sample. Where only sums over a large batch are wanted, a few samples with the same
// sums do (covariance.h), and the output comes by the mesh's matrix: docs/physics/taps.md.

namespace retrolux::RETROLUX_ISA {

namespace {

/// Calls body(first sample, samples, lanes) for a tile of a batch.
template <class T, class Body>
void with_lanes(const Tiling<T>& tiling, index_t t, const Body& body) {
    tiling.with_lanes(t, [&](auto lanes) { body(tiling.first(t), tiling.count(t), lanes); });
}

double work(double per_mzi, index_t mzis, index_t samples) {
    return per_mzi * static_cast<double>(mzis) * static_cast<double>(samples);
}

/// Calls body(first sample, samples, lanes, room) for every tile, on as many threads as
/// `per_mzi` operations of every MZI on every sample are worth.
template <class T, class Body>
void for_each_tile(const Mesh<T>& mesh, index_t batch, double per_mzi, int threads, const Body& body) {
    const Tiling<T> tiling(batch);
    const index_t tile_size = 2 * mesh.modes * wide<T>;
    const int workers = useful_workers(threads, tiling.tiles, work(per_mzi, mesh.mzis, batch));
    const Scratch<T> tiles(tile_size * workers);
    in_parallel_for_light(workers, [&](int worker) {
        T* const tile = tiles.data() + tile_size * worker;
        for (index_t t = share(tiling.tiles, workers, worker); t < share(tiling.tiles, workers, worker + 1); ++t)
            with_lanes(tiling, t, [&](index_t first, int count, auto lanes) { body(first, count, lanes, tile); });
    });
}

/// The output alone, through the MZIs.
template <class T>
void send(const TappedPass<T>& pass, Light<const T> x, T* y, int threads) {
    for_each_tile<T>(pass.mesh, x.batch, operations::crossing, threads,
                     [&](index_t first, int count, auto lanes, T* room) {
                         constexpr int n = decltype(lanes)::value;
                         const index_t at = 2 * first * pass.mesh.modes;
                         pass.template sweep<n>(x.data + at, count, room, y + at,
                                                [&](T* tile) { pass.template cross_all<n>(tile); });
                     });
}

/// The output alone, by the mesh's matrix where that is cheaper.
template <class T>
void output(const TappedPass<T>& pass, Light<const T> x, T* y, int threads) {
    const index_t modes = pass.mesh.modes, mzis = pass.mesh.mzis;
    const double entries = static_cast<double>(modes * modes);
    const double by_matrix =
        work(operations::crossing, mzis, modes) + costs::product * entries * static_cast<double>(x.batch);
    if (work(operations::crossing, mzis, x.batch) <= by_matrix) {
        send(pass, x, y, threads);
        return;
    }
    const index_t size = 2 * modes * modes;
    const Scratch<T> identity(2 * size);
    T* const matrix = identity.data() + size;
    for (index_t i = 0; i < size; ++i) identity.data()[i] = 0;
    for (index_t m = 0; m < modes; ++m) identity.data()[2 * m * (modes + 1)] = 1;
    send(pass, {identity.data(), modes}, matrix, threads);
    multiply_light(x, modes, matrix, y, threads);
}

/// The taps of every sample.
template <class T>
void read_each(const TappedPass<T>& pass, Light<const T> x, T* y, T* each, int threads) {
    for_each_tile<T>(pass.mesh, x.batch, operations::counted, threads,
                     [&](index_t first, int count, auto lanes, T* room) {
                         constexpr int n = decltype(lanes)::value;
                         const index_t at = 2 * first * pass.mesh.modes;
                         pass.template sweep<n>(x.data + at, count, room, y ? y + at : nullptr, [&](T* tile) {
                             pass.template read_each<n>(tile, count, each + 2 * first * pass.mesh.mzis);
                         });
                     });
}

template <class T>
void write_sums(const double* sums, index_t mzis, const Taps<T>& taps) {
    for (index_t k = 0; k < mzis; ++k)
        for (int tap = 0; tap < 2; ++tap) {
            taps.sum[2 * k + tap] = static_cast<T>(sums[4 * k + tap]);
            if (taps.second) taps.second[2 * k + tap] = static_cast<T>(sums[4 * k + 2 + tap]);
        }
}

/// The sums over the batch, sample by sample.
template <class T>
void add_up(const TappedPass<T>& pass, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    const Tiling<T> tiling(x.batch);
    const index_t modes = pass.mesh.modes, mzis = pass.mesh.mzis, tile_size = (2 * modes + 2) * wide<T>;
    PartialSums sums(tiling.tiles, 4 * mzis + 1, x.batch * modes * static_cast<index_t>(2 * sizeof(T)));
    const int workers = useful_workers(threads, sums.count(), work(operations::tapped, mzis, x.batch));
    const Scratch<T> tiles(tile_size * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        with_lanes(tiling, t, [&](index_t first, int count, auto lanes) {
            constexpr int n = decltype(lanes)::value;
            T* const weight = tiles.data() + tile_size * worker + 2 * modes * n;
            for (int l = 0; l < n; ++l) weight[l] = l < count ? taps.weight[first + l] : T(0);
            for (int l = 0; l < n; ++l) weight[n + l] = weight[l] * weight[l];
            const index_t at = 2 * first * modes;
            pass.template sweep<n>(x.data + at, count, tiles.data() + tile_size * worker, y ? y + at : nullptr,
                                   [&](T* tile) { pass.template add_weighted<n>(tile, weight, piece); });
        });
    });
    write_sums(sums.total(), mzis, taps);
}

/// The sums over the batch, by equivalent light.
template <class T>
void add_up_equivalent(const TappedPass<T>& pass, Light<const T> x, const Taps<T>& taps, int threads) {
    const index_t modes = pass.mesh.modes, mzis = pass.mesh.mzis, tile_size = 2 * modes * wide<T>;
    const int sets = taps.second ? 2 : 1;
    const Scratch<T> samples(2 * modes * modes * sets);
    equivalent_light(x, modes, taps.weight, sets == 2, samples.data(), threads);
    Tiling<T> tiling(modes);
    if (sets == 2 && modes > medium<T> && modes <= wide<T>) {  // a wide tile for each set, on two threads
        tiling.wide_tiles = tiling.tiles = 1;
        tiling.medium_tiles = 0;
    }
    PartialSums sums(sets * tiling.tiles, 4 * mzis + 1, 2 * index_t(sizeof(T)) * sets * modes * modes);
    const int workers = useful_workers(threads, sums.count(), work(operations::counted, mzis, sets * modes));
    const Scratch<T> tiles(tile_size * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        const index_t set = t / tiling.tiles;
        with_lanes(tiling, t - set * tiling.tiles, [&](index_t first, int count, auto lanes) {
            constexpr int n = decltype(lanes)::value;
            pass.template sweep<n>(samples.data() + 2 * modes * (set * modes + first), count,
                                   tiles.data() + tile_size * worker, nullptr,
                                   [&](T* tile) { pass.template add_powers<n>(tile, piece + 2 * set); });
        });
    });
    write_sums(sums.total(), mzis, taps);
}

/// Whether equivalent light costs less than the batch itself, the output included where it is wanted.
template <class T>
bool has_equivalent(const Mesh<T>& mesh, index_t batch, bool with_output, bool both) {
    const double samples = static_cast<double>(batch), n = static_cast<double>(mesh.modes), sets = both ? 2 : 1;
    const double by_mesh = work(operations::crossing, mesh.mzis, batch);
    const double by_matrix = work(operations::crossing, mesh.mzis, mesh.modes) + costs::product * n * n * samples;
    const double apart = with_output ? (by_mesh < by_matrix ? by_mesh : by_matrix) : 0;
    const double equivalent = sets * (work(operations::counted, mesh.mzis, mesh.modes) +
                                      n * n * (costs::covariance / 2 * samples + costs::cholesky / 2 * n));
    return equivalent + apart < work(operations::tapped, mesh.mzis, batch);
}

template <class T>
void run(const TappedPass<T>& pass, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    if (taps.each) {
        read_each(pass, x, y, taps.each, threads);
    } else if (!taps.sum) {
        if (y) output(pass, x, y, threads);
    } else if (has_equivalent(pass.mesh, x.batch, y != nullptr, taps.second != nullptr)) {
        add_up_equivalent(pass, x, taps, threads);
        if (y) output(pass, x, y, threads);
    } else {
        add_up(pass, x, y, taps, threads);
    }
}

}  // namespace

template <class T>
void forward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    const Scratch<Tapped<T>> tapped(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    forward_tapped(mesh, tapped.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(TappedPass<T>{mesh, tapped.data(), phases.data(), phases.data() + mesh.modes, false}, x, y, taps, threads);
}

template <class T>
void backward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads) {
    const Scratch<Tapped<T>> tapped(mesh.mzis);
    const Scratch<T> phases(2 * mesh.modes);
    backward_tapped(mesh, tapped.data(), threads);
    output_phases(mesh, phases.data(), phases.data() + mesh.modes);
    run(TappedPass<T>{mesh, tapped.data(), phases.data(), phases.data() + mesh.modes, true}, x, y, taps, threads);
}

template void forward_taps(const Mesh<float>&, Light<const float>, float*, const Taps<float>&, int);
template void forward_taps(const Mesh<double>&, Light<const double>, double*, const Taps<double>&, int);
template void backward_taps(const Mesh<float>&, Light<const float>, float*, const Taps<float>&, int);
template void backward_taps(const Mesh<double>&, Light<const double>, double*, const Taps<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
