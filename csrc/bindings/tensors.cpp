#include "bindings/tensors.h"

#include <algorithm>

namespace retrolux {

namespace {

/// Describes a tensor; false for what cannot be described, as a tensor without memory of its own.
bool describe_any(const dlpack::Exchange& exchange, py::handle tensor, dlpack::Tensor& described) {
    if (exchange.describe(tensor.ptr(), &described) == 0) return true;
    PyErr_Clear();
    return false;
}

/// What a method without arguments answers: whether a view is lazily conjugated or negated, which DLPack does not say.
bool says_yes(py::handle tensor, PyObject* method) {
    PyObject* answer = PyObject_CallMethodNoArgs(tensor.ptr(), method);
    if (!answer) throw py::error_already_set();
    const bool yes = answer == Py_True;
    Py_DECREF(answer);
    return yes;
}

bool is_negated(py::handle tensor) {
    static PyObject* const name = PyUnicode_InternFromString("is_neg");
    return says_yes(tensor, name);
}
bool is_conjugated(py::handle tensor) {
    static PyObject* const name = PyUnicode_InternFromString("is_conj");
    return says_yes(tensor, name);
}

bool in_c_order(const dlpack::Tensor& tensor) {
    index_t expected = 1;
    bool in_order = true;
    for (int d = tensor.dimensions - 1; d >= 0; --d) {
        in_order = in_order && (tensor.shape[d] == 1 || tensor.strides[d] == expected);
        expected *= tensor.shape[d];
    }
    return in_order || expected == 0;  // strides of an empty tensor may be anything
}

}  // namespace

bool is_twofold(const dlpack::Exchange& exchange, py::handle tensor) {
    dlpack::Tensor described;
    if (!describe_any(exchange, tensor, described)) return false;
    return described.type.bits == (described.type.code == dlpack::complex_code ? 128 : 64);
}

std::vector<index_t> stack_of(const dlpack::Exchange& exchange, py::handle theta) {
    dlpack::Tensor described;
    if (!describe_any(exchange, theta, described) || described.dimensions != 2) return {};
    return {described.shape[0]};
}

template <class T>
bool Tensors<T>::has_type(const dlpack::Tensor& tensor, bool complex) const {
    const std::size_t bits = 8 * sizeof(T) * (complex ? 2 : 1);
    return tensor.type.code == (complex ? dlpack::complex_code : dlpack::real_code) && tensor.type.bits == bits &&
           tensor.type.lanes == 1;
}

template <class T>
bool Tensors<T>::describe(py::handle tensor, bool read, dlpack::Tensor& described) {
    const bool plain =
        describe_any(exchange_, tensor, described) && described.device.type == dlpack::on_cpu &&
        in_c_order(described) && described.byte_offset == 0 &&
        !(read && (is_negated(tensor) || (described.type.code == dlpack::complex_code && is_conjugated(tensor))));
    fit_ = fit_ && plain;
    return plain;
}

template <class T>
T* Tensors<T>::take(py::handle tensor, bool complex, bool read, const std::vector<index_t>& stack,
                    std::initializer_list<index_t> shape) {
    if (!fit_ || tensor.is_none()) return nullptr;
    dlpack::Tensor described;
    if (!describe(tensor, read, described)) return nullptr;
    const std::size_t dimensions = stack.size() + shape.size();
    fit_ = has_type(described, complex) && described.dimensions == static_cast<int>(dimensions) &&
           std::equal(stack.begin(), stack.end(), described.shape) &&
           std::equal(shape.begin(), shape.end(), described.shape + stack.size());
    return fit_ ? static_cast<T*>(described.data) : nullptr;
}

template <class T>
std::array<T*, 5> Tensors<T>::take_five(const py::tuple& tensors, bool read, const std::vector<index_t>& stack,
                                        const Layout& layout) {
    if (tensors.size() != 5)
        throw py::value_error("settings and gradients must be five, got " + std::to_string(tensors.size()));
    for (std::size_t i = 0; i < 3; ++i) fit_ = fit_ && !tensors[i].is_none();  // no mesh is without its phases
    const index_t modes = layout.modes(), mzis = layout.mzis();
    return {take(tensors[0], false, read, stack, {mzis}), take(tensors[1], false, read, stack, {mzis}),
            take(tensors[2], false, read, stack, {modes}), take(tensors[3], false, read, stack, {mzis, 2}),
            take(tensors[4], false, read, stack, {mzis, 4})};
}

template <class T>
T* Tensors<T>::take_light(py::handle tensor, index_t modes, bool read) {
    if (read && tensor.is_none()) fit_ = false;
    if (!fit_ || tensor.is_none()) return nullptr;
    dlpack::Tensor described;
    if (!describe(tensor, read, described)) return nullptr;
    const int last = described.dimensions - 1;
    fit_ = has_type(described, true) && last >= 0 && described.shape[last] == modes;
    if (!fit_) return nullptr;
    index_t samples = 1;
    for (int d = 0; d < last; ++d) samples *= described.shape[d];
    fit_ = batch_ < 0 || samples == batch_;
    batch_ = samples;
    return fit_ ? static_cast<T*>(described.data) : nullptr;
}

template <class T>
const T* Tensors<T>::matrices(py::handle tensor, const std::vector<index_t>& stack, index_t modes) {
    return take(tensor, true, true, stack, {modes, modes});
}

template <class T>
T* Tensors<T>::room_for_matrices(py::handle tensor, const std::vector<index_t>& stack, index_t modes) {
    return take(tensor, true, false, stack, {modes, modes});
}

template <class T>
SettingsAt<T> Tensors<T>::settings(const py::tuple& tensors, const std::vector<index_t>& stack, const Layout& layout) {
    const auto [theta, phi, gamma, coupler_error, loss_db] = take_five(tensors, true, stack, layout);
    return {theta, phi, gamma, coupler_error, loss_db};
}

template <class T>
Gradients<T> Tensors<T>::room_for_gradients(const py::tuple& tensors, const std::vector<index_t>& stack,
                                            const Layout& layout) {
    const auto [theta, phi, gamma, coupler_error, loss_db] = take_five(tensors, false, stack, layout);
    return {theta, phi, gamma, coupler_error, loss_db};
}

template class Tensors<float>;
template class Tensors<double>;

}  // namespace retrolux
