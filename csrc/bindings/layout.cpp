#include "bindings/layout.h"

#include <algorithm>
#include <stdexcept>

#include "bindings/bindings.h"
#include "order.h"

namespace retrolux {

Layout::Layout(index_t modes, py::handle pairs) : modes_(modes) {
    if (modes < 1 || modes > (1 << 24))
        throw std::invalid_argument("modes must be between 1 and 16777216, got " + std::to_string(modes));
    const Array given("pairs", pairs);
    if (given.dimensions() < 1) throw std::invalid_argument("pairs must have shape (mzis, 2), got ()");
    mzis_ = given.shape(0);
    const std::int32_t* data = given.of_shape({mzis_, 2}).integers();
    for (index_t k = 0; k < mzis_; ++k) {
        const std::int32_t a = data[2 * k], b = data[2 * k + 1];
        if (a < 0 || b < 0 || a >= modes || b >= modes || a == b)
            throw std::invalid_argument("MZI " + std::to_string(k) + " must join two of " + std::to_string(modes) +
                                        " modes, got " + std::to_string(a) + " and " + std::to_string(b));
    }
    pairs_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(2 * mzis_));
    std::copy(data, data + 2 * mzis_, pairs_.get());
    order_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(mzis_));
    chains_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(mzis_));
    reach_ = std::make_unique<std::int32_t[]>(static_cast<std::size_t>(2 * mzis_));
    find_orders(modes_, mzis_, pairs_.get(), order_.get(), chains_.get());
    find_reach(modes_, mzis_, pairs_.get(), reach_.get());
}

void bind_layout(py::module_& module) {
    py::class_<Layout>(module, "Layout", "The MZIs of a mesh in the order light meets them, checked once.")
        .def(py::init<index_t, py::handle>(), py::arg("modes"), py::arg("pairs"))
        .def_property_readonly("modes", &Layout::modes)
        .def_property_readonly("mzis", &Layout::mzis);
}

}  // namespace retrolux
