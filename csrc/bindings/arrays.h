#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "types.h"

// Python's arrays become the plain views that kernels take. Everything is checked here, and kernels trust it.

namespace retrolux {

namespace py = pybind11;

/// Arrays are taken as they are: a copy would hide a mistake, so a wrong dtype or layout is refused.
template <class T>
using RealArray = py::array_t<T, py::array::c_style>;
template <class T>
using ComplexArray = py::array_t<std::complex<T>, py::array::c_style>;

/// A validated list of MZIs; built once per topology and shared by every call.
class Layout {
public:
    /// Throws std::invalid_argument when a pair leaves [0, modes) or pairs a mode with itself.
    Layout(index_t modes, const RealArray<std::int32_t>& pairs);

    index_t modes() const { return modes_; }
    index_t mzis() const { return mzis_; }
    const std::int32_t* pairs() const { return pairs_.get(); }
    const std::int32_t* order() const { return order_.get(); }
    const std::int32_t* chains() const { return chains_.get(); }
    const std::int32_t* reach() const { return reach_.get(); }

private:
    index_t modes_;
    index_t mzis_;
    std::unique_ptr<std::int32_t[]> pairs_, order_, chains_, reach_;
};

/// The settings of a mesh, as Python hands them over.
template <class T>
struct Settings {
    RealArray<T> theta, phi, gamma;
    std::optional<RealArray<T>> coupler_error, loss_db;
};

/// The same by their addresses; the last two may be null.
template <class T>
struct SettingsAt {
    const T *theta, *phi, *gamma, *coupler_error, *loss_db;
};

/// Throws std::invalid_argument unless `array` has just this shape.
void require_shape(const char* name, const py::array& array, const std::vector<index_t>& shape);

/// Checks shapes, that every number is finite and that losses are not gains; the view lives as long as the arrays.
template <class T>
Mesh<T> mesh_view(const Layout& layout, const Settings<T>& settings);

/// The same for `meshes` of them, stacked along a first dimension; the view is of the first.
template <class T>
Mesh<T> stacked_view(const Layout& layout, const Settings<T>& settings, index_t meshes);

/// Checks that every number is finite and that losses are not gains. `stack` comes before all shapes: empty for one
/// mesh, or how many there are, of which the view is the first.
template <class T>
Mesh<T> mesh_at(const Layout& layout, const std::vector<index_t>& stack, const SettingsAt<T>& at);

/// Throws std::invalid_argument where an adjoint pass through losses has no input light: it may have to go forward
/// again.
template <class T>
void require_input(const Mesh<T>& mesh, const T* x, index_t batch) {
    if (mesh.loss_db && !x && batch > 0)
        throw std::invalid_argument("the adjoint of a mesh with losses needs its input x, got None");
}

/// Checks that `light` has shape (batch, modes) and returns its batch.
index_t require_batch(const char* name, const py::array& light, const Layout& layout);

/// Throws std::invalid_argument where numbers [first, first + count) are not all in one step of a stream.
void require_in_a_step(index_t first, index_t count);

/// Has forked children noticed, from now on.
void watch_forks();

/// How many threads a call may use: what was asked for, within reason, and one in a forked child, where the parent's
/// threads are gone. The runtime ends the process where the system has no more threads to give.
int usable_threads(int asked);

}  // namespace retrolux
