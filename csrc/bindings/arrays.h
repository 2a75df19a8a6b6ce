#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "bindings/dlpack.h"
#include "types.h"

// What the caller holds becomes memory that kernels may use. All that is to be known of an array is found out here.

namespace retrolux {

namespace py = pybind11;

/// Memory does not hold the elements as they are read, one after the other; that of a copy would. In Python it is
/// NotInOrderError.
class NotInOrder : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The sizes of a few dimensions.
class Shape {
public:
    static constexpr int most = 4;

    Shape(std::initializer_list<index_t> sizes) {
        for (const index_t size : sizes) sizes_[static_cast<std::size_t>(dimensions_++)] = size;
    }
    int dimensions() const { return dimensions_; }
    const index_t* begin() const { return sizes_.data(); }
    const index_t* end() const { return sizes_.data() + dimensions_; }

private:
    std::array<index_t, most> sizes_{};
    int dimensions_ = 0;
};

/// "(3, 4)" for the sizes of an array.
std::string shape_text(const index_t* sizes, int dimensions);

/// A NumPy array, or a tensor that its library describes by DLPack's C exchange interface, as the caller holds it.
/// Nothing is copied or converted: a copy would hide a mistake. Checks throw one sentence in which the array is called
/// `prefix` and `name`; what they return is good as long as the caller's array.
class Array {
public:
    /// Refuses what is no array on the CPU.
    Array(const char* name, py::handle object, const char* prefix = "");

    int dimensions() const { return dimensions_; }
    index_t shape(int dimension) const { return shape_[dimension]; }
    index_t size() const;
    bool is_complex() const { return kind_ == Kind::complex; }
    bool in_order() const { return in_order_; }
    /// Whether the numbers are in double precision; refuses what is in neither.
    bool double_precision() const;

    /// Refuses any shape but this.
    const Array& of_shape(const Shape& shape) const;
    /// Refuses another shape than that array has.
    const Array& shaped_like(const Array& other) const;
    /// Refuses another number of elements.
    const Array& of_size(index_t size) const;
    /// Samples of light of shape (..., modes); refuses what has other modes.
    index_t samples(index_t modes) const;

    /// The numbers, of this type and no other and in C order. Where T is not const they are to be written, else read.
    template <class T>
    T* reals() const;
    /// The same for complex numbers of two T each.
    template <class T>
    T* amplitudes() const;
    const std::int32_t* integers() const;

private:
    enum class Kind { integer, real, complex, other };

    void describe_numpy();
    void describe_tensor();
    std::string text() const { return std::string(prefix_) + name_; }
    std::string dtype_text() const;
    [[noreturn]] void refuse_shape(const std::string& wanted) const;
    void* data_of(Kind kind, int bits, bool written, const char* dtype) const;

    const char* name_;
    const char* prefix_;
    py::handle object_;
    void* data_ = nullptr;
    const index_t* shape_ = nullptr;
    int dimensions_ = 0;
    Kind kind_ = Kind::other;
    int bits_ = 0;
    bool is_tensor_ = false, may_be_written_ = true, in_order_ = false;
};

/// Calls body(T()) with the precision of an array, float or double.
template <class Body>
auto in_precision_of(const Array& array, const Body& body) {
    return array.double_precision() ? body(double()) : body(float());
}

}  // namespace retrolux
