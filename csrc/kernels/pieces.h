#pragma once

#include "kernels/parallel.h"
#include "kernels/tile.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Sums over a batch that come out the same for any number of threads. The tiles are dealt to pieces, each with sums of
/// its own; how many depends on the work alone. The pieces are added in their order, whoever computed them.
class PiecewiseSums {
public:
    PiecewiseSums(index_t tiles, index_t sums)
        : tiles_(tiles), sums_(sums), pieces_(pieces(tiles, sums)), partial_((pieces_ + 1) * sums) {}

    /// Calls body(tile, sums of its piece, worker) for every tile, on at most `workers` threads.
    template <class Body>
    void add_up(int workers, const Body& body) {
        in_parallel(workers, [&](int worker) {
            for (index_t p = share(pieces_, workers, worker); p < share(pieces_, workers, worker + 1); ++p) {
                double* mine = partial_.data() + p * sums_;
                for (index_t i = 0; i < sums_; ++i) mine[i] = 0;
                for (index_t t = tiles_ * p / pieces_; t < tiles_ * (p + 1) / pieces_; ++t) body(t, mine, worker);
            }
        });
        double* total = partial_.data() + pieces_ * sums_;
        for (index_t i = 0; i < sums_; ++i) total[i] = 0;
        for (index_t p = 0; p < pieces_; ++p)
            for (index_t i = 0; i < sums_; ++i) total[i] += partial_.data()[p * sums_ + i];
    }

    index_t count() const { return pieces_; }
    const double* total() const { return partial_.data() + pieces_ * sums_; }

private:
    /// Enough pieces for many threads where meshes are small, few where the sums would fill memory.
    static index_t pieces(index_t tiles, index_t sums) {
        constexpr index_t budget = 3 << 20;  // bytes
        index_t most = budget / (sums * static_cast<index_t>(sizeof(double)));
        most = most < 4 ? 4 : most > 64 ? 64 : most;
        return tiles < most ? tiles : most;
    }

    index_t tiles_, sums_, pieces_;
    Scratch<double> partial_;
};

}  // namespace retrolux::RETROLUX_ISA
