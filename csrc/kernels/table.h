#pragma once

#include "types.h"

namespace retrolux {

/// The passes of light through a mesh, in one precision. Arguments are trusted: the bindings check them.
/// Every pass gives the same bits for any number of threads.
template <class T>
struct Passes {
    /// y = U x. Null data of x: the identity.
    void (*forward)(const Mesh<T>& mesh, Light<const T> x, T* y, int threads);

    /// grad_x = U† grad_y: gradients of the input alone.
    void (*reverse)(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads);

    /// y = U x, where y is not null, and what the taps read on the way. For a large batch, fewer samples with the same
    /// sums take its place, and y comes by the matrix U, where that is cheaper. All ways agree to rounding.
    void (*forward_taps)(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads);

    /// Light sent in from the outputs: y = U^T x, where y is not null, and what the taps read on the way.
    void (*backward_taps)(const Mesh<T>& mesh, Light<const T> x, T* y, const Taps<T>& taps, int threads);

    /// From the output y, its gradient and, where there are losses, the input x that it came from (batch of y): the
    /// gradients of all settings and, where not null, of the input.
    void (*adjoint)(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, const T* x, T* grad_x,
                    const Gradients<T>& gradients, int threads);

    /// U^T of `meshes` meshes of one layout, whose settings follow those of the first: (meshes, modes, modes). Parts
    /// below 1e-30 (1e-290 in double precision) are zero.
    void (*matrices)(const Mesh<T>& first, index_t meshes, T* transposed, int threads);

    /// From all U^T and their gradients: the gradients of all settings, stacked likewise.
    void (*matrices_adjoint)(const Mesh<T>& first, index_t meshes, const T* transposed, const T* grad_transposed,
                             const Gradients<T>& gradients, int threads);

    /// Light behind modulators or before detectors; y may be the memory of x.
    void (*disturb)(Light<const T> x, index_t modes, T* y, const Disturbance<T>& how, int threads);

    /// y = x + std sqrt(variance) n, with normal numbers n; variance is 1 where it is null. x and y may be the same.
    void (*add_noise)(const T* x, const T* variance, T std, const NoiseKey& key, index_t count, T* y, int threads);

    /// y is made of x as `how` says; norm (batch) is the norm of each sample before it is divided.
    void (*superpose)(Light<const T> x, index_t modes, const Superposition<T>& how, T* y, T* norm, int threads);

    /// y = factor x, or its conjugate; factor (batch).
    void (*scale)(Light<const T> x, index_t modes, const T* factor, bool conjugate, T* y, int threads);

    /// size = |z| of `count` complex numbers.
    void (*modulus)(const T* z, index_t count, T* size, int threads);

    /// grad_z = grad_size z / |z|, 0 at z = 0.
    void (*modulus_adjoint)(const T* z, const T* size, const T* grad_size, index_t count, T* grad_z, int threads);

    /// Rounds of multiply-adds in registers, as many as a core can do: returns the floating-point operations that they
    /// were, a multiply-add counted as two.
    double (*multiply_adds)(index_t rounds);
};

/// All kernels compiled for one instruction set: the only symbol that such a build exports.
struct Table {
    Passes<float> single_precision;
    Passes<double> double_precision;

    /// y = A x.
    void (*multiply)(const SparseRows& matrix, const double* x, double* y, int threads);

    /// Standard normals: elements [first, first + count) of the stream `key`.
    void (*normals)(const NoiseKey& key, index_t first, index_t count, float* values, int threads);

    /// The same for numbers uniform on [0, 1), in steps of 2^-24; made of the words that `normals` takes.
    void (*uniforms)(const NoiseKey& key, index_t first, index_t count, float* values, int threads);
};

namespace baseline {
extern const Table table;
}
namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}

}  // namespace retrolux
