#include <algorithm>
#include <numeric>
#include <stdexcept>

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
    find_order();
    find_reach();
}

/// Light in a band of modes that slides by one mode a column goes through all columns before the next band does, and
/// stays in the first-level cache meanwhile: a mode comes and goes once instead of once a column. Where modes that are
/// not neighbours meet, bands may have to wait for each other; then the MZIs stay as they are numbered.
void Layout::find_order() {
    constexpr index_t band = 32;  // modes; with 64 samples of light and gradient, 32 KB in single precision
    std::vector<index_t> column(static_cast<std::size_t>(modes_), 0), newest(static_cast<std::size_t>(modes_), 0);
    std::vector<index_t> band_of(static_cast<std::size_t>(mzis_));
    order_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(mzis_));
    std::iota(order_.get(), order_.get() + mzis_, 0);
    for (index_t k = 0; k < mzis_; ++k) {
        const auto a = static_cast<std::size_t>(pairs_[static_cast<std::size_t>(2 * k)]);
        const auto b = static_cast<std::size_t>(pairs_[static_cast<std::size_t>(2 * k + 1)]);
        const index_t here = std::max(column[a], column[b]);
        const index_t mine = (static_cast<index_t>(std::min(a, b)) + here) / band;
        if (mine < std::max(newest[a], newest[b])) return;
        newest[a] = newest[b] = band_of[static_cast<std::size_t>(k)] = mine;
        column[a] = column[b] = here + 1;
    }
    std::stable_sort(order_.get(), order_.get() + mzis_, [&](std::int32_t i, std::int32_t j) {
        return band_of[static_cast<std::size_t>(i)] < band_of[static_cast<std::size_t>(j)];
    });
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
