#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <tuple>

#include "bindings/arrays.h"
#include "bindings/bindings.h"

namespace retrolux {

Layout::Layout(index_t modes, const RealArray<std::int32_t>& pairs) : modes_(modes), mzis_(0) {
    if (modes < 1 || modes > (1 << 24))
        throw std::invalid_argument("modes must be between 1 and 16777216, got " + std::to_string(modes));
    if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("pairs must have shape (mzis, 2)");
    mzis_ = pairs.shape(0);
    const std::int32_t* data = pairs.data();
    for (index_t k = 0; k < mzis_; ++k) {
        const std::int32_t a = data[2 * k], b = data[2 * k + 1];
        if (a < 0 || b < 0 || a >= modes || b >= modes || a == b)
            throw std::invalid_argument("MZI " + std::to_string(k) + " must join two of " + std::to_string(modes) +
                                        " modes, got " + std::to_string(a) + " and " + std::to_string(b));
    }
    pairs_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(2 * mzis_));
    std::copy(data, data + 2 * mzis_, pairs_.get());
    find_orders();
    find_reach();
}

/// Light in a band of modes that slides by one mode a column goes through all columns before the next band does, and
/// stays in the first-level cache meanwhile: a mode comes and goes once instead of once a column. Chains are the MZIs
/// of a band on one diagonal, through a few columns. Where modes that are not neighbours meet, bands may have to wait
/// for each other; then the MZIs stay as they are numbered.
void Layout::find_orders() {
    // With 64 samples of light and gradient a band takes 32 KB in single precision; so do a band and the modes by which
    // it slides in the columns of a chain, with light alone.
    constexpr index_t band = 32, columns_of_chain = 16;
    const auto size = static_cast<std::size_t>(mzis_);
    std::vector<index_t> depth(static_cast<std::size_t>(modes_), 0), newest(static_cast<std::size_t>(modes_), 0);
    std::vector<std::int32_t> diagonal(size), column(size);
    for (std::unique_ptr<std::int32_t[]>* order : {&order_, &chains_}) {
        *order = std::make_unique<std::int32_t[]>(size);
        std::iota(order->get(), order->get() + mzis_, 0);
    }
    for (std::size_t k = 0; k < size; ++k) {
        const auto a = static_cast<std::size_t>(pairs_[2 * k]), b = static_cast<std::size_t>(pairs_[2 * k + 1]);
        const index_t here = std::max(depth[a], depth[b]), mine = static_cast<index_t>(std::min(a, b)) + here;
        if (mine < std::max(newest[a], newest[b])) return;
        newest[a] = newest[b] = mine;
        depth[a] = depth[b] = here + 1;
        diagonal[k] = static_cast<std::int32_t>(mine);
        column[k] = static_cast<std::int32_t>(here);
    }
    const auto place = [&](std::int32_t mzi, bool chained) {
        const auto k = static_cast<std::size_t>(mzi);
        return std::make_tuple(
            diagonal[k] / band, chained ? column[k] / columns_of_chain : 0, chained ? diagonal[k] : 0,
            mzi);  // those of a column have neighbouring numbers, and those of a later one higher ones
    };
    for (const bool chained : {false, true}) {
        std::int32_t* const order = chained ? chains_.get() : order_.get();
        std::sort(order, order + mzis_,
                  [&](std::int32_t i, std::int32_t j) { return place(i, chained) < place(j, chained); });
    }
}

/// Modes between the first and the last of a reach need not all belong to it.
void Layout::find_reach() {
    std::vector<std::int32_t> first(static_cast<std::size_t>(modes_));
    std::iota(first.begin(), first.end(), 0);
    std::vector<std::int32_t> last = first;
    reach_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(2 * mzis_));
    for (std::size_t k = 0; k < static_cast<std::size_t>(mzis_); ++k) {
        const auto a = static_cast<std::size_t>(pairs_[2 * k]), b = static_cast<std::size_t>(pairs_[2 * k + 1]);
        first[a] = first[b] = reach_[2 * k] = std::min(first[a], first[b]);
        last[a] = last[b] = reach_[2 * k + 1] = std::max(last[a], last[b]);
    }
}

void bind_layout(py::module_& module) {
    py::class_<Layout>(module, "Layout", "The MZIs of a mesh in the order light meets them, checked once.")
        .def(py::init<index_t, const RealArray<std::int32_t>&>(), py::arg("modes"), py::arg("pairs").noconvert())
        .def_property_readonly("modes", &Layout::modes)
        .def_property_readonly("mzis", &Layout::mzis);
}

}  // namespace retrolux
