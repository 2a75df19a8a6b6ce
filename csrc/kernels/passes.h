#pragma once

#include "types.h"

namespace retrolux::RETROLUX_ISA {

// The entries of the table; table.h says what each does.

template <class T>
void forward(const Mesh<T>& mesh, Light<const T> x, T* y, int threads);

template <class T>
void reverse(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads);

template <class T>
void forward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads);

template <class T>
void backward_taps(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads);

template <class T>
void disturb(Light<const T> x, index_t modes, T* y, const Disturbance<T>& how, int threads);

template <class T>
void add_noise(const T* x, const T* variance, T std, const NoiseKey& key, index_t count, T* y, int threads);

template <class T>
void superpose(Light<const T> x, index_t modes, const Superposition<T>& how, T* y, T* norm, int threads);

template <class T>
void scale(Light<const T> x, index_t modes, const T* factor, bool conjugate, T* y, int threads);

template <class T>
void modulus(const T* z, index_t count, T* size, int threads);

template <class T>
void modulus_adjoint(const T* z, const T* size, const T* grad_size, index_t count, T* grad_z, int threads);

template <class T>
double multiply_adds(index_t rounds);

void multiply(const SparseRows& matrix, const double* x, double* y, int threads);

void normals(const NoiseKey& key, index_t first, index_t count, float* values, int threads);

void uniforms(const NoiseKey& key, index_t first, index_t count, float* values, int threads);

template <class T>
void adjoint(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, const T* x, T* grad_x,
             const Gradients<T>& gradients, int threads);

/// The same; `from_identity` says that y is the output of the identity, where x is null. Dark MZIs are then skipped.
template <class T>
void adjoint(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, const T* x, T* grad_x, bool from_identity,
             const Gradients<T>& gradients, int threads);

template <class T>
void matrices(const Mesh<T>& first, index_t meshes, T* transposed, int threads);

template <class T>
void matrices_adjoint(const Mesh<T>& first, index_t meshes, const T* transposed, const T* grad_transposed,
                      const Gradients<T>& gradients, int threads);

}  // namespace retrolux::RETROLUX_ISA
