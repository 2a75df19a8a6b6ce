#include "bindings/arrays.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/bindings.h"

namespace retrolux {

namespace {

static_assert(sizeof(py::ssize_t) == sizeof(index_t), "the sizes of arrays are read as they lie");

/// How tensors of a type are described; null where it does not say.
const dlpack::Api* api_of(PyTypeObject* type) {
    thread_local std::vector<std::pair<PyTypeObject*, const dlpack::Api*>> known;  // few: Tensor and Parameter
    for (const auto& [seen, api] : known)
        if (seen == type) return api;
    const py::handle handle(reinterpret_cast<PyObject*>(type));
    const py::object capsule = py::getattr(handle, "__dlpack_c_exchange_api__", py::none());
    if (!PyCapsule_IsValid(capsule.ptr(), dlpack::capsule_name)) return nullptr;
    auto* api = static_cast<const dlpack::Api*>(PyCapsule_GetPointer(capsule.ptr(), dlpack::capsule_name));
    while (api && api->version.major > dlpack::known_version) api = api->older;
    if (!api || !api->describe) return nullptr;
    handle.inc_ref();  // so that no other type gets its address
    known.emplace_back(type, api);
    return api;
}

/// What a method without arguments answers; no, where there is none.
bool says_yes(py::handle tensor, PyObject* method) {
    const auto answer = py::reinterpret_steal<py::object>(PyObject_CallMethodNoArgs(tensor.ptr(), method));
    if (answer) return answer.is(py::handle(Py_True));
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw py::error_already_set();
    PyErr_Clear();
    return false;
}

// Views of torch may be lazily conjugated or negated, which DLPack does not say.
bool is_negated(py::handle tensor) {
    static PyObject* const name = PyUnicode_InternFromString("is_neg");
    return says_yes(tensor, name);
}
bool is_conjugated(py::handle tensor) {
    static PyObject* const name = PyUnicode_InternFromString("is_conj");
    return says_yes(tensor, name);
}

bool in_c_order(const dlpack::Tensor& tensor) {
    if (!tensor.strides) return true;  // as DLPack has it
    index_t expected = 1;
    bool in_order = true;
    for (int d = tensor.dimensions - 1; d >= 0; --d) {
        in_order = in_order && (tensor.shape[d] == 1 || tensor.strides[d] == expected);
        expected *= tensor.shape[d];
    }
    return in_order || expected == 0;  // strides of an empty tensor may be anything
}

template <class T>
constexpr bool is_double = std::is_same_v<std::remove_const_t<T>, double>;

}  // namespace

std::string shape_text(const index_t* sizes, int dimensions) {
    std::string text = "(";
    for (int d = 0; d < dimensions; ++d) text += (d ? ", " : "") + std::to_string(sizes[d]);
    return text + (dimensions == 1 ? ",)" : ")");
}

Array::Array(const char* name, py::handle object, const char* prefix) : name_(name), prefix_(prefix), object_(object) {
    if (py::isinstance<py::array>(object))
        describe_numpy();
    else
        describe_tensor();
}

void Array::describe_numpy() {
    const auto array = py::reinterpret_borrow<py::array>(object_);
    const py::dtype type = array.dtype();
    data_ = const_cast<void*>(array.data());
    shape_ = reinterpret_cast<const index_t*>(array.shape());
    dimensions_ = static_cast<int>(array.ndim());
    const bool native = type.byteorder() == '=' || type.byteorder() == '|';
    if (native)
        kind_ = type.kind() == 'f'   ? Kind::real
                : type.kind() == 'c' ? Kind::complex
                : type.kind() == 'i' ? Kind::integer
                                     : Kind::other;
    bits_ = static_cast<int>(8 * type.itemsize());
    may_be_written_ = array.writeable();
    in_order_ = (array.flags() & py::array::c_style) != 0;
}

void Array::describe_tensor() {
    const dlpack::Api* api = api_of(Py_TYPE(object_.ptr()));
    if (!api)
        throw py::type_error(text() + " must be a NumPy array, or a tensor with DLPack's C exchange interface, got " +
                             Py_TYPE(object_.ptr())->tp_name);
    dlpack::Tensor tensor;
    if (api->describe(object_.ptr(), &tensor) != 0) {  // as a tensor without memory of its own
        PyErr_Clear();
        throw py::type_error(text() + " must have memory of its own");
    }
    if (tensor.device.type != dlpack::on_cpu)
        throw std::invalid_argument(text() + " must be on the CPU, got " +
                                    std::string(py::str(object_.attr("device"))));
    is_tensor_ = true;
    data_ = static_cast<char*>(tensor.data) + tensor.byte_offset;
    shape_ = tensor.shape;
    dimensions_ = tensor.dimensions;
    if (tensor.type.lanes == 1)
        kind_ = tensor.type.code == dlpack::real_code      ? Kind::real
                : tensor.type.code == dlpack::complex_code ? Kind::complex
                : tensor.type.code == dlpack::integer_code ? Kind::integer
                                                           : Kind::other;
    bits_ = tensor.type.bits;
    in_order_ = in_c_order(tensor);
}

index_t Array::size() const {
    return std::accumulate(shape_, shape_ + dimensions_, index_t(1), std::multiplies<index_t>());
}

bool Array::double_precision() const {
    const int bits = kind_ == Kind::real ? bits_ : kind_ == Kind::complex ? bits_ / 2 : 0;
    if (bits != 32 && bits != 64)
        throw py::type_error(text() + " must be in single or double precision, got " + dtype_text());
    return bits == 64;
}

std::string Array::dtype_text() const { return std::string(py::str(object_.attr("dtype"))); }

void Array::refuse_shape(const std::string& wanted) const {
    throw std::invalid_argument(text() + " must " + wanted + ", got " + shape_text(shape_, dimensions_));
}

const Array& Array::of_shape(const Shape& shape) const {
    if (!std::equal(shape.begin(), shape.end(), shape_, shape_ + dimensions_))
        refuse_shape("have shape " + shape_text(shape.begin(), shape.dimensions()));
    return *this;
}

const Array& Array::shaped_like(const Array& other) const {
    if (!std::equal(other.shape_, other.shape_ + other.dimensions_, shape_, shape_ + dimensions_))
        refuse_shape("have shape " + shape_text(other.shape_, other.dimensions_) + " as " + other.text());
    return *this;
}

const Array& Array::of_size(index_t size) const {
    if (this->size() != size) refuse_shape("hold " + std::to_string(size) + " numbers");
    return *this;
}

index_t Array::samples(index_t modes) const {
    if (dimensions_ < 1 || shape_[dimensions_ - 1] != modes)
        refuse_shape("have shape (..., modes) = (..., " + std::to_string(modes) + ")");
    return std::accumulate(shape_, shape_ + dimensions_ - 1, index_t(1), std::multiplies<index_t>());
}

void* Array::data_of(Kind kind, int bits, bool written, const char* dtype) const {
    if (kind_ != kind || bits_ != bits) throw py::type_error(text() + " must be " + dtype + ", got " + dtype_text());
    if (written && !may_be_written_) throw std::invalid_argument(text() + " must be writeable, it is read-only");
    if (!in_order_ ||
        (!written && is_tensor_ && (is_negated(object_) || (kind == Kind::complex && is_conjugated(object_)))))
        throw NotInOrder(text() + " must lie in memory in C order, neither lazily conjugated nor negated");
    return data_;
}

template <class T>
T* Array::reals() const {
    return static_cast<T*>(
        data_of(Kind::real, 8 * sizeof(T), !std::is_const_v<T>, is_double<T> ? "float64" : "float32"));
}

template <class T>
T* Array::amplitudes() const {
    return static_cast<T*>(
        data_of(Kind::complex, 16 * sizeof(T), !std::is_const_v<T>, is_double<T> ? "complex128" : "complex64"));
}

const std::int32_t* Array::integers() const {
    return static_cast<const std::int32_t*>(data_of(Kind::integer, 32, false, "int32"));
}

template float* Array::reals() const;
template double* Array::reals() const;
template const float* Array::reals() const;
template const double* Array::reals() const;
template float* Array::amplitudes() const;
template double* Array::amplitudes() const;
template const float* Array::amplitudes() const;
template const double* Array::amplitudes() const;

void bind_arrays(py::module_& module) {
    // pybind11's register_exception would leave a symbol of the standard library, made for this type, to be seen
    // outside.
    static PyObject* const error = PyErr_NewException("retrolux._core.NotInOrderError", PyExc_TypeError, nullptr);
    if (!error) throw py::error_already_set();
    module.attr("NotInOrderError") = py::handle(error);
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const NotInOrder& refused) {
            PyErr_SetString(error, refused.what());
        }
    });
}

}  // namespace retrolux
