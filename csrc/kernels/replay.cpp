#include "kernels/replay.h"

#include <cmath>
#include <cstring>

#include "kernels/coefficients.h"
#include "kernels/cross.h"
#include "kernels/parallel.h"
#include "kernels/partial_sums.h"
#include "kernels/sensitivity.h"
#include "kernels/tile.h"

namespace retrolux::RETROLUX_ISA {

namespace {

/// One pass over a batch, tile by tile. The MZIs are cut into stretches. Light goes forward, and is copied in front of
/// each stretch. Then, the last stretch first, light goes from its copy through the stretch again, and what enters each
/// MZI is kept; the gradient goes back through the stretch.
template <class T>
struct Replay {
    const Mesh<T>& mesh;
    const T* x;  ///< null for the identity
    Light<const T> y;
    const T* grad_y;
    T* grad_x;
    const Crossing<T>* matrices;
    const Crossing<T>* daggers;
    const T* cosine;
    const T* sine;
    index_t stretch, stretches;

    Replay(const Mesh<T>& mesh_, const T* x_, Light<const T> y_, const T* grad_y_, T* grad_x_,
           const Crossing<T>* matrices_, const Crossing<T>* daggers_, const T* cosine_, const T* sine_)
        : mesh(mesh_),
          x(x_),
          y(y_),
          grad_y(grad_y_),
          grad_x(grad_x_),
          matrices(matrices_),
          daggers(daggers_),
          cosine(cosine_),
          sine(sine_),
          // The copies of all modes take as much room as what enters the MZIs of one stretch.
          stretch(1 + static_cast<index_t>(std::sqrt(0.5 * static_cast<double>(mesh.mzis * mesh.modes)))),
          stretches((mesh.mzis + stretch - 1) / stretch) {}

    /// Numbers that a thread needs: light, gradient, copies in front of the stretches, and light that enters MZIs.
    index_t room() const { return wide<T> * (2 * mesh.modes * (2 + stretches) + 4 * stretch); }

    template <int lanes>
    void sweep(index_t first, int count, T* tile, double* sums, double* gamma_sums) const {
        const index_t modes = mesh.modes, size = 2 * modes * lanes;
        T *const grad = tile + size, *const copies = grad + size, *const entering = copies + size * stretches;
        pack<T, lanes>(y.data + 2 * first * modes, count, modes, tile);
        pack<T, lanes>(grad_y + 2 * first * modes, count, modes, grad);
        for (index_t m = 0; m < modes; ++m) {
            gamma_sums[m] -= imaginary_product<T, lanes>(tile + 2 * lanes * m, grad + 2 * lanes * m);
            rotate<T, lanes>(grad + 2 * lanes * m, cosine[m], -sine[m]);
        }
        if (x)
            pack<T, lanes>(x + 2 * first * modes, count, modes, tile);
        else
            pack_identity<T, lanes>(first, count, modes, tile);
        for (index_t s = 0; s < stretches; ++s) {
            copy(tile, size, copies + size * s);
            if (s + 1 == stretches) break;
            for_each(s, first, count, [&](index_t k, index_t) {
                cross<T, lanes>(matrices[k], port<lanes>(tile, 2 * k), port<lanes>(tile, 2 * k + 1));
            });
        }
        for (index_t s = stretches - 1; s >= 0; --s) {
            T* const light = copies + size * s;
            for_each(s, first, count, [&](index_t k, index_t place) {
                T *const a = port<lanes>(light, 2 * k), *const b = port<lanes>(light, 2 * k + 1);
                copy(a, 2 * lanes, entering + 4 * lanes * place);
                copy(b, 2 * lanes, entering + 4 * lanes * place + 2 * lanes);
                cross<T, lanes>(matrices[k], a, b);
            });
            for_each_back(s, first, count, [&](index_t k, index_t place) {
                T *const a = port<lanes>(grad, 2 * k), *const b = port<lanes>(grad, 2 * k + 1);
                const T* const in = entering + 4 * lanes * place;
                add_products<T, lanes>(in, in + 2 * lanes, a, b, sums + 8 * k);
                cross<T, lanes>(daggers[k], a, b);
            });
        }
        if (grad_x) unpack<T, lanes>(grad, count, modes, grad_x + 2 * first * modes);
    }

private:
    static void copy(const T* from, index_t count, T* to) {
        std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
    }

    template <int lanes>
    T* port(T* tile, index_t end) const {
        return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[end]);
    }

    /// Whether MZI `mzi` sees no light of the identity: it is skipped.
    bool stays_dark(index_t mzi, index_t first, int count) const {
        return !x && RETROLUX_ISA::stays_dark(mesh, mzi, first, count);
    }

    /// Calls body(MZI, its place in the stretch) for those of stretch s that see light.
    template <class Body>
    void for_each(index_t s, index_t first, int count, const Body& body) const {
        const index_t start = s * stretch, left = mesh.mzis - start, end = left < stretch ? left : stretch;
        for (index_t place = 0; place < end; ++place) {
            const index_t k = mesh.order[start + place];
            if (!stays_dark(k, first, count)) body(k, place);
        }
    }
    template <class Body>
    void for_each_back(index_t s, index_t first, int count, const Body& body) const {
        const index_t start = s * stretch, left = mesh.mzis - start, end = left < stretch ? left : stretch;
        for (index_t place = end - 1; place >= 0; --place) {
            const index_t k = mesh.order[start + place];
            if (!stays_dark(k, first, count)) body(k, place);
        }
    }
};

}  // namespace

template <class T>
void adjoint_by_replay(const Mesh<T>& mesh, const T* x, Light<const T> y, const T* grad_y, T* grad_x,
                       const Gradients<T>& gradients, int threads) {
    const index_t modes = mesh.modes, mzis = mesh.mzis;
    const Scratch<T> phases(2 * modes);
    T *cosine = phases.data(), *sine = cosine + modes;
    output_phases(mesh, cosine, sine);
    const Scratch<Crossing<T>> matrices(mzis), daggers(mzis);
    forward_matrices(mesh, matrices.data(), threads);
    reverse_matrices(mesh, daggers.data(), threads);
    const Replay<T> replay(mesh, x, y, grad_y, grad_x, matrices.data(), daggers.data(), cosine, sine);
    const Tiling<T> tiling(y.batch);
    PartialSums sums(tiling.tiles, 8 * mzis + modes, y.batch * modes * static_cast<index_t>(2 * sizeof(T)));
    const int workers = useful_workers(
        threads, sums.count(), operations::replayed_adjoint * static_cast<double>(mzis) * static_cast<double>(y.batch));
    const index_t room = replay.room();
    const Scratch<T> rooms(room * workers);
    sums.add_up(workers, [&](index_t t, double* piece, int worker) {
        tiling.with_lanes(t, [&](auto lanes) {
            replay.template sweep<lanes.value>(tiling.first(t), tiling.count(t), rooms.data() + room * worker, piece,
                                               piece + 8 * mzis);
        });
    });
    for (index_t m = 0; m < modes; ++m) gradients.gamma[m] = static_cast<T>(sums.total()[8 * mzis + m]);
    gradients_from_products(mesh, sums.total(), gradients);
}

template void adjoint_by_replay(const Mesh<float>&, const float*, Light<const float>, const float*, float*,
                                const Gradients<float>&, int);
template void adjoint_by_replay(const Mesh<double>&, const double*, Light<const double>, const double*, double*,
                                const Gradients<double>&, int);

}  // namespace retrolux::RETROLUX_ISA
