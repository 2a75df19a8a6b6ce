#pragma once

#include "kernels/parallel.h"
#include "kernels/tile.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Sums over a batch, the same bits for any number of threads. The tiles are cut into pieces, each with sums of its
/// own. Their number depends on the work alone, and they are added in their order.
class PartialSums {
public:
    /// Each piece has `sums` numbers. All pieces together take at most 1 MB and half of the memory of the light; but
    /// two tiles always make two pieces. Where there are fewer pieces than tiles, their number is a power of two:
    /// threads then have equal shares.
    PartialSums(index_t tiles, index_t sums, index_t light_bytes)
        : tiles_(tiles), sums_(sums), pieces_(pieces(tiles, sums, light_bytes)), partial_(pieces_ * sums) {}

    /// Calls body(tile, sums of its piece, worker) for every tile, on at most `workers` threads.
    template <class Body>
    void add_up(int workers, const Body& body) {
        in_parallel_for_light(workers, [&](int worker) {
            for (index_t p = share(pieces_, workers, worker); p < share(pieces_, workers, worker + 1); ++p) {
                double* mine = partial_.data() + p * sums_;
                for (index_t i = 0; i < sums_; ++i) mine[i] = 0;
                for (index_t t = tiles_ * p / pieces_; t < tiles_ * (p + 1) / pieces_; ++t) body(t, mine, worker);
            }
        });
        for (index_t p = 1; p < pieces_; ++p)
            for (index_t i = 0; i < sums_; ++i) partial_.data()[i] += partial_.data()[p * sums_ + i];
    }

    /// Number of pieces, at least one: no more threads than that have work.
    index_t count() const { return pieces_; }
    /// The sums over the whole batch, once they are added up.
    const double* total() const { return partial_.data(); }

private:
    static index_t pieces(index_t tiles, index_t sums, index_t light_bytes) {
        const index_t budget = (1 << 20) + light_bytes / 2;
        const index_t most = budget / (sums * static_cast<index_t>(sizeof(double)));
        index_t count = 2;
        while (2 * count <= most && count < 64) count *= 2;
        count = tiles < count ? tiles : count;
        return count < 1 ? 1 : count;
    }

    index_t tiles_, sums_, pieces_;
    Scratch<double> partial_;
};

}  // namespace retrolux::RETROLUX_ISA
