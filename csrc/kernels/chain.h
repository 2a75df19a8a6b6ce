#pragma once

#include <cstring>

#include "kernels/cross.h"
#include "kernels/rotations.h"
#include "kernels/transpose.h"
#include "types.h"

namespace retrolux::RETROLUX_ISA {

/// Whether this instruction set has the registers for it: with 16 of them chains cost more than they save.
inline constexpr bool has_chains = vector_bytes == 64;

/// Light crosses `length` MZIs of an ideal mesh, in each of which the lower mode is the upper one of the MZI before:
/// that mode stays in registers meanwhile, and half of the loads and stores are saved. Four vectors of lanes at a time,
/// so that none waits for the one before it.
template <class T, int lanes>
inline void cross_chain(const Mesh<T>& mesh, const Rotation<T>* mzis, const std::int32_t* chain, index_t length,
                        T* tile) {
    using Vector = typename VectorOf<T>::Type;
    constexpr int width = block_size<T>, vectors = 4;
    static_assert(lanes % (width * vectors) == 0, "whole vectors, four at a time");
    const auto mode = [&](index_t end) { return tile + 2 * lanes * static_cast<index_t>(mesh.pairs[end]); };
    for (int first = 0; first < lanes; first += width * vectors) {
        Vector re[vectors], im[vectors];
        const T* lowest = mode(2 * static_cast<index_t>(chain[0]) + 1) + first;
        for (int v = 0; v < vectors; ++v) {
            std::memcpy(&re[v], lowest + v * width, sizeof(Vector));
            std::memcpy(&im[v], lowest + lanes + v * width, sizeof(Vector));
        }
        for (index_t i = 0; i < length; ++i) {
            const index_t k = chain[i];
            const Rotation<T> r = mzis[k];
            const T* upper = mode(2 * k) + first;
            T* lower = mode(2 * k + 1) + first;
            for (int v = 0; v < vectors; ++v) {
                Vector a_re, a_im;
                std::memcpy(&a_re, upper + v * width, sizeof(Vector));
                std::memcpy(&a_im, upper + lanes + v * width, sizeof(Vector));
                shear_back(r.phase, a_re, a_im);
                shear(r.mix, a_re, re[v]);
                shear(r.mix, a_im, im[v]);
                std::memcpy(lower + v * width, &re[v], sizeof(Vector));
                std::memcpy(lower + lanes + v * width, &im[v], sizeof(Vector));
                re[v] = a_re;
                im[v] = a_im;
            }
        }
        T* highest = mode(2 * static_cast<index_t>(chain[length - 1])) + first;
        for (int v = 0; v < vectors; ++v) {
            std::memcpy(highest + v * width, &re[v], sizeof(Vector));
            std::memcpy(highest + lanes + v * width, &im[v], sizeof(Vector));
        }
    }
}

}  // namespace retrolux::RETROLUX_ISA
