#pragma once

#include <cstdint>
#include <memory>

#include "bindings/arrays.h"

namespace retrolux {

/// A validated list of MZIs; built once per topology and shared by every call.
class Layout {
public:
    /// Throws std::invalid_argument when a pair leaves [0, modes) or pairs a mode with itself.
    Layout(index_t modes, py::handle pairs);

    index_t modes() const { return modes_; }
    index_t mzis() const { return mzis_; }
    /// The mesh with these MZIs, without its settings; good as long as the layout.
    template <class T>
    Mesh<T> mesh() const {
        Mesh<T> mesh;
        mesh.modes = modes_;
        mesh.mzis = mzis_;
        mesh.pairs = pairs_.get();
        mesh.order = order_.get();
        mesh.chains = chains_.get();
        mesh.reach = reach_.get();
        return mesh;
    }

private:
    index_t modes_;
    index_t mzis_ = 0;
    std::unique_ptr<std::int32_t[]> pairs_, order_, chains_, reach_;
};

}  // namespace retrolux
