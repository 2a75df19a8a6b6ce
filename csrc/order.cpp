#include "order.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

namespace retrolux {

void find_orders(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* order, std::int32_t* chains) {
    // A wide tile of light and gradient takes 32 KB per band. So does one of light alone, with the modes by which a
    // band slides in the columns of a chain.
    constexpr index_t band = 32, columns_of_chain = 16;
    const auto size = static_cast<std::size_t>(mzis);
    std::vector<index_t> depth(static_cast<std::size_t>(modes), 0), newest(static_cast<std::size_t>(modes), 0);
    std::vector<std::int32_t> diagonal(size), column(size);
    for (std::int32_t* as_numbered : {order, chains}) std::iota(as_numbered, as_numbered + mzis, 0);
    for (std::size_t k = 0; k < size; ++k) {
        const auto a = static_cast<std::size_t>(pairs[2 * k]), b = static_cast<std::size_t>(pairs[2 * k + 1]);
        const index_t here = std::max(depth[a], depth[b]), mine = static_cast<index_t>(std::min(a, b)) + here;
        if (mine < std::max(newest[a], newest[b])) return;
        newest[a] = newest[b] = mine;
        depth[a] = depth[b] = here + 1;
        diagonal[k] = static_cast<std::int32_t>(mine);
        column[k] = static_cast<std::int32_t>(here);
    }
    const auto place = [&](std::int32_t mzi, bool chained) {
        const auto k = static_cast<std::size_t>(mzi);
        return std::make_tuple(diagonal[k] / band, chained ? column[k] / columns_of_chain : 0,
                               chained ? diagonal[k] : 0,
                               mzi);  // MZIs are numbered column by column
    };
    for (const bool chained : {false, true}) {
        std::int32_t* const sorted = chained ? chains : order;
        std::sort(sorted, sorted + mzis,
                  [&](std::int32_t i, std::int32_t j) { return place(i, chained) < place(j, chained); });
    }
}

void find_reach(index_t modes, index_t mzis, const std::int32_t* pairs, std::int32_t* reach) {
    std::vector<std::int32_t> first(static_cast<std::size_t>(modes));
    std::iota(first.begin(), first.end(), 0);
    std::vector<std::int32_t> last = first;
    for (std::size_t k = 0; k < static_cast<std::size_t>(mzis); ++k) {
        const auto a = static_cast<std::size_t>(pairs[2 * k]), b = static_cast<std::size_t>(pairs[2 * k + 1]);
        first[a] = first[b] = reach[2 * k] = std::min(first[a], first[b]);
        last[a] = last[b] = reach[2 * k + 1] = std::max(last[a], last[b]);
    }
}

}  // namespace retrolux
