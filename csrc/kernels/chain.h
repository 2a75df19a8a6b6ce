#pragma once

#include "kernels/cross.h"
#include "kernels/rotations.h"
#include "kernels/vector.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Whether this instruction set has the registers for chains: with 16 of them they cost more than they save.
inline constexpr bool has_chains = vector_bytes == 64;
/// Beyond this size the coefficients, which a chain reads here and there, no longer come from a cache.
inline constexpr index_t most_modes_of_chains = 256;

/// Light crosses `length` MZIs of an ideal mesh, in each of which the lower mode is the upper one of the MZI before.
/// That mode stays in registers meanwhile, and half of the loads and stores are saved. Four vectors of lanes go side by
/// side, so that none waits for the one before it.
template <class T, int lanes>
inline void cross_chain(const Mesh<T>& mesh, const Rotation<T>* mzis, const std::int32_t* chain, index_t length,
                        T* tile) {
    constexpr int width = vector_lanes<T>, vectors = 4;
    static_assert(lanes % (width * vectors) == 0, "whole vectors, four at a time");
    const auto mode = [&](index_t end) { return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[end]); };
    for (int first = 0; first < lanes; first += width * vectors) {
        Vector<T> re[vectors], im[vectors];
        const T* lowest = mode(2 * static_cast<index_t>(chain[0]) + 1) + first;
        for (int v = 0; v < vectors; ++v) {
            re[v] = load(lowest + v * width);
            im[v] = load(lowest + lanes + v * width);
        }
        for (index_t i = 0; i < length; ++i) {
            const index_t k = chain[i];
            const Rotation<T> r = mzis[k];
            const T* upper = mode(2 * k) + first;
            T* lower = mode(2 * k + 1) + first;
            for (int v = 0; v < vectors; ++v) {
                Vector<T> a_re = load(upper + v * width), a_im = load(upper + lanes + v * width);
                shear_back(r.phase, a_re, a_im);
                shear(r.mix, a_re, re[v]);
                shear(r.mix, a_im, im[v]);
                store<T>(re[v], lower + v * width);
                store<T>(im[v], lower + lanes + v * width);
                re[v] = a_re;
                im[v] = a_im;
            }
        }
        T* highest = mode(2 * static_cast<index_t>(chain[length - 1])) + first;
        for (int v = 0; v < vectors; ++v) {
            store<T>(re[v], highest + v * width);
            store<T>(im[v], highest + lanes + v * width);
        }
    }
}

}  // namespace retrolux::RETROLUX_ISA
