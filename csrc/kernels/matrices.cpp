#include "kernels/parallel.h"
#include "kernels/passes.h"

// Many meshes of one layout, each on one thread, and what they do to light in each of their modes.

namespace retrolux::RETROLUX_ISA {

namespace {

/// Calls body(i, threads) for every mesh i: meshes side by side where there are enough of them, else one after the
/// other.
template <class Body>
void for_each_mesh(index_t meshes, int threads, const Body& body) {
    if (meshes < threads) {
        for (index_t i = 0; i < meshes; ++i) body(i, threads);
        return;
    }
    in_parallel(threads, [&](int worker) {
        for (index_t i = share(meshes, threads, worker); i < share(meshes, threads, worker + 1); ++i) body(i, 1);
    });
}

/// The settings of mesh i, or the room for their gradients, where those of the first mesh are given.
template <class T>
Settings<T> settings_of(index_t i, Settings<T> first, index_t modes, index_t mzis) {
    for (const Setting<T>& setting : setting_table<T>) {
        T*& data = first.*setting.member;
        if (data) data += i * setting.numbers * (setting.of_modes ? modes : mzis);
    }
    return first;
}

template <class T>
Mesh<T> stacked(const Mesh<T>& first, index_t i) {
    Mesh<T> mesh = first;
    static_cast<Settings<const T>&>(mesh) = settings_of<const T>(i, first, first.modes, first.mzis);
    return mesh;
}

}  // namespace

template <class T>
void matrices(const Mesh<T>& first, index_t meshes, T* transposed, int threads) {
    // Products of these in a matrix library would be numbers with which processors are slow.
    constexpr T nothing = sizeof(T) == sizeof(float) ? T(1e-30) : T(1e-290);
    const index_t modes = first.modes, size = 2 * modes * modes;
    for_each_mesh(meshes, threads, [&](index_t i, int inner) {
        T* matrix = transposed + i * size;
        forward(stacked(first, i), Light<const T>{nullptr, modes}, matrix, inner);
        for (index_t j = 0; j < size; ++j) matrix[j] = matrix[j] > nothing || matrix[j] < -nothing ? matrix[j] : T(0);
    });
}

template <class T>
void matrices_adjoint(const Mesh<T>& first, index_t meshes, const T* transposed, const T* grad_transposed,
                      const Gradients<T>& gradients, int threads) {
    const index_t modes = first.modes, size = 2 * modes * modes;
    for_each_mesh(meshes, threads, [&](index_t i, int inner) {
        const Gradients<T> mine = settings_of(i, gradients, modes, first.mzis);
        adjoint<T>(stacked(first, i), {transposed + i * size, modes}, grad_transposed + i * size, nullptr, nullptr,
                   true, mine, inner);
    });
}

template void matrices(const Mesh<float>&, index_t, float*, int);
template void matrices(const Mesh<double>&, index_t, double*, int);
template void matrices_adjoint(const Mesh<float>&, index_t, const float*, const float*, const Gradients<float>&, int);
template void matrices_adjoint(const Mesh<double>&, index_t, const double*, const double*, const Gradients<double>&,
                               int);

}  // namespace retrolux::RETROLUX_ISA
