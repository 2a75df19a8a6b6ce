#pragma once

#include "types.h"

namespace retrolux {

/// The passes of light through a mesh, in one precision. Arguments are trusted: the bindings check them.
/// Every pass gives the same bits for any number of threads.
template <class T>
struct Passes {
    /// y = U x.
    void (*forward)(const Mesh<T>& mesh, Light<const T> x, T* y, int threads);

    /// grad_x = U† grad_y: gradients of the input alone.
    void (*reverse)(const Mesh<T>& mesh, Light<const T> grad_y, T* grad_x, int threads);

    /// From the output y and its gradient (batch of y): the gradients of all settings and, where not null,
    /// of the input. The input itself is recovered on the way and written to x where that is not null.
    void (*adjoint)(const Mesh<T>& mesh, Light<const T> y, const T* grad_y, T* x, T* grad_x,
                    const Gradients<T>& gradients, int threads);
};

/// All kernels compiled for one instruction set: the only symbol that such a build exports.
struct Table {
    Passes<float> single;
    Passes<double> twofold;
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
