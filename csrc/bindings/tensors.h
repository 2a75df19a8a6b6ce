#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/dlpack.h"

namespace retrolux {

/// The tensors of one call, taken one after the other as the kernels need them. Nothing is copied or converted: after
/// the first that is not on the CPU, in C order, of the precision T or of the right shape, `fit` is false, and no
/// pointer may be used. None is null.
template <class T>
class Tensors {
public:
    explicit Tensors(const dlpack::Exchange& exchange) : exchange_(exchange) {}

    bool fit() const { return fit_; }
    /// Light of shape (…, modes); all in one call have as many samples.
    const T* light(py::handle tensor, index_t modes) { return take_light(tensor, modes, true); }
    T* room_for_light(py::handle tensor, index_t modes) { return take_light(tensor, modes, false); }
    /// Samples of the light taken so far.
    index_t batch() const { return batch_; }
    /// Matrices of shape (…, modes, modes), one for each of the meshes in the stack.
    const T* matrices(py::handle tensor, const std::vector<index_t>& stack, index_t modes);
    T* room_for_matrices(py::handle tensor, const std::vector<index_t>& stack, index_t modes);
    /// theta, phi, gamma, coupler_error and loss_db, with the stack in front of their shapes.
    SettingsAt<T> settings(const py::tuple& tensors, const std::vector<index_t>& stack, const Layout& layout);
    Gradients<T> room_for_gradients(const py::tuple& tensors, const std::vector<index_t>& stack, const Layout& layout);

private:
    /// `read` is false for room, which need not be looked at for lazy conjugation.
    T* take(py::handle tensor, bool complex, bool read, const std::vector<index_t>& stack,
            std::initializer_list<index_t> shape);
    std::array<T*, 5> take_five(const py::tuple& tensors, bool read, const std::vector<index_t>& stack,
                                const Layout& layout);
    T* take_light(py::handle tensor, index_t modes, bool read);
    bool has_type(const dlpack::Tensor& tensor, bool complex) const;
    bool describe(py::handle tensor, bool read, dlpack::Tensor& described);

    const dlpack::Exchange& exchange_;
    bool fit_ = true;
    index_t batch_ = -1;
};

/// Whether a tensor is in double precision: false also for one that is in no precision at all, which is not fit for
/// either.
bool is_twofold(const dlpack::Exchange& exchange, py::handle tensor);

/// The dimensions in front of the last: none, or how many meshes there are.
std::vector<index_t> stack_of(const dlpack::Exchange& exchange, py::handle theta);

}  // namespace retrolux
