#pragma once

#include <pybind11/complex.h>
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "kernels/table.h"

// Functions of Python's arrays that become methods of Kernels; kernels/table.h says what each does.

namespace retrolux::bindings {

template <class T>
void add_noise(const Passes<T>& kernels, const RealArray<T>& x, const std::optional<RealArray<T>>& variance, T std,
               std::uint64_t seed, std::uint32_t stream, std::uint64_t step, RealArray<T>& y, int threads);

template <class T>
void superpose(const Passes<T>& kernels, const ComplexArray<T>& x, const std::optional<ComplexArray<T>>& other,
               std::complex<T> turn, bool normalise, bool conjugate, ComplexArray<T>& y, RealArray<T>& norm,
               int threads);

template <class T>
void scale(const Passes<T>& kernels, const ComplexArray<T>& x, const RealArray<T>& factor, bool conjugate,
           ComplexArray<T>& y, int threads);

template <class T>
void modulus(const Passes<T>& kernels, const ComplexArray<T>& z, RealArray<T>& size, int threads);

template <class T>
void modulus_adjoint(const Passes<T>& kernels, const ComplexArray<T>& z, const RealArray<T>& size,
                     const RealArray<T>& grad_size, ComplexArray<T>& grad_z, int threads);

}  // namespace retrolux::bindings
